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

TEST_CASE("what is owed to a server is paid before it is used again for that client") {
  WorldOptions options;
  options.movie.duration = 14s;
  options.a.personality.sessions_outlive_connections = true;
  SwitchedWorld world(options);
  bool deaf = true;
  size_t open_when_asked = 0;
  world.a().intercept([&](const RtspMessage& request, TcpPeer&) {
    if (request.method() == "DESCRIBE") open_when_asked = world.a().open_sessions();
    return deaf && request.method() == "TEARDOWN";
  });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().host().cut_off();
  REQUIRE(await_events(world, 1));
  world.a().host().reconnect();
  REQUIRE(world.run_until([&] { return world.a().count("TEARDOWN") > 0; }, 3s));
  world.run_for(2500ms);  // that one has been given up, and the next is not due
  REQUIRE(world.dut.owed("a") == 1);
  deaf = false;
  open_when_asked = SIZE_MAX;
  world.b().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().newest().server_to == "a");
  CHECK(open_when_asked == 0);
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
    REQUIRE(world.run_until([&] { return world.dut.usable(i % 2); }, 2s));
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
