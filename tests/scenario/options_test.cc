// What client and first server agreed in their SYNs stays for good; what the second server grants may
// be less or more. The splice makes up the difference, to the letter: the test's TCP counts a missing
// or backward timestamp, a wrong echo, a SACK that was not agreed, a segment beyond MSS or window as a
// fault.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

// Between the client and a server, not the switch's own heartbeats.
bool is_of_the_client(const Frame& frame) {
  const net::Packet packet = net::parse_packet(frame);
  const Address client = kClientAddress;
  return packet.kind == net::PacketKind::kTcp &&
         (packet.source.address == client || packet.destination.address == client);
}

struct Playing : SwitchedWorld {
  explicit Playing(const WorldOptions& options, const SwitchOptions& switch_options = {})
      : SwitchedWorld(options, switch_options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 60));
  }
  void await_takeovers(size_t count) {
    REQUIRE(run_until([&] { return dut.events().size() >= count; }, 8s));
    CHECK(dut.events().newest().outcome == "resumed");
  }
  // Requests in flight over lossy links: repeats, SACK, duplicate acknowledgements.
  void talk_with_losses(RtspServer& server) {
    const auto lose = [this](const Frame& f) {
      return is_of_the_client(f) && random.between(0, 4) == 0;
    };
    server.host().lose_sent(lose);
    client_host().lose_received(lose);
    std::vector<uint32_t> cseqs;
    for (int i = 0; i < 6; ++i) {
      for (uint32_t cseq : client().pipeline({"GET_PARAMETER", "OPTIONS"})) cseqs.push_back(cseq);
      run_for(3ms);
    }
    run_for(200ms);
    server.host().lose_sent({});
    client_host().lose_received({});
    for (uint32_t cseq : cseqs) CHECK(client().await(cseq));
  }
};

TcpOptions offering(bool sack, bool timestamps, std::optional<uint8_t> scale, uint16_t mss = 1460) {
  TcpOptions options;
  options.sack = sack;
  options.timestamps = timestamps;
  options.window_scale = scale;
  options.mss = mss;
  return options;
}

