#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "tests/unit/tcp/splice_wire.h"

namespace midstream::tcp {
namespace {

// A side's SACK blocks: edges of the other direction's output, counted from the splice.
void add_sack(Segment& in, uint32_t base, int left, int right) {
  in.sack[in.sack_count++] = {TcpSequence(base) + left, TcpSequence(base) + right};
}
using Blocks = std::vector<std::pair<int, int>>;
Blocks blocks(const Segment& out, TcpSequence base) {
  Blocks all;
  for (size_t i = 0; i < out.sack_count; ++i) {
    all.emplace_back(out.sack[i].left - base, out.sack[i].right - base);
  }
  return all;
}

TEST_CASE("splice: acknowledgements reach the sender in its own numbers", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    for (const int n : {0, 1, 17, 40, 5000}) {
      CHECK(wire.to_client(wire.from_server(n)).acknowledgement == TcpSequence(start.client) + n);
      CHECK(wire.to_server(wire.from_client(n)).acknowledgement == TcpSequence(start.server) + n);
    }
    // What the switch originated is acknowledged to the switch.
    for (const int n : {-1, -300}) {
      CHECK(wire.to_client(wire.from_server(n)).acknowledgement == TcpSequence(start.client));
      CHECK(wire.to_server(wire.from_client(n)).acknowledgement == TcpSequence(start.server));
    }
  }
}

TEST_CASE("splice: an edit shifts what is acknowledged behind it", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    EditList& edits = wire.splice.to_client.edits;
    REQUIRE(edits.add(TcpSequence(start.server) + 10, 8, "0123456789abcdef"));
    struct Row {
      int acknowledged, told;
    };
    for (const Row row : {Row{10, 10}, {11, 10}, {25, 10}, {26, 18}, {30, 22}}) {
      CAPTURE(row.acknowledged);
      const Segment out = wire.to_server(wire.from_client(row.acknowledged));
      CHECK(out.acknowledgement - TcpSequence(start.server) == row.told);
    }
    CHECK(wire.to_client(wire.from_server(26)).acknowledgement == TcpSequence(start.client) + 26);
  }
}

TEST_CASE("splice: what is selectively acknowledged", "[tcp][splice]") {
  struct Row {
    const char* what;
    int acknowledged, left, right;
    Blocks told;
  };
  for (const Start& start : kStarts) {
    for (const Row& row : {
             Row{"beyond the edit", 5, 40, 60, {{32, 52}}},
             Row{"before the edit", 2, 4, 9, {{4, 9}}},
             Row{"from inside the edit: nothing of it", 5, 20, 60, {{18, 52}}},
             Row{"to inside the edit: nothing of it", 2, 4, 20, {{4, 10}}},
             Row{"wholly inside the edit", 5, 14, 20, {}},
             Row{"only what the switch repeats itself", -50, -20, -10, {}},
             Row{"all that the server sent, after a hole in what the switch repeats",
                 -50,
                 0,
                 9,
                 {{1, 9}}},
             Row{"from what the switch repeats itself into what the server sent",
                 -50,
                 -20,
                 9,
                 {{1, 9}}},
             Row{"a duplicate below the acknowledgement (RFC 2883)", 9, 2, 5, {{2, 5}}},
             Row{"a duplicate up to the acknowledgement", 9, 2, 9, {{2, 9}}},
             Row{"a duplicate of what the switch repeated", 9, -7, -2, {}},
         }) {
      INFO(row.what);
      Wire wire(start);
      REQUIRE(wire.splice.to_client.edits.add(TcpSequence(start.server) + 10, 8, "0123456789abcdef"));
      Segment in = wire.from_client(row.acknowledged);
      add_sack(in, start.to_client, row.left, row.right);
      CHECK(blocks(wire.to_server(in), TcpSequence(start.server)) == row.told);
    }
  }
}

TEST_CASE("splice: no selective acknowledgement begins at the acknowledgement", "[tcp][splice]") {
  Wire wire(kStarts[1]);  // half of a pure insertion has arrived, then a hole, then the rest
  REQUIRE(wire.splice.to_client.edits.add(TcpSequence(wire.start.server) + 10, 0, "0123456789"));
  Segment in = wire.from_client(13);
  add_sack(in, wire.start.to_client, 16, 40);
  const Segment out = wire.to_server(in);
  CHECK(out.acknowledgement == TcpSequence(wire.start.server) + 10);
  CHECK(blocks(out, TcpSequence(wire.start.server)) == Blocks{{11, 30}});
}

