// RTP inside the RTSP connection, without a failure: every kind of server and client, over bad links
// and through small windows. What is said passes the switch byte for byte, and all media arrives.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr Duration kUnderway = 100ms;  // the last acknowledgements

WorldOptions inside() {
  WorldOptions options;
  options.client.interleaved = {true};
  options.movie.duration = 4s;
  return options;
}

// On both connections' ends the same bytes, and nobody but a was asked.
void check_untouched(SwitchedWorld& world) {
  world.run_for(kUnderway);
  const TcpPeer& server = *world.a().newest_session()->sender->tracks()[0].connection;
  CHECK(world.client().tcp().stream() == server.sent());
  CHECK(server.stream() == world.client().tcp().sent());
  CHECK(world.dut.events().size() == 0);
  CHECK(world.b().sessions().empty());
}

// Every frame too, where none is lost or late.
void check_frames_untouched(SwitchedWorld& world) {
  world.run_for(kUnderway);
  Host& client = world.client_host();
  Host& a = world.a().host();
  CHECK((frames(world, client, true, a) == frames(world, a, false, client)));
  CHECK((frames(world, a, true, client) == frames(world, client, false, a)));
}

size_t reports_inside(SwitchedWorld& world, uint8_t channel) {
  return static_cast<size_t>(std::ranges::count_if(
      world.a().reports(), [&](const auto& r) { return r.port == 0 && r.channel == channel; }));
}

TEST_CASE("interleaved: every personality plays through the switch as it is") {
  const NamedPersonality kind = GENERATE(from_range(personalities()));
  CAPTURE(kind.name);
  WorldOptions options = inside();
  options.a.personality = kind.personality;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  if (kind.personality.live) {
    world.run_for(4s);
    CHECK(world.client().tracks()[0].rtp.size() > 150);
    REQUIRE(world.client().pause());
    check_contract_but_media(world, {.played_to_the_end = false});
  } else {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = kind.personality.says_bye});
  }
  check_frames_untouched(world);
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    REQUIRE(t.channels == Channels{static_cast<uint8_t>(2 * i), static_cast<uint8_t>(2 * i + 1)});
    CHECK(t.rtcp.size() > 0);
    CHECK(reports_inside(world, t.channels->rtcp) >= 3);
  }
  CHECK(world.client_host().heard_from() == std::set{kServerA});
  CHECK(world.a().punches() == 0);
}

TEST_CASE("interleaved: media comes before the PLAY answer") {
  WorldOptions options = inside();
  options.a.personality = live555();
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const Time answered = world.client().answer(world.client().newest_cseq())->time;
  CHECK(world.client().tracks()[0].rtp.at(0).time < answered);
  CHECK(world.client().tracks()[0].rtcp.at(0).time < answered);
  CHECK(world.run_to_the_end());
  check_contract(world, {.bye_at_the_end = false});
}

TEST_CASE("interleaved: the server's channels count, whatever was asked for") {
  WorldOptions options = inside();
  options.client.first_channel = 6;
  options.a.personality.first_channel = GENERATE(0, 1, 100, 251);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const int first = *options.a.personality.first_channel;
  for (size_t i = 0; i < 2; ++i)
    CHECK(world.client().tracks()[i].channels->rtp == first + 2 * static_cast<int>(i));
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_frames_untouched(world);
}

TEST_CASE("interleaved: an answer without channels means those that were asked for") {
  WorldOptions options = inside();
  options.client.first_channel = 10;
  options.a.personality.says_channels = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.client().tracks()[1].channels == Channels{12, 13});
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("interleaved: channels that are taken, or not neighbours, in every manner") {
  WorldOptions options = inside();
  options.a.personality = GENERATE(gst(), live555(), gortsplib());
  SwitchedWorld world(options);
  RtspClient& client = world.client();
  REQUIRE((client.connect() && client.describe() && client.setup(0)));
  const auto answer_to = [&](const std::string& channels) {
    const uint32_t cseq =
        client.request("SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=" + channels + "\r\n",
                       client.tracks()[1].control);
    REQUIRE(client.await(cseq));
    return *client.answer(cseq);
  };
  using Manner = Personality::ChannelManner;
  switch (options.a.personality.channel_manner) {
    case Manner::kFree:
      CHECK(read_channels(answer_to("0-1").header("Transport")) == Channels{2, 3});
      break;
    case Manner::kAsAsked:
      CHECK(read_channels(answer_to("0-1").header("Transport")) == Channels{0, 1});
      break;
    case Manner::kStrict:
      CHECK(answer_to("0-1").status() == 400);
      CHECK(answer_to("4-6").status() == 400);
      CHECK(read_channels(answer_to("4-5").header("Transport")) == Channels{4, 5});
      break;
  }
}

