// The numbers on the wire across a failover: TCP options and wraps, RTP wraps, reports, loss, and what
// the old server still sends.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

// Plays, kills a, and talks on: before, during and after.
void fail_over(SwitchedWorld& world, size_t packets = 150) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, packets));
  const uint32_t before = world.client().request("GET_PARAMETER");
  REQUIRE(world.client().await(before));
  world.a().die(Death::kFin);
  const uint32_t meanwhile = world.client().request("GET_PARAMETER");
  REQUIRE(world.client().await(meanwhile));
  const uint32_t after = world.client().request("OPTIONS");
  REQUIRE(world.client().await(after));
}

TEST_CASE("TCP sequence numbers wrap around a failover, in both directions") {
  WorldOptions options;
  // The dialogue up to PLAY takes some 700 bytes of the client, 1200 of the server.
  options.client.tcp.initial_sequence = 0u - GENERATE(1u, 300u, 720u, 800u, 0x80000000u);
  options.a.tcp.initial_sequence = 0u - GENERATE(1u, 600u, 1350u, 1500u, 0x80000000u);
  options.b.tcp.initial_sequence = GENERATE(0xffffffffu, 0xfffffc00u, 0x7fffffffu);
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("TCP timestamps wrap around a failover") {
  WorldOptions options;
  options.client.tcp.initial_timestamp = 0u - GENERATE(1u, 3000u, 3500u);
  options.a.tcp.initial_timestamp = GENERATE(0xfffffff0u, 0xfffff448u, 5u);
  options.b.tcp.initial_timestamp = GENERATE(0xfffffff0u, 0x80000000u, 7u);
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("client and servers agree on different TCP options") {
  WorldOptions options;
  options.client.tcp.timestamps = GENERATE(true, false);
  options.a.tcp.timestamps = GENERATE(true, false);
  options.b.tcp.timestamps = GENERATE(true, false);
  options.a.tcp.sack = GENERATE(true, false);
  options.b.tcp.sack = !options.a.tcp.sack;
  options.client.tcp.window_scale = GENERATE(std::optional<uint8_t>{}, std::optional<uint8_t>{2});
  options.b.tcp.window_scale = GENERATE(std::optional<uint8_t>{}, std::optional<uint8_t>{9});
  options.b.tcp.mss = 600;
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("RTP sequence numbers wrap around a failover") {
  WorldOptions options;
  const uint16_t before =
      GENERATE(uint16_t{1}, uint16_t{150}, uint16_t{151}, uint16_t{160}, uint16_t{300});
  options.a.first_sequence = {static_cast<uint16_t>(0 - before), static_cast<uint16_t>(0 - before / 2)};
  options.b.first_sequence = {GENERATE(uint16_t{65535}, uint16_t{65500}, uint16_t{0}), 65530};
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("RTP timestamps wrap around a failover") {
  WorldOptions options;
  const uint32_t ms = GENERATE(1u, 2000u, 3000u, 5000u);
  options.a.base_timestamp = {0u - ms * 90, 0u - ms * 48};
  options.b.base_timestamp = {0u - GENERATE(0u, 90000u, 270000u), 0xffffffff};
  options.movie.b_frames = 2;
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("media that is lost or late between b and the client stays a visible loss") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(10)));
  options.client.tcp.network_reorders = options.b.tcp.network_reorders = true;
  options.a.tcp.network_reorders = true;
  SwitchedWorld world(options);
  fail_over(world);
  world.client_host().downstream().loss = 0.03;
  world.client_host().downstream().reorder = 0.03;
  world.client_host().upstream().loss = 0.03;
  const auto late = world.client().pipeline({"GET_PARAMETER", "OPTIONS", "GET_PARAMETER"});
  world.run_for(5s);
  world.client_host().downstream() = world.client_host().upstream() = {};
  for (uint32_t cseq : late) CHECK(world.client().await(cseq));
  const Expectation lossy{.played_to_the_end = false, .media_may_be_lost = true};
  CHECK(check_connection(world, lossy) == Findings{});
  CHECK(check_responses(world, lossy) == Findings{});
  CHECK(check_rtp(world, lossy) == Findings{});
  CHECK(check_media(world, lossy) == Findings{});
}

TEST_CASE("loss while the failover happens") {
  WorldOptions options;
  options.client.patience = 15s;  // b's ARP request may be lost, too: it asks again after a second
  options.seed = GENERATE(from_range(seeds(20)));
  options.client.cut_requests = true;
  options.client.tcp.recut_retransmissions = true;
  options.client.tcp.network_reorders = options.a.tcp.network_reorders =
      options.b.tcp.network_reorders = true;
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 150));
  world.client_host().downstream().loss = world.client_host().upstream().loss = 0.1;
  world.b().host().downstream().loss = world.b().host().upstream().loss = 0.1;
  const auto cseqs = world.client().pipeline({"GET_PARAMETER", "OPTIONS"});
  world.run_for(400us);
  world.a().die(Death::kFin);
  const auto more = world.client().pipeline({"GET_PARAMETER", "SET_PARAMETER"});
  for (uint32_t cseq : cseqs) CHECK(world.client().await(cseq));
  for (uint32_t cseq : more) CHECK(world.client().await(cseq));
  const Expectation lossy{.played_to_the_end = false, .media_may_be_lost = true};
  CHECK(check_connection(world, lossy) == Findings{});
  CHECK(check_responses(world, lossy) == Findings{});
  CHECK(check_rtp(world, lossy) == Findings{});
  CHECK(check_media(world, lossy) == Findings{});
}