TEST_CASE("splice: several selective acknowledgements keep their order, both ways", "[tcp][splice]") {
  for (const Start& start : kStarts) {
    Wire wire(start);
    Segment from_client = wire.from_client(5), from_server = wire.from_server(5);
    for (const int left : {60, -30, 20, 40}) {
      add_sack(from_client, start.to_client, left, left + 7);
      add_sack(from_server, start.to_server, left, left + 7);
    }
    const Blocks told{{60, 67}, {20, 27}, {40, 47}};
    CHECK(blocks(wire.to_server(from_client), TcpSequence(start.server)) == told);
    CHECK(blocks(wire.to_client(from_server), TcpSequence(start.client)) == told);

    wire.splice.client.sack = false;
    CHECK(wire.to_client(from_server).sack_count == 0);
    CHECK(wire.to_server(from_client).sack_count == 3);
    wire.splice.client.sack = true;
    wire.splice.server.sack = false;
    CHECK(wire.to_server(from_client).sack_count == 0);
    CHECK(wire.to_client(from_server).sack_count == 3);
  }
}

TEST_CASE("splice: windows keep their bytes across two scales", "[tcp][splice]") {
  struct Row {
    uint8_t own, presented;
    uint16_t window, told;
  };
  for (const Row row : {Row{7, 7, 502, 502},
                        {0, 0, 65535, 65535},
                        {0, 7, 64256, 502},
                        {7, 0, 502, 64256},
                        {7, 0, 512, 65535},  // 65536 bytes
                        {14, 0, 65535, 65535},
                        {14, 13, 1000, 2000},
                        {0, 14, 65535, 3},
                        {8, 7, 65535, 65535},
                        {0, 0, 1, 16384},  // a message finds room
                        {0, 7, 16383, 128},
                        {0, 14, 8192, 1},  // not silenced
                        {14, 0, 1, 16384},
                        {2, 7, 0, 0}}) {
    CAPTURE(int{row.own}, int{row.presented}, row.window);
    Wire wire(kStarts[0]);
    Segment in = wire.from_server(0);
    in.window = row.window;
    wire.splice.server.window_scale = row.own;
    wire.splice.presented_scale = row.presented;
    CHECK(wire.to_client(in).window == row.told);
    CHECK(wire.splice.window_to_client == row.told);
    CHECK(wire.splice.window_to_server == 0);

    wire.splice.server.window_scale = 3;  // none of the client's business
    wire.splice.presented_scale = 5;
    in = wire.from_client(0);
    in.window = row.window;
    wire.splice.client.window_scale = row.own;
    wire.splice.presented_client_scale = row.presented;
    CHECK(wire.to_server(in).window == row.told);
    CHECK(wire.splice.window_to_server == row.told);
  }
}

TEST_CASE("splice: flags and urgent pointer pass, payload is the caller's", "[tcp][splice]") {
  Wire wire(kStarts[0]);
  Segment in = wire.from_client(0);
  in.flags = {.fin = true, .psh = true, .ack = true, .urg = true};
  in.urgent = 9;
  in.payload = as_bytes("text");
  for (const Segment& out : {wire.to_server(in), wire.to_client(in)}) {
    CHECK(out.flags.fin);
    CHECK(out.flags.psh);
    CHECK(out.flags.ack);
    CHECK(out.flags.urg);
    CHECK_FALSE(out.flags.rst);
    CHECK(out.urgent == 9);
    CHECK(out.payload.empty());
  }
}

TEST_CASE("splice: the base follows over several turns of the circle", "[tcp][splice]") {
  Direction direction;
  direction.edits.reset(TcpSequence(1000), TcpSequence(5000));
  direction.input_base = TcpSequence(1000);
  uint32_t acknowledged = 1000;
  for (int i = 0; i < 100; ++i) {
    acknowledged += 100'000'000;  // 10 GB in all
    draw_base_along(direction, TcpSequence(acknowledged));
    CHECK(later(direction.edits.to_input(TcpSequence(acknowledged + 4000)), direction.input_base) ==
          TcpSequence(acknowledged));
  }
}

}  // namespace
}  // namespace midstream::tcp
