// Servers of every kind, and failovers between every two of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "lib/rtp/cut.h"
#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct Pair {
  NamedPersonality a, b;
};

std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const NamedPersonality& a : personalities())
    for (const NamedPersonality& b : personalities()) all.push_back({a, b});
  return all;
}

bool have_a_position_in_common(const Pair& p) {
  return p.a.personality.seekable() && p.b.personality.seekable();
}

TEST_CASE("a personality plays through the switch as it is") {
  const NamedPersonality kind = GENERATE(from_range(personalities()));
  CAPTURE(kind.name);
  WorldOptions options;
  options.a.personality = kind.personality;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const bool live = kind.personality.live;
  if (live) {
    world.run_for(6s);
    CHECK(world.client().tracks()[0].rtp.size() > 300);
    check_contract_but_media(world, {.played_to_the_end = false});
  } else {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = kind.personality.says_bye});
  }
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("every personality takes over from every other one") {
  const Pair pair = GENERATE(from_range(pairs()));
  INFO(pair.a.name << " -> " << pair.b.name);
  WorldOptions options;
  options.a.personality = pair.a.personality;
  options.b.personality = pair.b.personality;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 200));
  world.a().die(how);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 8s));
  CHECK(world.dut.events().newest().outcome == "resumed");
  if (have_a_position_in_common(pair)) {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = pair.b.personality.says_bye, .timestamp_tolerance = 1});
  } else {
    world.run_for(4s);
    // Each stream goes on where it was; the streams' positions do not agree better than their frames.
    check_contract_but_media(world, {.played_to_the_end = false, .report_tolerance_ms = 40});
  }
}

TEST_CASE("servers cut frames into packets of other sizes: the cut is by access unit") {
  WorldOptions options;
  options.a.personality = GENERATE(gst(), live555());
  options.b.personality = GENERATE(gst(), live555());
  options.movie.sound = GENERATE(true, false);
  options.movie.most_packets = 1;
  options.a.personality.packet_bytes = GENERATE(1400u, 500u);
  options.b.personality.packet_bytes = options.a.personality.packet_bytes == 1400 ? 300 : 170;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  // a dies behind a whole picture, when none of the last was so small that b's packet is the same.
  const auto differs = [&](const ReceivedRtp& r) {
    const bool fragment = (r.packet.payload[0] & 0x1f) == 28;  // RFC 6184 5.8: FU-A
    return fragment || r.packet.payload.size() > options.b.personality.packet_bytes;
  };
  REQUIRE(world.run_until(
      [&] {
        const auto& rtp = world.client().tracks()[0].rtp;
        return rtp.size() > 100 && rtp.back().packet.marker &&
               std::all_of(rtp.end() - rtp::kLastPackets, rtp.end(), differs);
      },
      8s));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  const uint32_t audio_frame = 1024;  // live555 names the first packet's timestamp, not the position's
  const bool first_packets =
      options.a.personality.rtptime_is_first_packets || options.b.personality.rtptime_is_first_packets;
  check_contract(world, {.bye_at_the_end = options.b.personality.says_bye,
                         .timestamp_tolerance = first_packets ? audio_frame : 1});
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().streams[0].cut_method != "keyframe");
}

// By its own word it plays from the position, by its timestamps a key frame's distance too early: only
// the sound, whose packets are the same everywhere, tells.
TEST_CASE("a server that echoes the position cuts pictures into packets of other sizes") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(10)));
  options.a.personality = GENERATE(gst(), live555());
  options.b.personality = live555_indexed();
  options.b.personality.packet_bytes = 300;
  options.b.personality.first_report = GENERATE(0ms, 700ms);
  options.movie.most_packets = 1;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const size_t some = world.random.between(60, 160);
  REQUIRE(world.run_until(
      [&] {
        const auto& rtp = world.client().tracks()[0].rtp;
        return rtp.size() > some && rtp.back().packet.marker;
      },
      8s));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world, {.bye_at_the_end = false});
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().streams[0].cut_method != "keyframe");
}

TEST_CASE("of the picture that a left half sent in other packets nothing comes twice") {
  WorldOptions options;
  options.movie.most_packets = 1;
  options.a.personality.packet_bytes = 200;
  options.a.personality.packet_spacing = 2ms;
  options.b.personality.packet_bytes = 330;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.run_until(
      [&] {
        const auto& rtp = world.client().tracks()[0].rtp;
        return rtp.size() > 200 && !rtp.back().packet.marker;
      },
      8s));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world, {.frames_left_half = 1});
}