TEST_CASE("interleaved: one stream over UDP, one inside the connection") {
  WorldOptions options = inside();
  options.client.interleaved = GENERATE(std::vector{true, false}, std::vector{false, true});
  options.a.personality = GENERATE(gst(), live555());
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  for (size_t i = 0; i < 2; ++i)
    CHECK(world.client().tracks()[i].channels.has_value() == options.client.interleaved[i]);
  CHECK(world.run_to_the_end());
  check_contract(world, {.bye_at_the_end = options.a.personality.says_bye});
  check_frames_untouched(world);
}

TEST_CASE("interleaved: gortsplib refuses two kinds of transport in one session") {
  WorldOptions options = inside();
  options.client.interleaved = {true, false};
  options.a.personality = gortsplib();
  SwitchedWorld world(options);
  CHECK_FALSE(world.client().begin());
  CHECK(world.client().answer(world.client().newest_cseq())->status() == 400);
}

TEST_CASE("interleaved: frames and messages in any order, cut anywhere") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(6)));
  INFO("seed " << options.seed);
  options.client.cut_requests = options.client.reports_around_requests = true;
  options.a.personality.frame_writes = Personality::FrameWrites::kAnywhere;
  options.a.tcp.joins_writes = options.seed % 2 == 0;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  for (int i = 0; i < 10; ++i) {
    for (const uint32_t cseq : world.client().pipeline({"GET_PARAMETER", "OPTIONS", "DESCRIBE"}))
      REQUIRE(world.client().await(cseq));
    world.run_for(std::chrono::microseconds(world.random.between(0, 100'000)));
  }
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(reports_inside(world, 1) >= 30);
  CHECK(world.a().stray_frames() == 0);
  check_untouched(world);
}

TEST_CASE("interleaved: lost, late and doubled segments on every link cost no packet") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(8)));
  INFO("seed " << options.seed);
  const LinkQuality bad{.jitter = 300us, .loss = 0.03, .duplication = 0.02, .reorder = 0.03};
  if (options.seed % 3 != 0) options.client_link = bad;
  if (options.seed % 3 != 1) options.server_link = bad;
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  options.client.tcp.sack = options.seed % 2 == 0;
  options.a.tcp.recut_retransmissions = options.seed % 4 < 2;
  options.a.tcp.joins_writes = options.seed % 4 == 1;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  CHECK(world.client().tcp().stream() ==
        world.a().newest_session()->sender->tracks()[0].connection->sent());
  check_contract(world, {.media_may_be_lost = true});
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("interleaved: a tiny window cuts every frame") {
  WorldOptions options = inside();
  options.client.tcp.receive_window = GENERATE(300u, 1000u, 5000u);
  options.client.tcp.window_scale = GENERATE(std::optional<uint8_t>(), std::optional<uint8_t>(2));
  options.client_link.delay = options.server_link.delay = 10us;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_frames_untouched(world);
}

// 40 KB/s against 16 KB of socket and 8 KB of window: gst waits, and catches up.
TEST_CASE("interleaved: a reader that stops for a while gets all that waited") {
  WorldOptions options = inside();
  options.client.tcp.receive_window = 8 * 1024;
  options.a.personality.socket_bytes = 16 * 1024;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  world.client().tcp().stop_reading();
  world.run_for(1500ms);
  TcpPeer& server = *world.a().newest_session()->sender->tracks()[0].connection;
  CHECK(server.bytes_unacknowledged() >= 16 * 1024);
  CHECK(server.bytes_unacknowledged() < 24 * 1024);
  const bool news_is_lost = GENERATE(false, true);
  if (news_is_lost) world.client_host().lose_sent([](const Frame&) { return true; });
  world.client().tcp().read_on();
  world.run_for(1ms);
  world.client_host().lose_sent({});
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.a().newest_session()->sender->dropped() == 0);
  check_untouched(world);
}

