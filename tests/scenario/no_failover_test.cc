// Endings that are no failures: nothing moves, and what ends reaches the client.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

void check_nothing_moved(SwitchedWorld& world) {
  CHECK(world.dut.events().size() == 0);
  CHECK(world.b().sessions().empty());
}

TEST_CASE("TEARDOWN ends the session, and the closing that follows passes") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  const uint32_t cseq = world.client().request("TEARDOWN");
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  world.a().die(Death::kFin);
  world.run_for(2s);
  CHECK(world.client().tcp().peer_closed());
  check_nothing_moved(world);
}

TEST_CASE("the end of the movie: BYE passes, silence afterwards is no failure") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  world.run_for(5s);
  check_contract(world);
  check_nothing_moved(world);
}

TEST_CASE("a server that closes after the end of the movie may do so") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  check_nothing_moved(world);
}

TEST_CASE("a paused session is silent, and that is no failure") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  REQUIRE(world.client().await(world.client().request("PAUSE")));
  world.run_for(20s);
  check_nothing_moved(world);
  REQUIRE(world.client().play(""));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
  check_nothing_moved(world);
}

TEST_CASE("a client that closes takes its session along") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  world.client().disconnect();
  world.run_for(3s);
  check_nothing_moved(world);
  CHECK(world.client().tcp().over());
}

TEST_CASE("a short pause of the network is no failure") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  world.a().host().cut_off();
  world.run_for(Duration(GENERATE(50, 120, 180)) * 1'000'000);
  world.a().host().reconnect();
  CHECK(world.run_to_the_end());
  check_nothing_moved(world);
}

TEST_CASE("a server whose media pauses but that answers is not left") {
  WorldOptions options;
  options.movie.frames_per_second = 1;  // a slide show
  options.movie.key_frame_distance = 2;
  options.movie.sound = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_nothing_moved(world);
}

TEST_CASE("an RST that is not at RCV.NXT changes nothing") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  tcp::Segment reset{.source_port = 554,
                     .destination_port = 40000,
                     .sequence = TcpSequence(1),
                     .flags = {.rst = true}};
  std::array<uint8_t, 20> bytes;
  Frame frame(100);
  tcp::write_segment(reset, bytes);
  const net::LinkHeader link{.source = world.a().host().mac(),
                             .destination = world.client_host().mac()};
  frame.resize(net::build_tcp_frame(frame, link, kServerA, kClientAddress, bytes));
  world.a().host().send_frame(frame);
  world.run_for(500ms);
  CHECK(world.client().tcp().established());
  check_nothing_moved(world);
}

TEST_CASE("a client that has left its session alone: the server may close it") {
  const bool paused = GENERATE(true, false);
  WorldOptions options;
  options.movie.duration = 90s;
  options.movie.sound = false;
  SwitchedWorld world(options);
  world.client().send_reports(false);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  if (paused) REQUIRE(world.client().pause());
  world.run_for(61s);  // the session's timeout is 60 s
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  check_nothing_moved(world);
}

// The counterpart: receiver reports are signs of life, for servers and for us.
TEST_CASE("a client without keep-alives that sends reports is not given up") {
  WorldOptions options;
  options.movie.duration = 80s;
  options.movie.sound = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(65s);
  check_nothing_moved(world);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 1);
}

TEST_CASE("two frames a second") {
  WorldOptions options;
  options.movie.frames_per_second = 2;
  options.movie.key_frame_distance = 4;
  options.movie.sound = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_nothing_moved(world);
}

TEST_CASE("a sender that sends two seconds at once, then nothing") {
  WorldOptions options;
  options.movie.duration = 12s;
  options.a.personality.burst = 2s;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_nothing_moved(world);
}

TEST_CASE("a twentieth of all packets between server and switch is lost") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(10)));
  options.server_link.loss = 0.05;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(12s);  // the BYE may be lost, too
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_media(world, {.played_to_the_end = false, .media_may_be_lost = true}) == Findings{});
  check_nothing_moved(world);
}

TEST_CASE("segments that come again late, those of the handshake too, cost no protection") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(20)));
  INFO("seed " << options.seed);
  options.server_link = {.delay = 3ms, .loss = 0.05, .duplication = 0.3, .reorder = 0.3};
  options.client_link = {.delay = 1ms, .loss = 0.05};
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  for (const uint64_t count : world.dut.stats().unprotected) CHECK(count == 0);
  check_nothing_moved(world);
}

TEST_CASE("the end of a presentation of unknown length: BYE passes, and the closing behind it") {
  WorldOptions options;
  options.a.personality.knows_duration = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin("npt=0-"));
  REQUIRE(world.run_to_the_end());
  world.run_for(1s);
  check_contract(world);
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  check_nothing_moved(world);
}

bool has_ended(const ClientTrack& track) { return !track.rtcp.empty() && track.rtcp.back().rtcp.bye; }

TEST_CASE("a track that ends long before the others: the client is told, and nothing moves") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  const ClientTrack& sound = world.client().tracks()[1];
  world.a().end_track(1);
  CHECK(world.run_until([&] { return has_ended(sound); }, 4s));
  CHECK(world.run_to_the_end());
  world.run_for(1s);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  check_nothing_moved(world);
}

TEST_CASE("a track that ends shortly before the others ends with them at the latest") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(
      world.run_until([&] { return world.a().newest_session()->sender->position() >= 6500ms; }, 10s));
  world.a().end_track(1);
  CHECK(world.run_until([&] { return has_ended(world.client().tracks()[1]); }, 700ms));
  CHECK(world.run_to_the_end());
  check_nothing_moved(world);
}

TEST_CASE("a seek back behind the end of a track: the BYE of before does not end it again") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  world.a().end_track(1);
  world.run_for(500ms);
  REQUIRE(world.client().play("npt=1-"));
  world.run_for(4s);
  const auto told = [](const ReceivedRtcp& packet) { return packet.rtcp.bye; };
  CHECK(std::ranges::none_of(world.client().tracks()[1].rtcp, told));
  CHECK(world.run_to_the_end());
  check_nothing_moved(world);
}

TEST_CASE("a connection that is closed as announced, or that nobody uses, may end") {
  SwitchedWorld world;
  REQUIRE(world.client().connect());
  REQUIRE(world.client().await(world.client().request("OPTIONS")));
  world.run_for(11s);
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  check_nothing_moved(world);
}

}  // namespace
}  // namespace midstream::scenario
