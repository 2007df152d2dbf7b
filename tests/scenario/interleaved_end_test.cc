// RTP inside the RTSP connection: ends that are failures, and ends that are none. The whole contract
// after every case.
#include <algorithm>
#include <string>

#include "tests/scenario/interleaved_world.h"
#include "tests/scenario/seeds.h"

namespace midstream::scenario {
namespace {

bool has_ended(const ClientTrack& track) { return !track.rtcp.empty() && track.rtcp.back().rtcp.bye; }

bool all_have_ended(RtspClient& client) {
  return std::ranges::all_of(client.tracks(), [](const ClientTrack& t) { return has_ended(t); });
}

TEST_CASE("interleaved end: the server says BYE and closes in the middle of the movie") {
  Playing world;
  world.a().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved end: a BYE at the real end passes") {
  Playing world;
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  for (const ClientTrack& t : world.client().tracks()) CHECK(t.rtcp.back().rtcp.bye);
}

// Of a BYE whose type the client has got only its source can still be withheld.
TEST_CASE("interleaved end: the server says BYE, its frames cut anywhere, and closes") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(12)));
  INFO("seed " << options.seed);
  options.a.personality.frame_writes = Personality::FrameWrites::kAnywhere;
  Playing world(options);
  world.a().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world, {.byes_withheld = 1});
  world.check_resumed();
}

// Without the end of the connection there is no second sign.
TEST_CASE("interleaved end: every track says BYE in one segment, and the server lives on") {
  WorldOptions options = inside();
  if (GENERATE(false, true)) options.service = ServiceMode::kVirtual;
  Playing world(options);
  MediaSender& sender = *world.a().newest_session()->sender;
  sender.pause();
  std::string byes;
  for (const SenderTrack& t : sender.tracks())
    byes += write_frame(t.channels.rtcp, write_rtcp({.ssrc = t.ssrc, .bye = true}));
  sender.tracks()[0].connection->send(byes);
  world.await_takeovers(1);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
  CHECK(world.dut.events().newest().cause == "BYE before the end of the media");
}

// It comes again once the hole is filled, and is judged then.
TEST_CASE("interleaved end: a BYE behind a hole does not reach the client") {
  WorldOptions options = inside();
  options.client.tcp.network_reorders = true;
  Playing world(options);
  bool lost = false;
  world.a().host().lose_sent([&](const Frame& f) {
    const bool media = net::parse_packet(f).payload_bytes > 200;
    return media && !std::exchange(lost, true);
  });
  REQUIRE(world.run_until([&] { return lost; }, 1s));
  world.a().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved end: what the server had begun to say when it closed arrives") {
  WorldOptions options = inside();
  options.service = ServiceMode::kVirtual;
  const size_t bytes = GENERATE(1, 3, 4, 10, 50);
  CAPTURE(bytes);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  TcpPeer& server = *world.a().newest_session()->sender->tracks()[0].connection;
  const uint8_t channel = world.client().tracks()[0].channels->rtcp;
  server.send(write_frame(channel, Payload(100)).substr(0, bytes));
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  CHECK(world.client().unread().size() == bytes);
  CHECK(server.bytes_unacknowledged() == 0);
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("interleaved end: of a presentation of unknown length, and closed at once") {
  WorldOptions options = inside();
  options.a.personality.knows_duration = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin("npt=0-"));
  CHECK(world.run_to_the_end());
  REQUIRE(world.run_until([&] { return all_have_ended(world.client()); }, 1s));
  world.a().die(Death::kFin);
  world.run_for(1s);
  CHECK(world.client().tcp().peer_closed());
  CHECK(world.dut.events().size() == 0);
  check_contract(world, {.connection_lives = false});
}

}  // namespace
}  // namespace midstream::scenario
