// A live server takes over: no position in common, so the session's clock goes on by the time that has
// passed, one value for all streams.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr uint16_t kSoundPort = 50002;  // the client's

// Reports are judged to the millisecond: sound and picture are where they were to each other.
void check_one_clock(SwitchedWorld& world) {
  check_contract_but_media(
      world, {.played_to_the_end = false, .media_may_be_lost = true, .bye_at_the_end = false});
  REQUIRE(world.dut.events().size() == 1);
  for (const StreamEvent& stream : world.dut.events().newest().streams)
    CHECK(stream.cut_method == "live");
}

TEST_CASE("a live server takes over within a frame or later, also amid B-frames") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(10)));
  options.a.personality = GENERATE(gst(), gortsplib());
  options.b.personality = gortsplib();
  options.b.personality.play_delay = GENERATE(300us, 40ms);
  options.movie.frames_per_second = 20;
  options.movie.key_frame_distance = 5;
  options.movie.b_frames = GENERATE(0u, 2u);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(1s + std::chrono::microseconds(world.random.between(0, 150'000)));
  world.a().die(Death::kFin);
  world.run_for(1s);
  check_one_clock(world);
}

// Its clock goes on by the time that has passed, as the picture's does.
TEST_CASE("no sound has come when a live server takes over: it stays with the picture") {
  WorldOptions options;
  options.a.personality = GENERATE(gst(), gortsplib());
  options.b.personality = gortsplib();
  SwitchedWorld world(options);
  world.a().host().lose_sent([](const Frame& frame) {
    const net::Packet p = net::parse_packet(frame);
    return p.kind == net::PacketKind::kUdp && p.destination == Endpoint{kClientAddress, kSoundPort};
  });
  REQUIRE(world.client().begin());
  world.run_for(2s);
  REQUIRE(world.client().tracks()[1].rtp.empty());
  world.a().die(Death::kReset);
  REQUIRE(world.client().await_packets(1, 300));
  check_one_clock(world);
}

}  // namespace
}  // namespace midstream::scenario
