// One session over many failovers: a to b to c, and back to servers that it was at before.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

bool await_events(SwitchedWorld& world, size_t count) {
  return world.run_until([&] { return world.dut.events().size() >= count; }, 5s) &&
         world.dut.events().newest().outcome == "resumed";
}

size_t index_of(const RtspServer& server, const std::string& method) {
  size_t i = 0;
  while (i < server.requests().size() && server.requests()[i].message.method() != method) ++i;
  return i;
}

TEST_CASE("a to b and back to a, which was restarted") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  const Death how = GENERATE(Death::kFin, Death::kReset);
  world.a().die(how);
  REQUIRE(await_events(world, 1));
  world.a().start();
  REQUIRE(world.client().await_packets(0, 240));
  world.b().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  CHECK(world.dut.events().newest().server_from == "b");
  CHECK(world.dut.events().newest().server_to == "a");
}

// a has the client's old connection still, and perhaps the session: a challenge ACK answers the SYN.
TEST_CASE("a to b and back to a, which was only stopped") {
  WorldOptions options;
  options.a.personality.sessions_outlive_connections = GENERATE(false, true);
  const bool timestamps = GENERATE(true, false);
  options.client.tcp.timestamps = timestamps;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().freeze();
  REQUIRE(await_events(world, 1));
  world.a().thaw();
  REQUIRE(world.client().await_packets(0, 260));
  world.b().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  CHECK(world.dut.events().newest().server_to == "a");
  CHECK(world.a().sessions().size() == 2);
  CHECK_FALSE(world.a().sessions().front().open);
}

// The servers are cut off from the device, so that nobody hears that a is back; then b dies, and a is
// asked for the session of before first.
TEST_CASE("what is owed to a server is paid before it is used again for that client") {
  WorldOptions options;
  options.a.personality.sessions_outlive_connections = true;
  SwitchOptions without_heartbeats;
  without_heartbeats.heartbeat.kind = HeartbeatConfig::Kind::kNone;
  SwitchedWorld world(options, without_heartbeats);
  world.run_for(1s);  // ARP
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().freeze();
  REQUIRE(await_events(world, 1));
  world.run_for(100ms);
  REQUIRE(world.dut.owed("a") == 1);
  world.b().die(Death::kFin);
  world.run_for(30ms);
  world.a().thaw();
  CHECK(world.run_to_the_end());
  check_contract(world);
  const auto& requests = world.a().requests();
  REQUIRE(world.a().count("DESCRIBE") == 2);
  const size_t teardown = index_of(world.a(), "TEARDOWN");
  REQUIRE(teardown < requests.size());
  size_t describes = 0;
  for (size_t i = 0; i < teardown; ++i) describes += requests[i].message.method() == "DESCRIBE";
  CHECK(describes == 1);  // the client's own
  CHECK(world.dut.owed("a") == 0);
}

TEST_CASE("a to b to c and back to a") {
  WorldOptions options;
  options.servers = 3;
  options.seed = GENERATE(from_range(seeds(6)));
  options.movie.b_frames = static_cast<uint32_t>(options.seed % 3);
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  options.seed % 2 == 0 ? world.a().die(Death::kReset) : world.a().freeze();
  REQUIRE(await_events(world, 1));
  REQUIRE(world.client().await_packets(0, 180));
  options.seed % 2 == 0 ? world.a().start() : world.a().thaw();
  world.b().host().cut_off();
  REQUIRE(await_events(world, 2));
  const std::string second = world.dut.events().newest().server_to;
  REQUIRE(world.client().await_packets(0, 280));
  RtspServer& third = second == "a" ? world.a() : world.c();
  third.die(Death::kFin);
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  CHECK(world.run_to_the_end());
  CHECK(world.client().answer(cseq) != nullptr);
  check_contract(world);
  REQUIRE(world.dut.events().size() == 3);
  CHECK(world.dut.events().newest().outcome == "resumed");
}

// Every failover leaves a server, with its ports, behind: none of it may pile up.
TEST_CASE("a session moves as often as its servers fail") {
  WorldOptions options;
  options.movie.duration = 40s;
  options.movie.most_packets = 2;
  SwitchedWorld world(options);
  RtspClient& client = world.client();
  REQUIRE(client.begin());
  constexpr size_t kMoves = 40;
  for (size_t i = 0; i < kMoves; ++i) {
    INFO("move " << i);
    world.run_for(400ms);
    RtspServer& now = world.server(i % 2);
    now.die(i % 3 == 0 ? Death::kReset : Death::kFin);
    REQUIRE(await_events(world, i + 1));
    now.start();
    REQUIRE(world.run_until([&] { return world.dut.detector().usable(i % 2); }, 2s));
    const uint32_t cseq = client.request("GET_PARAMETER");
    REQUIRE(client.await(cseq));
    CHECK(client.answer(cseq)->status() == 200);
  }
  CHECK(world.run_to_the_end(40s));
  check_contract(world);
  CHECK(world.dut.events().size() == kMoves);
  CHECK(world.dut.stats().not_tracked == 0);
}

TEST_CASE("the server that has just failed is the last to be asked") {
  WorldOptions options;
  options.servers = 3;
  TcpPeer* connection = nullptr;
  SwitchedWorld world(options);
  world.a().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() == "PLAY") connection = &tcp;
    return false;
  });
  world.b().host().cut_off();
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 200));
  connection->abort();  // a lives on, and is healthy
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().newest().server_to == "c");
  CHECK(world.a().count("DESCRIBE") == 1);
}

TEST_CASE("the only server is used again once it has been restarted") {
  WorldOptions options;
  options.servers = 1;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 200));
  world.a().die(Death::kFin);
  world.run_for(2s);
  CHECK(world.dut.events().size() == 0);
  world.a().start();
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().server_to == "a");
  CHECK(world.dut.events().newest().outcome == "resumed");
}

}  // namespace
}  // namespace midstream::scenario
