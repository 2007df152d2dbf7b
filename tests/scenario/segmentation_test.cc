// After a failover the bytes are edited. However both ends cut what they send, and repeat it cut
// otherwise, over links that lose, reorder and duplicate: the stream stays whole, both ways.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

WorldOptions with_seed(uint32_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.servers = 3;
  options.client.cut_requests = seed % 2 == 0;
  options.client.tcp.recut_retransmissions = seed % 3 != 0;
  options.client.tcp.sack = seed % 5 != 0;
  options.client.tcp.network_reorders = true;
  for (ServerOptions* server : {&options.a, &options.b, &options.c}) {
    server->tcp.recut_retransmissions = seed % 4 != 0;
    server->tcp.network_reorders = true;
    server->tcp.mss = seed % 7 == 0 ? 536 : 1460;
  }
  // Session ids of other lengths: the edits move everything behind them.
  options.a.personality.session_id_length = 16;
  options.b.personality.session_id_length = seed % 2 == 0 ? 8 : 32;
  options.c.personality.session_id_length = seed % 2 == 0 ? 32 : 8;
  return options;
}

// Between the client and a server, not the switch's own heartbeats.
bool is_of_the_client(const Frame& frame) {
  const net::Packet packet = net::parse_packet(frame);
  const Address client = kClientAddress;
  return packet.kind == net::PacketKind::kTcp &&
         (packet.source.address == client || packet.destination.address == client);
}

// Control connections suffer, media does not: the contract is then judged in full.
void disturb(SwitchedWorld& world, bool yes) {
  Segment::Filter filter;
  if (yes) {
    filter = [&world](const Frame& f) {
      return is_of_the_client(f) && world.random.between(0, 5) == 0;
    };
  }
  for (size_t i = 1; i < world.server_count(); ++i) {
    world.server(i).host().lose_sent(filter);
    world.server(i).host().lose_received(filter);
  }
  world.client_host().lose_sent(filter);
  world.client_host().lose_received(filter);
}

// Fewer than the switch keeps unanswered (rtsp::kMaxPending).
std::vector<uint32_t> talk(SwitchedWorld& world) {
  std::vector<uint32_t> cseqs;
  for (int i = 0; i < 5; ++i) {
    for (uint32_t cseq : world.client().pipeline({"GET_PARAMETER", "SET_PARAMETER", "OPTIONS"}))
      cseqs.push_back(cseq);
    world.run_for(std::chrono::milliseconds(world.random.between(1, 60)));
  }
  return cseqs;
}

TEST_CASE("edited streams stay whole however they are cut and repeated") {
  const uint32_t seed = GENERATE(from_range(seeds(24)));
  INFO("seed " << seed);
  SwitchedWorld world(with_seed(seed));
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 60));
  world.a().die(seed % 2 == 0 ? Death::kFin : Death::kReset);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 8s));
  disturb(world, true);
  auto cseqs = talk(world);
  disturb(world, false);
  for (uint32_t cseq : cseqs) {
    REQUIRE(world.client().await(cseq));
    CHECK(world.client().answer(cseq)->status() == 200);
  }
  world.b().die(seed % 3 == 0 ? Death::kFin : Death::kReset);
  cseqs = talk(world);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 1; }, 8s));
  for (uint32_t cseq : cseqs) {
    REQUIRE(world.client().await(cseq));
    CHECK(world.client().answer(cseq)->status() == 200);
  }
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// More edits than the list holds, none of them acknowledged: the rest waits, nothing is lost.
TEST_CASE("a client that acknowledges nothing while more is edited than can be kept") {
  SwitchedWorld world(with_seed(1));
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 60));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 8s));
  world.client_host().lose_received(
      [](const Frame& f) { return net::parse_packet(f).kind == net::PacketKind::kTcp; });
  std::vector<uint32_t> cseqs;
  for (int i = 0; i < 40; ++i) {
    cseqs.push_back(world.client().request("GET_PARAMETER"));
    world.run_for(1ms);
  }
  world.run_for(300ms);
  world.client_host().lose_received({});
  for (uint32_t cseq : cseqs)
    REQUIRE(world.run_until([&] { return world.client().answer(cseq); }, 20s));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// Whichever is first: b's FIN moves the session on to c, and the client's FIN goes there.
TEST_CASE("client and second server close at the same time") {
  SwitchedWorld world(with_seed(GENERATE(1u, 2u, 3u)));
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 60));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 8s));
  const bool client_first = GENERATE(true, false);
  if (client_first) world.client().disconnect();
  world.b().die(Death::kFin);
  if (!client_first) world.client().disconnect();
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 8s));
  CHECK(world.client().connection_events().back() == TcpEvent::kPeerClosed);
  CHECK(world.violations.all() == Findings{});
}

}  // namespace
}  // namespace midstream::scenario
