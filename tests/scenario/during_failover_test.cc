// What the client does while its connection is being moved: what it asks is answered by the new server,
// and nothing is established for a client that tears down or leaves.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/scenario/play_answer.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

// The second server takes its time: the failover lasts for some 500 ms.
WorldOptions slow_second_server() {
  WorldOptions options;
  options.b.personality.answer_delay = 100ms;
  options.b.personality.play_delay = 200ms;
  return options;
}

// Returns in the middle of the failover, at the second server's step of that name.
void fail_until(SwitchedWorld& world, const std::string& step) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.b().count(step) > 0; }, 3s));
  REQUIRE(world.dut.events().size() == 0);
}

void check_ended(SwitchedWorld& world, const std::string& outcome) {
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 2s));
  const Event& event = world.dut.events().newest();
  CHECK(event.outcome == outcome);
  CHECK(event.server_to.empty());
  world.run_for(2s);
  CHECK(world.dut.events().size() == 1);
  for (const RtspServer::Session& session : world.b().sessions()) CHECK_FALSE(session.open);
  CHECK(world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("the client pauses during the failover, and resumes later") {
  const std::string step = GENERATE("DESCRIBE", "SETUP", "PLAY");
  SwitchedWorld world(slow_second_server());
  fail_until(world, step);
  const uint32_t pause = world.client().request("PAUSE");
  REQUIRE(world.client().await(pause));
  CHECK(world.client().answer(pause)->status() == 200);
  world.run_for(5s);
  const auto before = packets_so_far(world);
  const uint32_t play = world.client().request("PLAY");
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("the client seeks during the failover") {
  const std::string step = GENERATE("DESCRIBE", "SETUP", "PLAY");
  const bool pauses = GENERATE(true, false);  // FFmpeg does, others do not
  SwitchedWorld world(slow_second_server());
  fail_until(world, step);
  if (pauses) REQUIRE(world.client().pause());
  const uint32_t play = world.client().request("PLAY", "Range: npt=6-\r\n");
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  for (size_t i = 0; i < 2; ++i) {  // all from 6 s on, once, as the tail of what came
    const Track& track = world.a().movie().tracks[i];
    const auto& rtp = world.client().tracks()[i].rtp;
    size_t k = rtp.size();
    for (size_t u = track.units.size(); u-- > 0 && track.units[u].pts >= 6s;) {
      REQUIRE(k-- > 0);
      REQUIRE(rtp[k].packet.payload == track.units[u].payload);
    }
  }
}

TEST_CASE("the client tears down during the failover: the switch answers, nothing is established") {
  const std::string step = GENERATE("DESCRIBE", "SETUP", "PLAY");
  SwitchedWorld world(slow_second_server());
  fail_until(world, step);
  const uint32_t cseq = world.client().request("TEARDOWN");
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  check_ended(world, "ended: the client has torn down");
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(world.client().tcp().peer_closed());
}

TEST_CASE("the client leaves during the failover: nothing is established") {
  const bool closes = GENERATE(true, false);
  SwitchedWorld world(slow_second_server());
  fail_until(world, "SETUP");
  if (closes) {
    world.client().disconnect();
  } else {
    world.client().tcp().abort();
  }
  check_ended(world, "ended: the client has left");
  CHECK(world.client().tcp().over());
}

TEST_CASE("the second server dies before its first packet was found to be new, the third goes on") {
  WorldOptions options;
  options.servers = 3;
  options.b.personality.media_delay = 100ms;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(how);
  REQUIRE(world.run_until(
      [&] {
        const RtspServer::Session* session = world.b().newest_session();
        return session != nullptr && session->sender->playing();
      },
      3s));
  world.run_for(20ms);  // the answer has arrived, the media has not
  world.b().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  const Event& second = world.dut.events().newest();
  CHECK(second.outcome == "resumed");
  CHECK(second.server_from == "b");
  CHECK(second.server_to == "c");
  const nlohmann::json rows = world.dut.events().page(nullptr, 10)["rows"];
  CHECK(rows[0]["server_to"] == "b");
  CHECK(rows[0]["outcome"] == "established, but the server failed before every stream had resumed");
}

}  // namespace
}  // namespace midstream::scenario
