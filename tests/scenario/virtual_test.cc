// A virtual service: clients dial an address that no server has. They play from a server of the pool,
// see nobody but that address, and do not notice when the server fails.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

WorldOptions virtual_service() {
  WorldOptions options;
  options.service = ServiceMode::kVirtual;
  return options;
}

TEST_CASE("virtual: a movie plays from the first server to its end") {
  SwitchedWorld world(virtual_service());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 0);
  CHECK(world.b().sessions().empty());
  CHECK(world.client_host().heard_from() == std::set<Address>{kVirtualAddress});
}

TEST_CASE("virtual: the server sees the client itself: address, MAC, openings and reports") {
  SwitchedWorld world(virtual_service());
  REQUIRE(world.client().begin());
  world.run_for(5s);
  CHECK(world.a().host().seen_macs().at(kClientAddress) == std::set{world.client_host().mac()});
  CHECK(world.a().punches() == world.client().tracks().size());
  REQUIRE(world.a().reports().size() >= 6);
  const auto& tracks = world.a().sessions().front().sender->tracks();
  for (const RtspServer::Report& report : world.a().reports()) {
    const auto track = static_cast<size_t>(report.port - 1 - tracks[0].server_rtp) / 2;
    REQUIRE(track < tracks.size());
    CHECK(report.from == tracks[track].client_rtcp);
    for (const ReportBlock& block : report.rtcp.blocks) CHECK(block.ssrc == tracks[track].ssrc);
  }
}