TEST_CASE("b's packets are lost and late where the cut is") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(20)));
  options.movie.b_frames = options.seed % 2 == 0 ? 2 : 0;
  options.a.tcp.network_reorders = options.b.tcp.network_reorders =
      options.client.tcp.network_reorders = true;
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 150));
  world.b().host().upstream().loss = 0.05;
  world.b().host().upstream().reorder = 0.1;
  world.b().host().upstream().duplication = 0.05;
  world.a().die(Death::kFin);
  world.run_for(1500ms);
  world.b().host().upstream() = {};
  CHECK(world.run_to_the_end());
  const Expectation lossy{.media_may_be_lost = true, .media_may_come_twice = true};
  check_contract(world, lossy);
  for (const ClientTrack& t : world.client().tracks()) CHECK(t.rtp.size() > 150);
}

TEST_CASE("a's packets are late where the cut is") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(20)));
  options.a.tcp.network_reorders = options.client.tcp.network_reorders = true;
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  world.a().host().upstream().reorder = 0.2;
  world.a().host().upstream().loss = 0.02;
  REQUIRE(world.client().await_packets(0, 150));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world, {.media_may_be_lost = true});
}

TEST_CASE("receiver reports reach b in b's terms") {
  SwitchedWorld world;
  fail_over(world);
  world.run_for(3s);
  const auto& reports = world.b().reports();
  for (size_t i = 0; i < 2; ++i) {
    const SenderTrack& track = world.b().newest_session()->sender->tracks()[i];
    size_t seen = 0;
    for (const RtspServer::Report& r : reports) {
      if (r.port != track.server_rtp + 1 || r.rtcp.blocks.empty()) continue;
      ++seen;
      const ReportBlock& block = r.rtcp.blocks[0];
      CHECK(block.ssrc == track.ssrc);
      const auto back =
          static_cast<int16_t>(track.sequence - static_cast<uint16_t>(block.highest_sequence));
      CHECK(back > 0);
      CHECK(back < 200);
      CHECK(r.from == Endpoint{kClientAddress, static_cast<uint16_t>(50001 + 2 * i)});
    }
    CHECK(seen >= 2);
  }
}

TEST_CASE("sender reports stay on a's line whatever b's clocks say") {
  WorldOptions options;
  options.b.personality.wall_clock = GENERATE(1'000'000'000s, 4'000'000'000s);
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  CHECK(check_reports(world, {}) == Findings{});
}

TEST_CASE("a died before its first report: b's line and name stand") {
  WorldOptions options;
  options.a.personality.first_report = 60s;
  SwitchedWorld world(options);
  fail_over(world);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a returns from the dead and is fenced") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 150));
  SECTION("its cable is plugged in again") {
    world.a().host().cut_off();
    world.run_for(1500ms);
    world.a().host().reconnect();
  }
  SECTION("its process is thawed") {
    world.a().freeze();
    world.run_for(1500ms);
    world.a().thaw();
  }
  SECTION("its process is started again") {
    world.a().die(Death::kReset);
    world.run_for(1s);
    world.a().start();
  }
  CHECK(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 1);
}

TEST_CASE("a is gone, and the client asks for its Ethernet address") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 150));
  world.a().host().cut_off();
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 5s));
  world.run_for(3s);
  world.client_host().forget_arp();
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  CHECK(world.client().await(cseq));
  CHECK(world.client_host().seen_macs().at(kServerA).size() == 1);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the client never hears of b's host") {
  SwitchedWorld world;
  fail_over(world);
  CHECK(world.run_to_the_end());
  CHECK(check_old_server_fenced(world, {}) == Findings{});
  // And a's Ethernet address never appears on the servers' side from the switch.
  for (const auto& [address, macs] : world.b().host().seen_macs())
    if (address != kServerA) CHECK(!macs.contains(world.a().host().mac()));
}

}  // namespace
}  // namespace midstream::scenario
