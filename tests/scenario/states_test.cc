// The server dies at any step of a session: opening, set up in part or wholly, with requests on their
// way. Nothing is lost, every request is answered once, and the movie plays as if nothing had been.
#include <catch2/catch.hpp>

#include "tests/scenario/play_answer.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

// What each step adds; the server dies after `steps` of them.
void begin_until(SwitchedWorld& world, int steps) {
  RtspClient& client = world.client();
  REQUIRE(client.connect());
  if (steps >= 1) REQUIRE(client.await(client.request("OPTIONS")));
  if (steps >= 2) REQUIRE(client.describe());
  if (steps >= 3) REQUIRE(client.setup(0));
  if (steps >= 4) REQUIRE(client.setup(1));
}

void go_on_from(SwitchedWorld& world, int steps) {
  RtspClient& client = world.client();
  if (steps < 1) REQUIRE(client.await(client.request("OPTIONS")));
  if (steps < 2) REQUIRE(client.describe());
  if (steps < 3) REQUIRE(client.setup(0));
  if (steps < 4) REQUIRE(client.setup(1));
  REQUIRE(client.play());
}

void check_moved(SwitchedWorld& world) {
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK(world.dut.events().newest().server_to == "b");
}

// Where a has never played, b's terms are the client's; SSRCs only if a had announced its own.
void check_played_by_b(SwitchedWorld& world, int steps) {
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_old_server_fenced(world, {}) == Findings{});
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    INFO("track " << i);
    const auto& units = world.b().movie().tracks[i].units;
    REQUIRE(t.rtp.size() == units.size());
    for (size_t k = 0; k < units.size(); ++k) {
      REQUIRE(t.rtp[k].packet.payload == units[k].payload);
      REQUIRE(t.rtp[k].packet.sequence == static_cast<uint16_t>(t.rtp[0].packet.sequence + k));
      REQUIRE(t.rtp[k].packet.ssrc == *t.announced_ssrc);
      REQUIRE(t.rtp[k].source == Endpoint{kServerA, t.server_rtp});
    }
    for (const ReceivedRtcp& r : t.rtcp) REQUIRE(r.rtcp.ssrc == *t.announced_ssrc);
    const bool of_a = steps >= 3 + static_cast<int>(i);
    const auto& set_up_at = of_a ? world.a().sessions() : world.b().sessions();
    CHECK(*t.announced_ssrc == set_up_at.front().sender->tracks()[i].ssrc);
  }
}

TEST_CASE("the server dies between two steps of opening") {
  const int steps = GENERATE(1, 2, 3, 4);
  const Death how = GENERATE(Death::kFin, Death::kReset);
  INFO("after step " << steps);
  SwitchedWorld world;
  begin_until(world, steps);
  world.a().die(how);
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 3s));
  go_on_from(world, steps);
  const uint32_t play = world.client().newest_cseq();
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, {0, 0});
  check_played_by_b(world, steps);
  check_moved(world);
}

// All that is known of it is that the client has said something.
TEST_CASE("the server closes when the client's first request was lost on its way") {
  SwitchedWorld world;
  REQUIRE(world.client().connect());
  size_t lost = 0;
  world.client_host().lose_sent(
      [&](const Frame& f) { return describe(f).find("OPTIONS") != std::string::npos && lost++ == 0; });
  const uint32_t first = world.client().request("OPTIONS");
  world.client().tcp().probe();
  world.run_for(1ms);
  REQUIRE(lost == 1);
  world.a().die(Death::kFin);
  REQUIRE(world.client().await(first));
  go_on_from(world, 1);
  const uint32_t play = world.client().newest_cseq();
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, {0, 0});
  check_played_by_b(world, 1);
  check_moved(world);
}

// The next request of each step is on its way or read, but not answered.
TEST_CASE("the server dies with the next request of opening unanswered") {
  const int steps = GENERATE(0, 1, 2, 3, 4);
  const bool acknowledged = GENERATE(true, false);
  INFO("after step " << steps << (acknowledged ? ", acknowledged" : ""));
  SwitchedWorld world;
  begin_until(world, steps);
  if (acknowledged) world.a().stop_answering();
  world.timeline.after(acknowledged ? 20ms : 60us, [&] { world.a().die(Death::kFin); });
  go_on_from(world, steps);
  const uint32_t play = world.client().newest_cseq();
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, {0, 0});
  check_played_by_b(world, steps);
  check_moved(world);
}

}  // namespace
}  // namespace midstream::scenario