TEST_CASE("servers grant other options than the client agreed") {
  struct Case {
    const char* what;
    TcpOptions client, a, b;
  };
  const Case cases[] = {
      {"b grants nothing", offering(true, true, 7), offering(true, true, 7),
       offering(false, false, std::nullopt)},
      {"b has no timestamps", offering(true, true, 7), offering(true, true, 7),
       offering(true, false, 7)},
      {"b has no SACK", offering(true, true, 7), offering(true, true, 7), offering(false, true, 7)},
      {"only b has options", offering(true, true, 7), offering(false, false, std::nullopt),
       offering(true, true, 7)},
      {"the client offers nothing", offering(false, false, std::nullopt), offering(true, true, 7),
       offering(true, true, 7)},
      {"scales 7, 0, 14", offering(true, true, 7), offering(true, true, 0), offering(true, true, 14)},
      {"scales 0, 9, 2", offering(true, true, 0), offering(true, true, 9), offering(true, true, 2)},
      {"a small MSS at the client", offering(true, true, 7, 536), offering(true, true, 7),
       offering(false, false, 7)},
      {"a small MSS at b", offering(true, true, 7), offering(true, true, 7),
       offering(true, true, 7, 536)},
  };
  const Case& c = cases[GENERATE(range(0, 9))];
  INFO(c.what);
  WorldOptions options;
  options.client.tcp = c.client;
  options.client.tcp.delayed_ack = 40ms;
  options.a.tcp = c.a;
  options.b.tcp = c.b;
  Playing world(options);
  const uint32_t across = world.client().request("DESCRIBE");
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  REQUIRE(world.client().await(across));
  world.await_takeovers(1);
  const TcpPeer& b = *world.b().newest_session()->connection;
  CHECK(b.timestamps_agreed() == (c.client.timestamps && c.b.timestamps));
  CHECK(b.sack_agreed() == (c.client.sack && c.b.sack));
  world.talk_with_losses(world.b());
  CHECK(world.client().await(world.client().request("DESCRIBE")));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// PAWS (RFC 7323 5): no TSval of the switch may lie behind one that was seen, whatever the servers'
// clocks say, nor be echoed to a server that never sent it.
TEST_CASE("timestamps go on over three servers whose clocks lie behind each other or wrap") {
  struct Clocks {
    uint32_t client, a, b, c;
  };
  const Clocks clocks[] = {
      {1000, 4'000'000'000, 5, 3'000'000'000},
      {0xffff'f800, 0xffff'fc00, 0x7fff'fc00, 0xffff'fe00},
      {0x7fff'f000, 7, 0xffff'ff00, 0x8000'0000},
  };
  const Clocks& clock = clocks[GENERATE(0, 1, 2)];
  WorldOptions options;
  options.servers = 3;
  options.client.tcp.initial_timestamp = clock.client;
  options.a.tcp.initial_timestamp = clock.a;
  options.b.tcp.initial_timestamp = clock.b;
  options.c.tcp.initial_timestamp = clock.c;
  Playing world(options);
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  world.talk_with_losses(world.b());
  world.b().die(Death::kReset);
  world.await_takeovers(2);
  world.talk_with_losses(world.c());
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the client's window is shut when its server dies") {
  WorldOptions options;
  Playing world(options);
  world.client_host().lose_received([](const Frame& f) {  // an answer of a that is ours to deliver
    return describe(f).find("RTSP/1.0") != std::string::npos;
  });
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  REQUIRE(world.a().count("GET_PARAMETER") == 1);
  world.client().tcp().set_receive_window(0);
  world.run_for(5ms);
  world.client_host().lose_received({});
  world.a().die(Death::kReset);
  world.await_takeovers(1);
  world.run_for(2s);
  CHECK(world.client().answer(cseq) == nullptr);
  const bool news_is_lost = GENERATE(false, true);
  if (news_is_lost) world.client_host().lose_sent([](const Frame&) { return true; });
  world.client().tcp().set_receive_window(64 * 1024);
  world.run_for(1ms);
  world.client_host().lose_sent({});
  REQUIRE(world.run_until([&] { return world.client().answer(cseq) != nullptr; }, 4s));
  CHECK(world.client().await(world.client().request("OPTIONS")));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a small window has room for the old server's bytes and no more") {
  WorldOptions options;
  Playing world(options);
  world.client_host().lose_received(
      [](const Frame& f) { return describe(f).find("RTSP/1.0") != std::string::npos; });
  const auto cseqs = world.client().pipeline({"DESCRIBE", "DESCRIBE"});  // more than the window takes
  world.run_for(5ms);
  world.client().tcp().set_receive_window(1024);
  world.run_for(5ms);
  world.client_host().lose_received({});
  world.a().die(Death::kFin);
  const auto later = world.client().pipeline({"DESCRIBE", "GET_PARAMETER"});
  for (uint32_t cseq : cseqs) REQUIRE(world.client().await(cseq));
  for (uint32_t other : later) REQUIRE(world.client().await(other));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("keep-alive probes of the client's kernel are answered") {
  Playing world({});
  const auto answered = [&world] {
    const size_t before = world.client().tcp().pure_acknowledgements();
    world.client().tcp().probe();
    return world.run_until([&] { return world.client().tcp().pure_acknowledgements() > before; }, 10ms);
  };
  CHECK(answered());
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  CHECK(answered());
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(answered());
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a client that has vanished with bytes of ours is given up, and the server is told") {
  WorldOptions options;
  options.movie.duration = 150s;
  options.a.personality.announced_timeout_s = 200;  // its silence alone is no reason
  Playing world(options);
  world.client_host().lose_received(
      [](const Frame& f) { return describe(f).find("RTSP/1.0") != std::string::npos; });
  world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  world.client_host().cut_off();
  REQUIRE(world.b().newest_session()->open);
  world.run_for(90s);
  CHECK(world.b().newest_session()->open);
  world.run_for(15s);
  CHECK_FALSE(world.b().newest_session()->open);
}

}  // namespace
}  // namespace midstream::scenario
