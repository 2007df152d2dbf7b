#include <catch2/catch.hpp>

#include "tests/unit/tcp/splice_wire.h"

namespace midstream::tcp {
namespace {

void check(const std::optional<Timestamps>& stamps, TcpTimestamp value, TcpTimestamp echo) {
  REQUIRE(stamps);
  CHECK(stamps->value == value);
  CHECK(stamps->echo == echo);
}

TEST_CASE("splice: to the client the old server's clock goes on", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    check(wire.to_client(wire.from_server(0, 0, 1)).timestamps, wire.old_time(0), wire.client_time(1));
    check(wire.to_client(wire.from_server(0, 9, 3)).timestamps, wire.old_time(9), wire.client_time(3));
    // A retransmission with an older value: the client would drop it (RFC 7323 5.3).
    check(wire.to_client(wire.from_server(0, 4, 2)).timestamps, wire.old_time(9), wire.client_time(2));
    check(wire.to_client(wire.from_server(0, 10, 4)).timestamps, wire.old_time(10),
          wire.client_time(4));
  }
}

TEST_CASE("splice: to the server the client echoes the server's own clock", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    // Echoes of the old server are of nothing that this one said.
    check(wire.to_server(wire.from_client(0, 1, -5000)).timestamps, wire.client_time(1),
          wire.server_time(0));
    check(wire.to_server(wire.from_client(0, 2, -1)).timestamps, wire.client_time(2),
          wire.server_time(0));
    check(wire.to_server(wire.from_client(0, 3, 0)).timestamps, wire.client_time(3),
          wire.server_time(0));
    check(wire.to_server(wire.from_client(0, 9, 12)).timestamps, wire.client_time(9),
          wire.server_time(12));
    // Overtaken on its way: its own value stays, but is not the newest.
    check(wire.to_server(wire.from_client(0, 7, 11)).timestamps, wire.client_time(7),
          wire.server_time(11));
    CHECK(wire.splice.newest_client == wire.client_time(9));
  }
}

TEST_CASE("splice: a third server goes on from where the second stopped", "[tcp][splice]") {
  Wire wire(kStarts[1]);
  wire.to_client(wire.from_server(0, 100));
  const TcpTimestamp third(77);
  wire.splice.server_floor = third;
  wire.splice.timestamp_offset = static_cast<uint32_t>(wire.splice.client_floor - third);
  Segment in = wire.from_server(0);
  in.timestamps->value = third + 5;
  check(wire.to_client(in).timestamps, wire.old_time(105), wire.client_time(0));
  check(wire.to_server(wire.from_client(0, 1, 99)).timestamps, wire.client_time(1), third);
  check(wire.to_server(wire.from_client(0, 1, 105)).timestamps, wire.client_time(1), third + 5);
}

TEST_CASE("splice: months later echoes are still the client's", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    constexpr int64_t kWeek = 7 * 24 * 3600 * int64_t{1000};  // a common clock: one tick a millisecond
    for (int64_t clock = 0; clock < 20 * kWeek; clock += kWeek) {
      CAPTURE(clock);
      Segment in = wire.from_server(0);
      in.timestamps->value = wire.server_time(clock);
      REQUIRE(wire.to_client(in).timestamps->value == wire.old_time(clock));
      in = wire.from_client(0);
      in.timestamps->echo = wire.old_time(clock);
      REQUIRE(wire.to_server(in).timestamps->echo == wire.server_time(clock));
    }
  }
}

TEST_CASE("splice: a server without timestamps, a client with them", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    wire.splice.server.timestamps = false;
    CHECK_FALSE(wire.to_server(wire.from_client(0, 6, 0)).timestamps);
    CHECK_FALSE(make_to_server(wire.splice, TcpSequence(1)).timestamps);
    Segment in = wire.from_server(0);
    in.timestamps.reset();
    check(wire.to_client(in).timestamps, wire.old_time(0), wire.client_time(6));
    // One that says them unasked says nothing (RFC 7323 3.2).
    check(wire.to_client(wire.from_server(0, 40, 1)).timestamps, wire.old_time(0), wire.client_time(6));
  }
}

TEST_CASE("splice: a client without timestamps, a server with them", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    wire.splice.client.timestamps = false;
    CHECK_FALSE(wire.to_client(wire.from_server(0, 30)).timestamps);
    CHECK_FALSE(make_to_client(wire.splice, TcpSequence(1)).timestamps);
    // What is made up for the server is its own newest, or its round trip would grow for ever.
    Segment in = wire.from_client(0);
    in.timestamps.reset();
    check(wire.to_server(in).timestamps, wire.client_time(0), wire.server_time(30));
    check(make_to_server(wire.splice, TcpSequence(1)).timestamps, wire.client_time(0),
          wire.server_time(30));
    check(wire.to_server(wire.from_client(0, 50, 2)).timestamps, wire.client_time(0),
          wire.server_time(30));
  }
}

TEST_CASE("splice: segments of the switch's own say the newest that is known", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    Segment from_server = wire.from_server(0, 20, 1), from_client = wire.from_client(0, 8, 5);
    from_server.window = 300;
    from_client.window = 400;
    wire.to_client(from_server);
    wire.to_server(from_client);

    const Segment to_client = make_to_client(wire.splice, TcpSequence(start.client) + 3);
    CHECK(to_client.acknowledgement == TcpSequence(start.client) + 3);
    CHECK(to_client.window == 300);
    CHECK(to_client.flags.ack);
    check(to_client.timestamps, wire.old_time(20), wire.client_time(8));

    const Segment to_server = make_to_server(wire.splice, TcpSequence(start.server) + 4);
    CHECK(to_server.acknowledgement == TcpSequence(start.server) + 4);
    CHECK(to_server.window == 400);
    CHECK(to_server.flags.ack);
    check(to_server.timestamps, wire.client_time(8), wire.server_time(20));
  }
}

}  // namespace
}  // namespace midstream::tcp
