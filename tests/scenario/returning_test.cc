// The old server comes back: while the session moves, or after it has moved. Nothing of it reaches the
// client, and what it still believes to serve is torn down (contract line 6).
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/rtp_wire.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

// live555's and gortsplib's manner: only a TEARDOWN stops them.
WorldOptions with_lasting_sessions() {
  WorldOptions options;
  options.a.personality.sessions_outlive_connections = true;
  return options;
}

bool has_resumed(SwitchedWorld& world) {
  return world.run_until([&] { return world.dut.events().size() > 0; }, 5s) &&
         world.dut.events().newest().outcome == "resumed";
}

void check_torn_down(SwitchedWorld& world) {
  CHECK(world.a().open_sessions() == 0);
  CHECK(world.dut.owed("a") == 0);
  REQUIRE(world.a().count("TEARDOWN") > 0);
  for (const RtspServer::Request& request : world.a().requests()) {
    if (request.message.method() != "TEARDOWN") continue;
    // gortsplib obeys nobody but the client.
    CHECK(request.from.address == kClientAddress);
    CHECK(request.message.header("Session") == world.a().sessions().front().id);
  }
}

TEST_CASE("a server that froze is told to stop as soon as it thaws") {
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().freeze();
  REQUIRE(has_resumed(world));
  CHECK(world.dut.owed("a") == 1);
  world.run_for(1s);
  CHECK(world.dut.owed("a") == 1);
  world.a().thaw();
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 1s));
  check_torn_down(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a server that is connected again is told to stop") {
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  REQUIRE(has_resumed(world));
  world.run_for(1s);
  CHECK(world.dut.owed("a") == 1);
  world.a().host().reconnect();
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 3s));
  check_torn_down(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("without heartbeats, a server that was found dead is asked until it answers") {
  SwitchOptions without_heartbeats;
  without_heartbeats.heartbeat.kind = HeartbeatConfig::Kind::kNone;
  SwitchedWorld world(with_lasting_sessions(), without_heartbeats);
  world.run_for(1s);  // ARP
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  REQUIRE(has_resumed(world));
  CHECK_FALSE(world.dut.usable(0));
  world.a().host().reconnect();
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 3s));
  CHECK(world.dut.usable(0));
  check_torn_down(world);
}

TEST_CASE("a server that only dropped the connection is told to stop at once") {
  SwitchedWorld world(with_lasting_sessions());
  TcpPeer* connection = nullptr;
  world.a().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() == "PLAY") connection = &tcp;
    return false;
  });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  connection->abort();
  REQUIRE(has_resumed(world));
  CHECK(world.dut.events().newest().server_to == "b");
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 100ms));
  check_torn_down(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a server whose process is gone is owed nothing") {
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kReset);
  REQUIRE(has_resumed(world));
  world.a().start();
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 1s));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a server that answers nothing goes on being owed, and is not pestered") {
  SwitchedWorld world(with_lasting_sessions());
  world.a().intercept([](const RtspMessage& request, TcpPeer&) {
    return request.method() == "TEARDOWN";  // read, acknowledged, not answered
  });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  REQUIRE(has_resumed(world));
  world.a().host().reconnect();
  world.run_for(15s);
  CHECK(world.dut.owed("a") == 1);
  CHECK(world.a().count("TEARDOWN") >= 2);
  CHECK(world.a().count("TEARDOWN") <= 4);
  world.a().intercept({});
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 8s));
  check_torn_down(world);
  check_contract(world);
}

TEST_CASE("several sessions at a server that closes behind every TEARDOWN") {
  SwitchedWorld world(with_lasting_sessions());
  RtspClient& client = world.client();
  // gst: "Connection: close", and it does.
  world.a().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() == "TEARDOWN") {
      world.timeline.after(1ms, [&tcp] { tcp.close(); });
    }
    return false;
  });
  REQUIRE((client.connect() && client.describe() && client.setup_all()));
  // A second session on the same connection, by a SETUP that names none; its ports are its own.
  const std::string second =
      "SETUP " + client.tracks()[0].control +
      " RTSP/1.0\r\nCSeq: 900\r\nTransport: RTP/AVP;unicast;client_port=51000-51001"
      "\r\n\r\n";
  client.tcp().send(second);
  world.run_for(100ms);
  REQUIRE(world.a().sessions().size() == 2);
  REQUIRE(client.play());
  REQUIRE(client.await_packets(0, kSomePackets));
  world.a().freeze();
  REQUIRE(has_resumed(world));
  CHECK(world.dut.owed("a") == 2);
  world.a().thaw();
  CHECK(world.run_until([&] { return world.dut.owed("a") == 0; }, 1s));
  CHECK(world.a().open_sessions() == 0);
  CHECK(world.run_to_the_end());
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("the old server thaws while the session moves") {
  WorldOptions options = with_lasting_sessions();
  options.seed = GENERATE(from_range(seeds(12)));
  options.a.personality.sessions_outlive_connections = options.seed % 2 == 0;
  options.b.personality.answer_delay = 60ms;
  options.b.personality.play_delay = 300ms;
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().freeze();
  const bool resumed = world.run_until([&] { return world.b().count("DESCRIBE") > 0; }, 3s);
  REQUIRE(resumed);
  world.run_for(std::chrono::microseconds(world.random.between(0, 700'000)));
  world.a().thaw();  // late RTP, reports; then
  world.run_for(std::chrono::microseconds(world.random.between(0, 100'000)));
  if (options.seed % 3 == 0) world.a().shut_down();  // BYE and FIN
  if (options.seed % 3 == 1) world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the old server is back before its successor plays") {
  WorldOptions options;
  const bool cable = GENERATE(true, false);
  options.b.personality.play_delay = 700ms;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  cable ? world.a().host().cut_off() : world.a().die(Death::kReset);
  REQUIRE(world.run_until([&] { return world.b().count("PLAY") > 0; }, 3s));
  cable ? world.a().host().reconnect() : world.a().start();
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().server_to == "b");
}

// A report that was still under way when a's process died; its ports are closed now.
TEST_CASE("the old server's host answers a late report with an ICMP error") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  REQUIRE(has_resumed(world));
  const ClientTrack& track = world.client().tracks()[0];
  const Endpoint client{kClientAddress, static_cast<uint16_t>(track.rtp_port + 1)};
  const net::LinkHeader link{.source = world.client_host().mac(),
                             .destination = world.a().host().mac()};
  Frame report(200);
  report.resize(
      net::build_udp_frame(report, link, client, {kServerA, track.server_rtcp}, write_rtcp({})));
  const size_t switch_cable = world.server_count();  // behind the servers'
  world.servers.send(switch_cable, report);
  const uint64_t before = world.dut.drops(Drop::kFenced);
  world.run_for(100ms);
  CHECK(world.dut.drops(Drop::kFenced) == before + 1);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
