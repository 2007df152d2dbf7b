// A server fails when its first packets were lost, or the next one's are: the client has little more
// than what the answer to PLAY told it.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr uint16_t kSoundPort = 50002;  // the client's

bool is_sound(const Frame& frame) {
  const net::Packet p = net::parse_packet(frame);
  return p.kind == net::PacketKind::kUdp && p.destination == Endpoint{kClientAddress, kSoundPort};
}

TEST_CASE("no sound has come from a, and b's first packets are lost: the numbers show it") {
  WorldOptions options;
  options.b.personality = GENERATE(gst(), live555());
  const int loses = GENERATE(1, 3);
  SwitchedWorld world(options);
  int lost = 0;
  world.a().host().lose_sent(is_sound);
  world.b().host().lose_sent([&](const Frame& f) { return is_sound(f) && lost++ < loses; });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  const uint16_t told = world.a().newest_session()->sender->tracks()[1].first_sequence;
  CHECK(world.client().tracks()[1].rtp.front().packet.sequence == static_cast<uint16_t>(told + loses));
  CHECK(check_media(world, {.media_may_be_lost = true}) == Findings{});
}

TEST_CASE("everything comes twice, parameter sets too") {
  WorldOptions options;
  options.client_link.duplication = options.server_link.duplication = 1;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin("npt=2-"));
  REQUIRE(world.client().await_packets(0, 100));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world, {.position = 2s, .media_may_be_lost = true, .media_may_come_twice = true});
}

}  // namespace
}  // namespace midstream::scenario