TEST_CASE("a dies before its first packet, and b has other payload types") {
  WorldOptions options;
  options.a.personality.media_delay = 10s;
  options.b.personality.first_payload_type = 101;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(100ms);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  for (const ClientTrack& t : world.client().tracks()) {
    CHECK(!t.rtp.empty());
    for (const ReceivedRtp& r : t.rtp)
      REQUIRE(r.packet.payload_type == (&t == &world.client().tracks()[0] ? 96 : 97));
  }
}

struct Other {
  const char* what;
  std::function<void(Movie&)> change;
};

TEST_CASE("a server that has other content is refused, and the event says what differs") {
  const auto other = GENERATE(values<Other>({
      {"media 1: encoding H265, was H264", [](Movie& m) { m.tracks[0].encoding = "H265"; }},
      {"media 2: clock rate 44100, was 48000", [](Movie& m) { m.tracks[1].clock_rate = 44100; }},
      {"media 2: channels 2, was 1", [](Movie& m) { m.tracks[1].channels = 2; }},
      {"media count 1, was 2", [](Movie& m) { m.tracks.pop_back(); }},
      {"media 1: format parameters differ", [](Movie& m) { m.tracks[0].format += ";a=b"; }},
  }));
  INFO(other.what);
  SwitchOptions switch_options;
  switch_options.detect.give_up = 1s;
  WorldOptions options;
  Movie movie = make_movie(options.movie);
  movie.tracks[1].encoding = "L16";
  movie.tracks[1].channels = 1;
  options.a.shown = movie;
  other.change(movie);
  options.b.shown = movie;
  SwitchedWorld world(options, switch_options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 5s));
  CHECK(world.client().connection_events().back() == TcpEvent::kReset);
  REQUIRE(world.dut.events().size() == 1);
  CHECK_THAT(world.dut.events().newest().outcome,
             Catch::Contains(std::string("content differs: ") + other.what));
}

// --- the scripted servers themselves, over a plain wire ---

struct Bridged : World {
  explicit Bridged(const Personality& personality, const MovieOptions& movie = {})
      : World(options(personality, movie)) {
    bridge(clients, servers);
  }
  static WorldOptions options(const Personality& personality, const MovieOptions& movie) {
    WorldOptions options;
    options.servers = 1;
    options.movie = movie;
    options.a.personality = personality;
    return options;
  }
};

TEST_CASE("live555 sends a report and media before it answers PLAY, from the packet it names") {
  Bridged world(live555());
  REQUIRE(world.client().begin());
  const Time answered = world.client().exchanges().rbegin()->second.answers.front().time;
  for (const ClientTrack& t : world.client().tracks()) {
    REQUIRE(!t.rtp.empty());
    CHECK(t.rtp.front().time < answered);
    REQUIRE(!t.rtcp.empty());
    CHECK(t.rtcp.front().time <= t.rtp.front().time);
  }
}

TEST_CASE("live555 knows no session by a name with its timeout") {
  Bridged world(live555());
  REQUIRE(world.client().begin());
  const std::string id = world.client().session_id();
  CHECK(id.size() == 8);
  CHECK(world.client().answer(3)->header("Session") == id + ";timeout=65");
  world.client().tcp().send("GET_PARAMETER * RTSP/1.0\r\nCSeq: 90\r\nSession: " + id +
                            ";timeout=65\r\n\r\n");
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 1s));
  CHECK_THAT(world.client().oddities()[0], Catch::Contains("454"));
}

TEST_CASE("sessions of live555 and gortsplib outlive their connection while reports come") {
  const Personality p = GENERATE(live555(), gortsplib());
  MovieOptions movie;
  movie.duration = 200s;
  movie.frames_per_second = 5;
  movie.sound = false;
  Bridged world(p, movie);
  REQUIRE(world.client().begin());
  world.client().disconnect();
  world.run_for(80s);
  const auto& rtp = world.client().tracks()[0].rtp;
  CHECK(world.timeline.now() - rtp.back().time < 1s);
  world.client().send_reports(false);
  const Time last_sign = world.timeline.now();
  world.run_for(std::chrono::seconds(p.announced_timeout_s) + 2s);
  const Duration lived = rtp.back().time - last_sign;  // the last report was up to a second before
  CHECK(lived > std::chrono::seconds(p.announced_timeout_s) - 2s);
  CHECK(lived < std::chrono::seconds(p.announced_timeout_s));
}

TEST_CASE("gortsplib refuses ports that another session has") {
  Bridged world(gortsplib());
  REQUIRE(world.client().begin());
  ClientOptions again;
  again.local_port = 40001;
  again.server = world.client().server();
  RtspClient second(world.client_host(), again);
  REQUIRE((second.connect() && second.describe()));
  CHECK_FALSE(second.setup_all());
  CHECK(second.exchanges().rbegin()->second.answers.front().status() == 400);
}

}  // namespace
}  // namespace midstream::scenario
