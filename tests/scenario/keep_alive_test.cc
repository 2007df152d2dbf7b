// The second server forgets a session sooner than the client was told, or the client asks nothing: the
// switch keeps the session alive with requests of its own, and the client sees nothing of it.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

// b forgets after 2 s without a sign of the client, which was told 60 and gives none.
WorldOptions forgetful(uint32_t seed = 1) {
  WorldOptions options;
  options.seed = seed;
  options.movie.duration = 14s;
  options.b.personality.announced_timeout_s = 2;
  options.b.personality.timeout_in_setup_only = true;  // else the client would be told 2 s later on
  options.client.report_interval = 0ns;  // a receiver report is a sign of life to some servers
  return options;
}

// Between the client and a server, not the switch's own heartbeats.
bool is_of_the_client(const Frame& frame) {
  const net::Packet packet = net::parse_packet(frame);
  const Address client = kClientAddress;
  return packet.kind == net::PacketKind::kTcp &&
         (packet.source.address == client || packet.destination.address == client);
}

struct Moved : SwitchedWorld {
  explicit Moved(const WorldOptions& options, Death how = Death::kFin) : SwitchedWorld(options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 60));
    a().die(how);
    REQUIRE(run_until([this] { return dut.events().size() > 0; }, 8s));
    CHECK(dut.events().newest().outcome == "resumed");
  }
  // Requests in a session, the client's and the switch's.
  size_t asked_in_session(const std::string& method) {
    size_t count = 0;
    for (const RtspServer::Request& request : b().requests())
      count += request.message.method() == method && !request.message.header("Session").empty();
    return count;
  }
};

TEST_CASE("a silent client's session is kept alive at a server with a shorter timeout") {
  Moved world(forgetful(), GENERATE(Death::kFin, Death::kReset));
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  CHECK(world.asked_in_session("OPTIONS") >= 9);  // once a second
  CHECK(world.asked_in_session("OPTIONS") <= 14);
  CHECK(world.client().await(world.client().request("GET_PARAMETER")));
}

TEST_CASE("a server that does not support the request is none the worse for it") {
  WorldOptions options = forgetful();
  options.b.personality.refuses = "OPTIONS";
  Moved world(options);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
}

TEST_CASE("the client's own requests are keep-alives enough") {
  Moved world(forgetful());
  while (world.timeline.now() < Time{} + 10s) {
    REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
    world.run_for(700ms);
  }
  CHECK(world.asked_in_session("OPTIONS") == 0);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
}

TEST_CASE("nothing is put into a request that the client has half sent") {
  Moved world(forgetful());
  const std::string text = "GET_PARAMETER " + world.client().url() +
                           "/ RTSP/1.0\r\nCSeq: 77\r\nSession: " + world.client().session_id() +
                           "\r\n\r\n";
  world.client().tcp().send(text.substr(0, 40));
  world.run_for(1700ms);  // a keep-alive is due
  CHECK(world.asked_in_session("OPTIONS") == 0);
  world.client().tcp().send(text.substr(40));
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 3s));
  CHECK(world.client().oddities() == Findings{"nobody asked for: RTSP/1.0 200 OK CSeq 77"});
  CHECK(world.violations.all() == Findings{});
}

TEST_CASE("keep-alives and requests and losses in any order") {
  WorldOptions options = forgetful(GENERATE(from_range(seeds(12))));
  options.b.personality.announced_timeout_s = 4;  // three losses in a row are no reason to forget
  options.client.cut_requests = options.seed % 2 == 0;
  options.client.tcp.recut_retransmissions = options.seed % 3 == 0;
  options.b.tcp.recut_retransmissions = options.seed % 3 == 1;
  Moved world(options);
  auto& loss = world.b().host();
  loss.lose_sent(
      [&world](const Frame& f) { return is_of_the_client(f) && world.random.between(0, 4) == 0; });
  loss.lose_received(
      [&world](const Frame& f) { return is_of_the_client(f) && world.random.between(0, 4) == 0; });
  while (world.timeline.now() < Time{} + 10s) {
    world.run_for(std::chrono::milliseconds(world.random.between(100, 3500)));
    world.client().request(world.random.between(0, 1) == 0 ? "GET_PARAMETER" : "OPTIONS");
  }
  loss.lose_sent({});
  loss.lose_received({});
  CHECK(world.run_to_the_end(30s));
  world.run_for(4s);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
}

TEST_CASE("a client that has vanished is not kept alive for ever") {
  WorldOptions options = forgetful();
  options.a.personality.announced_timeout_s = 3;
  Moved world(options);
  world.client_host().cut_off();
  CHECK(world.run_until([&] { return !world.b().newest_session()->open; }, 7s));
}

}  // namespace
}  // namespace midstream::scenario
