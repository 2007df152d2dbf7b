// The server dies while the client has paused: the second one is led to where the first was, does not
// play, and the client's next PLAY goes on there.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/play_answer.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

void play_and_pause(SwitchedWorld& world) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  REQUIRE(world.client().pause());
  world.run_for(300ms);
}

void await_event(SwitchedWorld& world, size_t count = 1) {
  REQUIRE(world.run_until([&] { return world.dut.events().size() == count; }, 5s));
  CHECK(world.dut.events().newest().outcome == "resumed");
}

// FFmpeg resumes without Range.
void resume_to_the_end(SwitchedWorld& world) {
  const auto before = packets_so_far(world);
  const uint32_t play = world.client().request("PLAY");
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
}

TEST_CASE("the server dies while paused; PLAY without Range goes on exactly where it was") {
  WorldOptions options;
  options.movie.b_frames = GENERATE(0u, 2u);
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  play_and_pause(world);
  world.a().die(how);
  await_event(world);
  world.run_for(500ms);
  CHECK(world.b().count("SETUP") == 2);
  CHECK(world.b().count("PLAY") == 0);
  const auto before = packets_so_far(world);
  world.run_for(1s);
  CHECK(packets_so_far(world) == before);
  resume_to_the_end(world);
  check_contract(world);
}

TEST_CASE("the host or the process is gone without a word while paused: heartbeats tell") {
  const bool cut_off = GENERATE(true, false);
  SwitchedWorld world;
  play_and_pause(world);
  if (cut_off) {
    world.a().host().cut_off();
  } else {
    world.a().freeze();
  }
  await_event(world);
  CHECK(world.dut.events().newest().cause == "heartbeats unanswered");
  resume_to_the_end(world);
  check_contract(world);
}

TEST_CASE("a long pause, in which the client keeps its session alive") {
  SwitchedWorld world;
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  for (int i = 0; i < 4; ++i) {
    world.run_for(25s);
    REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  }
  resume_to_the_end(world);
  check_contract(world);
}

TEST_CASE("servers state the start of the second one in their own ways") {
  WorldOptions options;
  const int manner = GENERATE(0, 1, 2, 3);
  options.b.personality.lies_in_rtp_info_after_seek = manner == 0;
  options.b.personality.rtp_info_sequence_one_less = manner == 1;
  options.b.personality.timestamps_restart_at_seek = manner == 2;
  options.b.personality.honours_seek_style = manner != 3;
  INFO("manner " << manner);
  SwitchedWorld world(options);
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  resume_to_the_end(world);
  check_contract(world, {.timestamp_tolerance = manner == 2 ? 1u : 0u});
}

// On its way the answer is lost once: 200 ms of media come before it.
TEST_CASE("media overtakes the answer to PLAY, and waits for it") {
  SwitchedWorld world;
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  bool lost = false;
  world.b().host().lose_sent([&](const Frame& frame) {
    const bool answer = as_text(frame).find("RTP-Info") != std::string_view::npos;
    return answer && !std::exchange(lost, true);
  });
  resume_to_the_end(world);
  CHECK(lost);
  check_contract(world);
}

// GStreamer resumes with the position of its sink, which lies behind what it has received.
TEST_CASE("the server dies while paused; PLAY with Range plays from there, and RTP does not jump") {
  const std::string range = GENERATE("npt=2-", "npt=6.5-");
  SwitchedWorld world;
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  const auto before = packets_so_far(world);
  const uint32_t play = world.client().request("PLAY", "Range: " + range + "\r\n");
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_reports(world, {.report_tolerance_ms = 50}) == Findings{});
  for (size_t i = 0; i < before.size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    const auto step =
        static_cast<int32_t>(t.rtp[before[i]].packet.timestamp - t.rtp[before[i] - 1].packet.timestamp);
    CHECK(step > 0);
    CHECK(step < static_cast<int32_t>(world.a().movie().tracks[i].clock_rate));
  }
}

TEST_CASE("paused through two failures: c goes on where a was") {
  WorldOptions options;
  options.servers = 3;
  SwitchedWorld world(options);
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  world.run_for(1s);
  world.b().die(Death::kReset);
  await_event(world, 2);
  CHECK(world.dut.events().newest().server_to == "c");
  resume_to_the_end(world);
  check_contract(world);
}

TEST_CASE("resumed at b, which dies before and after its first packets") {
  WorldOptions options;
  options.servers = 3;
  options.seed = GENERATE(range(1u, 9u));
  SwitchedWorld world(options);
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  const uint32_t play = world.client().request("PLAY");
  world.run_for(std::chrono::microseconds(world.random.between(0, 12'000)));
  world.b().die(Death::kFin);
  CHECK(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("paused and resumed at the second server: that is its own affair") {
  SwitchedWorld world;
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  REQUIRE(world.client().play(""));
  REQUIRE(world.client().await_packets(0, kSomePackets + 60));
  REQUIRE(world.client().pause());
  world.run_for(3s);
  resume_to_the_end(world);
  CHECK(world.b().requests().back().message.header("Range").empty());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("resumed at a server that only claims the place, and dies before it has reached it") {
  WorldOptions options;
  options.servers = 3;
  options.movie.key_frame_distance = 1000;
  options.b.personality = live555_indexed();
  SwitchedWorld world(options);
  play_and_pause(world);
  world.a().die(Death::kFin);
  await_event(world);
  const uint32_t play = world.client().request("PLAY");
  REQUIRE(world.client().await(play));
  world.run_for(100ms);
  world.b().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// Its place is a key frame, and pictures are cut into other packets: nothing shows that it really began
// there, so what it sends is held for a while, and the end comes first.
TEST_CASE("resumed at a server whose movie ends while its place is still in doubt") {
  WorldOptions options;
  options.movie.sound = false;
  options.movie.duration = 3s;
  options.movie.key_frame_distance = 5;
  options.a.personality.packet_bytes = 400;
  options.b.personality.packet_bytes = 900;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const auto& rtp = world.client().tracks()[0].rtp;
  const auto frames = [&] {
    return std::ranges::count_if(rtp, [](const ReceivedRtp& r) { return r.packet.marker; });
  };
  REQUIRE(world.run_until([&] { return frames() == 27; }, 3s));  // 1.04 s; b is asked for 1.00 s
  REQUIRE(world.client().pause());
  world.a().die(Death::kFin);
  await_event(world);
  world.client().request("PLAY");
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
