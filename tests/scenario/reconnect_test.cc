// A session is not a connection: live555's and gortsplib's play on over UDP when it is gone.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 100;  // of video: 2 seconds of the movie

WorldOptions with_lasting_sessions() {
  WorldOptions options;
  options.movie.duration = 14s;
  options.a.personality.sessions_outlive_connections = true;
  options.b.personality.sessions_outlive_connections = true;
  return options;
}

void leave(RtspClient& client, bool politely) {
  politely ? client.tcp().close() : client.tcp().abort();
}

// All but the lines about the connection, which is over.
void check_media_contract(SwitchedWorld& world) {
  CHECK(world.violations.all() == std::vector<std::string>{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
  CHECK(check_reports(world, {}) == Findings{});
  CHECK(check_old_server_fenced(world, {}) == Findings{});
}

// From now on; TCP only.
size_t& count_segments_to(Host& host) {
  static size_t count;
  count = 0;
  host.lose_received([](const Frame& frame) {
    count += net::parse_packet(frame).kind == net::PacketKind::kTcp ? 1 : 0;
    return false;
  });
  return count;
}

TEST_CASE("the client's connection is gone, the media goes on, and a is cut off") {
  const bool politely = GENERATE(true, false);
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  leave(world.client(), politely);
  world.run_for(3s);
  CHECK(world.a().newest_session()->sender->playing());
  const size_t& segments = count_segments_to(world.client_host());
  world.a().host().cut_off();
  CHECK(world.run_to_the_end());
  check_media_contract(world);
  CHECK(segments == 0);  // its TCP has long forgotten
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome == "resumed");
  for (const RtspServer::Request& request : world.b().requests())
    if (request.message.method() == "PLAY") CHECK(request.from == Endpoint{kClientAddress, 40000});
}

TEST_CASE("a session without a connection moves a second time") {
  WorldOptions options = with_lasting_sessions();
  options.servers = 3;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  leave(world.client(), true);
  world.run_for(2s);
  world.a().host().cut_off();
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 3s));
  world.run_for(1s);
  const Death how = GENERATE(Death::kFin, Death::kReset);
  world.b().die(how);  // the switch's own connection ends
  CHECK(world.run_to_the_end());
  check_media_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("a moved session goes on when its client's connection goes") {
  const bool politely = GENERATE(true, false);
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 3s));
  leave(world.client(), politely);
  CHECK(world.run_to_the_end());
  check_media_contract(world);
}

TEST_CASE("a client that is gone altogether is no reason to move") {
  WorldOptions options = with_lasting_sessions();
  options.a.personality.announced_timeout_s = 3;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  leave(world.client(), false);
  world.client().send_reports(false);
  world.run_for(5s);
  world.a().host().cut_off();
  world.run_for(3s);
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("a server that ends its sessions with the connection is left in peace") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  leave(world.client(), GENERATE(true, false));
  world.run_for(2s);
  world.a().host().cut_off();
  world.run_for(3s);
  CHECK(world.dut.events().size() == 0);
}

// The session that is known to the first client, on a connection from another port.
RtspClient& come_back(SwitchedWorld& world, std::unique_ptr<RtspClient>& again) {
  ClientOptions options;
  options.server = {kServerA, 554};
  options.local_port = 40001;
  again = std::make_unique<RtspClient>(world.client_host(), options);
  again->know_session(world.client().session_id());
  REQUIRE(again->connect());
  return *again;
}

TEST_CASE("a client comes back on another connection, and then a dies") {
  SwitchedWorld world(with_lasting_sessions());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  leave(world.client(), true);
  world.run_for(1s);
  std::unique_ptr<RtspClient> again;
  RtspClient& client = come_back(world, again);
  const uint32_t before = client.request("GET_PARAMETER");
  REQUIRE(client.await(before));
  CHECK(client.answer(before)->status() == 200);
  world.a().die(Death::kReset);
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 3s));
  const uint32_t after = client.request("GET_PARAMETER");
  REQUIRE(client.await(after));
  CHECK(client.answer(after)->status() == 200);
  CHECK(client.answer(after)->header("Session") == world.client().session_id());
  CHECK(world.run_to_the_end());
  check_media_contract(world);
  CHECK(client.connection_events() == std::vector{TcpEvent::kConnected});
  CHECK(world.dut.events().newest().outcome == "resumed");
}

}  // namespace
}  // namespace midstream::scenario