TEST_CASE("interleaved: live555 drops whole packets while its socket is full") {
  WorldOptions options = inside();
  options.client.tcp.receive_window = 8 * 1024;
  options.a.personality = live555();
  options.a.personality.socket_bytes = 16 * 1024;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  world.client().tcp().stop_reading();
  world.run_for(1500ms);
  world.client().tcp().read_on();
  CHECK(world.run_to_the_end());
  check_contract(world, {.server_may_drop = true, .bye_at_the_end = false});
  CHECK(world.a().newest_session()->sender->dropped() > 0);
  CHECK_FALSE(check_rtp(world, {}) == Findings{});
}

TEST_CASE("interleaved: frames on channels that nobody set up pass, both ways") {
  SwitchedWorld world(inside());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  world.client().tcp().send(write_frame(9, as_bytes("$RTSP/1.0 200 OK\r\n\r\n")));
  world.a().newest_session()->sender->tracks()[0].connection->send(write_frame(200, as_bytes("abc")));
  world.a().newest_session()->sender->tracks()[0].connection->send(write_frame(77, {}));
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  CHECK(world.a().stray_frames() == 1);
  CHECK(world.client().oddities() ==
        Findings{"a frame of 3 bytes on channel 200", "a frame of 0 bytes on channel 77"});
  CHECK(check_media(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  check_untouched(world);
}

// Larger than what is put in order to be read.
TEST_CASE("interleaved: a frame of 40 KB from the client passes, and that is said") {
  SwitchedWorld world(inside());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  world.client().tcp().send(write_frame(9, Payload(40'000)));
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  CHECK(world.a().stray_frames() == 1);
  check_contract(world);
  check_frames_untouched(world);
  const auto reason = static_cast<size_t>(rtsp::Unprotected::kMessageTooLarge);
  CHECK(world.dut.stats().unprotected[reason] == 1);
}

TEST_CASE("interleaved: a server that dies in a frame leaves what it had sent of it") {
  const size_t offset = GENERATE(1, 2, 3, 4, 5, 10, 15, 16, 17, 100, SIZE_MAX);
  WorldOptions options = inside();
  World world(options);  // without the switch: this is what it has to mend
  bridge(world.clients, world.servers);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  bool died = false;
  world.a().cut_next_frame(0, offset, [&] {
    died = true;
    world.a().die(Death::kFin);
  });
  REQUIRE(world.run_until([&] { return world.client().connection_events().size() > 1; }, 1s));
  CHECK(died);
  CHECK(world.client().connection_events().back() == TcpEvent::kPeerClosed);
  const std::string& left = world.client().unread();
  REQUIRE(!left.empty());
  CHECK(left[0] == '$');
  if (offset != SIZE_MAX) {
    CHECK(left.size() == offset);
  } else {
    CHECK(left.size() == 3u + load_be16(&as_bytes(left)[2]));
  }
  CHECK_FALSE(check_connection(world, {}) == Findings{});
}

TEST_CASE("interleaved: what does not parse is found") {
  SwitchedWorld world(inside());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  const std::string text =
      GENERATE(as<std::string>{}, "x", "200 OK\r\n\r\n", "RTSP\r\n\r\n", std::string(1, '\0'));
  world.a().newest_session()->sender->tracks()[0].connection->send(text);
  CHECK(world.run_until([&] { return !world.client().oddities().empty(); }, 1s));
  CHECK_FALSE(check_responses(world, {.played_to_the_end = false}) == Findings{});
}

TEST_CASE("interleaved: a frame on a stream's channel that is no RTP is found") {
  SwitchedWorld world(inside());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 30));
  const uint8_t channel = GENERATE(uint8_t{0}, uint8_t{3});
  world.a().newest_session()->sender->tracks()[0].connection->send(
      write_frame(channel, as_bytes("no packet of any kind")));
  CHECK(world.run_to_the_end());
  CHECK(check_rtp(world, {}) == Findings{"1 frames are no RTP, no RTCP"});
  CHECK(check_rtp(world, {.padded_frames = 1}) == Findings{});
}

}  // namespace
}  // namespace midstream::scenario