TEST_CASE("virtual: TEARDOWN and both closings pass, and the client's port can be used again") {
  SwitchedWorld world(virtual_service());
  REQUIRE(world.client().begin());
  world.run_for(1s);
  REQUIRE(world.client().await(world.client().request("TEARDOWN")));
  world.client().disconnect();
  world.run_for(1s);
  CHECK(world.client().tcp().over());
  CHECK_FALSE(world.a().sessions().front().open);
  CHECK(world.dut.events().size() == 0);

  ClientOptions again;
  again.server = world.dialled();
  RtspClient client(world.client_host(), again);
  REQUIRE(client.begin());
  CHECK(client.await_packets(0, 50));
  CHECK(world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: every kind of failure") {
  SwitchedWorld world(virtual_service());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  std::string cause;
  SECTION("the process ends") {
    world.a().die(Death::kFin);
    cause = "connection closed by the server";
  }
  SECTION("the connection is reset") {
    world.a().die(Death::kReset);
    cause = "connection reset by the server";
  }
  SECTION("the host is cut off") {
    world.a().host().cut_off();
    cause = "silence, probe unanswered";
  }
  SECTION("it freezes") {
    world.a().freeze();
    cause = "silence, probe unanswered";
  }
  SECTION("it shuts down") {
    world.a().shut_down();
    cause = "BYE before the end of the media";
  }
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK(world.dut.events().newest().cause == cause);
  CHECK(world.dut.events().newest().server_to == "b");
}

TEST_CASE("virtual: from a to b to c") {
  WorldOptions options = virtual_service();
  options.servers = 3;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().die(Death::kFin);
  REQUIRE(world.client().await_packets(0, 240));
  world.b().die(Death::kReset);
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("virtual: a request in flight at the failure is answered once") {
  SwitchedWorld world(virtual_service());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().stop_answering();
  const uint32_t before = world.client().request("GET_PARAMETER");
  world.run_for(20ms);
  world.a().die(Death::kFin);
  CHECK(world.client().await(before));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("virtual: any moment, any cutting, links that lose, double and reorder") {
  WorldOptions options = virtual_service();
  const uint32_t seed = GENERATE(from_range(seeds(20)));
  options.seed = seed;
  options.client.cut_requests = true;
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  options.b.tcp.network_reorders = true;
  options.client.tcp.recut_retransmissions = options.a.tcp.recut_retransmissions = true;
  options.client_link = options.server_link = {.loss = 0.01, .duplication = 0.01, .reorder = 0.02};
  SwitchedWorld world(options);
  INFO("seed " << seed);
  REQUIRE(world.client().begin());
  const uint32_t before = world.client().request("GET_PARAMETER");
  world.run_for(std::chrono::microseconds(world.random.between(20'000, 4'000'000)));
  if (seed % 2 == 0) world.a().die(Death::kFin);
  CHECK(world.client().await(before));
  CHECK(world.client().await(world.client().request("GET_PARAMETER")));
  world.run_for(3s);
  const Expectation lossy{
      .played_to_the_end = false, .media_may_be_lost = true, .media_may_come_twice = true};
  CHECK(check_connection(world, lossy) == Findings{});
  CHECK(check_responses(world, lossy) == Findings{});
  CHECK(check_rtp(world, lossy) == Findings{});
  CHECK(check_media(world, lossy) == Findings{});
  CHECK(check_old_server_fenced(world, lossy) == Findings{});
}

// --- nobody there ---

TEST_CASE("virtual: a client is refused at once when no server is up") {
  SwitchedWorld world(virtual_service());
  world.a().die(Death::kFin);
  world.b().host().cut_off();
  world.run_for(3s);
  const Time asked = world.timeline.now();
  CHECK_FALSE(world.client().connect());
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kRefused});
  CHECK(world.timeline.now() - asked < 10ms);
  CHECK(world.dut.drops(Drop::kNoServer) == 1);
}

TEST_CASE("virtual: a server that refuses the SYN is passed over") {
  SwitchOptions without_heartbeats;
  without_heartbeats.heartbeat.kind = HeartbeatConfig::Kind::kNone;
  SwitchedWorld world(virtual_service(), without_heartbeats);
  world.run_for(500ms);  // ARP has found the hosts
  world.a().die(Death::kReset);
  REQUIRE(world.client().begin());
  CHECK(world.b().sessions().size() == 1);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("virtual: a client whose every server refuses is refused") {
  SwitchOptions without_heartbeats;
  without_heartbeats.heartbeat.kind = HeartbeatConfig::Kind::kNone;
  SwitchedWorld world(virtual_service(), without_heartbeats);
  world.run_for(500ms);
  world.a().die(Death::kReset);
  world.b().die(Death::kReset);
  CHECK_FALSE(world.client().connect());
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kRefused});
}

TEST_CASE("virtual: the address answers ARP and ping, on both sides, and nothing else") {
  SwitchedWorld world(virtual_service());
  Host& client = world.client_host();
  Host& server = world.a().host();
  client.ping(kVirtualAddress);
  server.ping(kVirtualAddress);
  world.run_for(100ms);
  CHECK(client.pings_answered() == 1);
  CHECK(server.pings_answered() == 1);
  CHECK(client.seen_macs().at(kVirtualAddress).size() == 1);

  client.send_udp(1234, {kVirtualAddress, 9}, as_bytes("hello"));
  TcpPeer& elsewhere = client.connect(41000, {kVirtualAddress, 80}, {});
  TcpPeer& from_server = server.connect(41001, {kVirtualAddress, 554}, {});
  world.run_for(100ms);
  CHECK(elsewhere.over());
  CHECK(from_server.over());
  CHECK(world.dut.drops(Drop::kNobodyThere) == 3);
  CHECK(client.icmp_errors().empty());
  CHECK(world.violations.all() == std::vector<std::string>{});
}

// --- which server ---

struct Crowd {
  SwitchedWorld& world;
  std::vector<std::unique_ptr<RtspClient>> clients;

  RtspClient& add() {
    const size_t number = clients.size() + 20;
    Host& host =
        world.add_host("other" + std::to_string(number), "10.99.0." + std::to_string(number), true);
    ClientOptions options;
    options.server = world.dialled();
    return *clients.emplace_back(std::make_unique<RtspClient>(host, options));
  }
};

TEST_CASE("balance = least-sessions spreads clients evenly, and fills a gap first") {
  SwitchOptions least;
  least.balance = Balance::kLeastSessions;
  SwitchedWorld world(virtual_service(), least);
  Crowd crowd{world, {}};
  for (int i = 0; i < 6; ++i) REQUIRE(crowd.add().begin());
  CHECK(world.a().sessions().size() == 3);
  CHECK(world.b().sessions().size() == 3);
  for (size_t i = 0; i < 4; i += 2) crowd.clients[i]->disconnect();  // both a's
  world.run_for(100ms);
  for (int i = 0; i < 2; ++i) REQUIRE(crowd.add().begin());
  CHECK(world.a().sessions().size() == 5);
}

TEST_CASE("balance = first: everybody to the first server that is up") {
  SwitchedWorld world(virtual_service());
  Crowd crowd{world, {}};
  for (int i = 0; i < 3; ++i) REQUIRE(crowd.add().begin());
  CHECK(world.a().sessions().size() == 3);
  world.a().die(Death::kFin);
  world.run_for(100ms);
  REQUIRE(crowd.add().begin());
  CHECK(world.a().sessions().size() == 3);
}

TEST_CASE("balance = hash: a server that goes down moves only its own clients, and gets them back") {
  WorldOptions options = virtual_service();
  options.servers = 3;
  SwitchOptions hash;
  hash.balance = Balance::kHash;
  SwitchedWorld world(options, hash);
  Crowd crowd{world, {}};
  const auto server_of = [&](RtspClient& client) {
    for (size_t i = 0; i < world.server_count(); ++i)
      for (const RtspServer::Session& session : world.server(i).sessions())
        if (session.id == client.session_id()) return i;
    return SIZE_MAX;
  };
  const auto visit = [&](RtspClient& client) {  // comes, sees and goes
    REQUIRE(client.begin());
    const size_t server = server_of(client);
    REQUIRE(client.await(client.request("TEARDOWN")));
    client.disconnect();
    world.run_for(100ms);
    return server;
  };
  std::vector<size_t> before;
  std::set<size_t> used;
  for (int i = 0; i < 12; ++i) used.insert(before.emplace_back(visit(crowd.add())));
  CHECK(used.size() == 3);
  world.b().die(Death::kFin);
  world.run_for(500ms);
  for (size_t i = 0; i < before.size(); ++i) {
    ClientOptions again;
    again.server = world.dialled();
    again.local_port = 40001;
    RtspClient client(crowd.clients[i]->host(), again);
    const size_t now = visit(client);
    if (before[i] != 1) CHECK(now == before[i]);
    CHECK(now != 1);
  }
}

TEST_CASE("a client's second connection goes to the server of its first, whatever the balance") {
  SwitchOptions options;
  options.balance = GENERATE(Balance::kFirst, Balance::kLeastSessions, Balance::kHash);
  SwitchedWorld world(virtual_service(), options);
  REQUIRE(world.client().begin());
  const bool a_has_it = !world.a().sessions().empty();
  // The first failed over: the second goes where the session is now.
  (a_has_it ? world.a() : world.b()).die(Death::kFin);
  REQUIRE(world.client().await_packets(0, 100));
  (a_has_it ? world.a() : world.b()).start();
  world.run_for(2s);
  ClientOptions second;
  second.server = world.dialled();
  second.local_port = 40001;
  second.first_udp_port = 51000;
  RtspClient client(world.client_host(), second);
  REQUIRE(client.begin());
  const RtspServer& refuge = a_has_it ? world.b() : world.a();
  REQUIRE_FALSE(refuge.sessions().empty());
  CHECK(refuge.sessions().back().id == client.session_id());
}

}  // namespace
}  // namespace midstream::scenario
