// A server fails, another takes over, and the client does not notice: the whole contract after each of
// the ways in which a server can fail.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

void check_resumed(SwitchedWorld& world, const std::string& cause) {
  REQUIRE(world.dut.events().size() == 1);
  const Event& event = world.dut.events().newest();
  CHECK(event.outcome == "resumed");
  CHECK(event.cause == cause);
  CHECK(event.server_from == "a");
  CHECK(event.server_to == "b");
  CHECK(event.streams.size() == world.client().tracks().size());
  for (const StreamEvent& stream : event.streams) CHECK(stream.cut_method == "content");
  CHECK(event.media_gap.has_value());
}

TEST_CASE("the server's process is killed") {
  WorldOptions options;
  options.movie.b_frames = GENERATE(0u, 2u);
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(
      world, std::string("connection ") + (how == Death::kFin ? "closed" : "reset") + " by the server");
}

TEST_CASE("the server's host is cut off") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(world, "silence, probe unanswered");
}

TEST_CASE("the server freezes") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().freeze();
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the media gap is short") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  const auto& rtp = world.client().tracks()[0].rtp;
  Duration longest{0};
  for (size_t i = 1; i < rtp.size(); ++i) longest = std::max(longest, rtp[i].time - rtp[i - 1].time);
  CHECK(to_ms(longest) < 100);
}

TEST_CASE("a server that does not know Seek-Style paces from the key frame") {
  WorldOptions options;
  options.b.personality.honours_seek_style = false;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the new server lies in RTP-Info") {
  WorldOptions options;
  options.b.personality.lies_in_rtp_info_after_seek = true;
  options.b.personality.rtp_info_sequence_one_less = GENERATE(false, true);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the new server's clock starts at the seek") {
  WorldOptions options;
  options.b.personality.timestamps_restart_at_seek = true;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world, {.timestamp_tolerance = 1});
}

TEST_CASE("the sound is silence, so that payloads repeat") {
  WorldOptions options;
  options.movie.silence = true;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_reports(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("the server fails in the middle of a frame") {
  WorldOptions options;
  options.movie.most_packets = 12;
  options.a.personality.packet_spacing = 1ms;  // a key frame takes 12 ms
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.run_until(
      [&] {
        const auto& tracks = world.client().tracks();
        return tracks[0].rtp.size() > kSomePackets && !tracks[0].rtp.back().packet.marker;
      },
      8s));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a seek of the client has moved the position before the failure") {
  SwitchedWorld world;
  RtspClient& client = world.client();
  REQUIRE((client.connect() && client.describe() && client.setup_all() && client.play("npt=3-")));
  REQUIRE(client.await_packets(0, 80));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  // The movie from 3 s on, wherever it is known to be exact.
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {.position = 3s}) == Findings{});
}

TEST_CASE("a third server takes over when the second fails too") {
  WorldOptions options;
  options.servers = 3;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().die(Death::kFin);
  REQUIRE(world.client().await_packets(0, 240));
  world.b().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 2);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("a second server that is down is passed over") {
  WorldOptions options;
  options.servers = 3;
  SwitchedWorld world(options);
  world.b().host().cut_off();
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() >= 1);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("the second server dies while it is being established, the third takes over") {
  WorldOptions options;
  options.servers = 3;
  const std::string step = GENERATE("DESCRIBE", "SETUP", "PLAY");
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(how);
  REQUIRE(world.run_until([&] { return world.b().count(step) > 0; }, 3s));
  world.b().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() >= 1);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("the second server is slow") {
  WorldOptions options;
  options.b.personality.answer_delay = 100ms;
  options.b.personality.play_delay = 700ms;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the server says BYE and closes in the middle of the movie") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// gst-rtsp-server that is told to end: a track's BYE leaves behind the last of what it has queued.
TEST_CASE("the server says BYE track by track, answering all the while, and closes") {
  const size_t first = GENERATE(0, 1);
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().end_track(first);
  world.run_for(1s);
  CHECK(world.dut.events().size() == 0);
  const bool closes = GENERATE(true, false);
  world.a().end_track(1 - first);
  if (closes) world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the first frames are the last: a dies right after PLAY") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(10)));
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(std::chrono::microseconds(world.random.between(0, 150'000)));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

// The client has been told SSRC, sequence numbers and timestamps, but has got nothing yet.
TEST_CASE("a dies between its PLAY answer and its first packet") {
  WorldOptions options;
  options.a.personality.media_delay = 50ms;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(10ms);
  REQUIRE(world.client().tracks()[0].rtp.empty());
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("several clients move at once") {
  SwitchedWorld world;
  std::vector<std::unique_ptr<RtspClient>> others;
  for (int i = 0; i < 8; ++i) {
    Host& host = world.add_host("other" + std::to_string(i), "10.99.0." + std::to_string(20 + i), true);
    ClientOptions options;
    options.server = {kServerA, 554};
    others.push_back(std::make_unique<RtspClient>(host, options));
  }
  // The contract looks at the first session.
  REQUIRE(world.client().begin());
  for (auto& other : others) REQUIRE(other->begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  world.run_for(500ms);
  check_contract(world);
  CHECK(world.dut.events().size() == others.size() + 1);
  for (size_t i = 0; i < others.size(); ++i) {
    CHECK(others[i]->connection_events() == std::vector{TcpEvent::kConnected});
    for (size_t track = 0; track < 2; ++track) {
      const auto& rtp = others[i]->tracks()[track].rtp;
      CHECK(rtp.size() == world.a().movie().tracks[track].units.size());
      for (size_t k = 0; k < rtp.size(); ++k)
        REQUIRE(rtp[k].packet.payload == world.a().movie().tracks[track].units[k].payload);
    }
  }
}

// Every frame of a client arrives at the worker that does not own it.
TEST_CASE("media and control are handed over between workers, before and after a failover") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  const uint64_t before = world.dut.stats().passed;
  CHECK(before > kSomePackets);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  CHECK(world.dut.stats().passed > before + kSomePackets);
  CHECK(world.dut.drops(Drop::kExchangeFull) == 0);
  check_contract(world);
}

TEST_CASE("any moment, any cutting: the contract holds") {
  WorldOptions options;
  const uint32_t seed = GENERATE(from_range(seeds(40)));
  options.seed = seed;
  options.client.cut_requests = true;
  options.movie.b_frames = seed % 3;
  options.movie.most_packets = 2 + seed % 7;
  options.client.tcp.delayed_ack = seed % 2 == 0 ? 40ms : 0ms;
  options.client_link.jitter = options.server_link.jitter = 300us;
  SwitchedWorld world(options);
  INFO("seed " << seed);
  REQUIRE(world.client().begin());
  world.run_for(std::chrono::microseconds(world.random.between(20'000, 5'000'000)));
  const uint32_t before = world.client().request("GET_PARAMETER");
  world.run_for(std::chrono::microseconds(world.random.between(0, 1000)));
  if (seed % 4 == 0) {
    world.a().host().cut_off();
  } else {
    world.a().die(seed % 4 == 1 ? Death::kReset : Death::kFin);
  }
  CHECK(world.client().await(before));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("the first server lies in RTP-Info, by less than two seconds") {
  WorldOptions options;
  options.movie.key_frame_distance = 5;
  options.a.personality.lies_in_rtp_info_after_seek = true;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin("npt=1.1-"));
  REQUIRE(world.client().await_packets(0, GENERATE(3u, 100u)));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world, {.position = 1100ms});
  check_resumed(world, "connection closed by the server");
}

TEST_CASE("the sound's one packet was delivered, and the new server's copy of it is lost") {
  WorldOptions options;
  options.b.personality.media_delay = 5ms;
  options.b.personality.packet_spacing = 5ms;
  SwitchedWorld world(options);
  const auto is_sound = [&](const Frame& f) {
    const net::Packet p = net::parse_packet(f);
    const bool rtp = p.kind == net::PacketKind::kUdp && p.destination.port == 50002;
    return rtp && p.destination.address == kClientAddress;
  };
  int sent = 0, lost = 0;
  world.a().host().lose_sent([&](const Frame& f) { return is_sound(f) && sent++ > 0; });
  world.b().host().lose_sent([&](const Frame& f) { return is_sound(f) && lost++ < 1; });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 8));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  CHECK(sent > 1);
  CHECK(world.client().tracks()[1].rtp.size() > 300);
  CHECK(check_media(world, {.media_may_be_lost = true}) == Findings{});
}

TEST_CASE("an RST behind bytes that were lost: the server is asked whether it means it") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().lose_sent(
      [](const Frame& f) { return describe(f).find("RTSP/1.0 200") != std::string::npos; });
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(2ms);
  world.a().die(Death::kReset);
  CHECK(world.client().await(cseq));
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(world, "connection reset by the server");
}

TEST_CASE("a dies when only the parameter sets of its first picture have come") {
  WorldOptions options;
  options.a.personality.honours_seek_style = false;
  options.a.personality.packet_spacing = 2ms;
  options.b.personality = live555();
  SwitchedWorld world(options);
  REQUIRE(world.client().begin("npt=2-"));
  REQUIRE(world.client().await_packets(0, GENERATE(1u, 2u)));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world, {.position = 2s, .bye_at_the_end = false});
}

TEST_CASE("a report comes before all media, and then the server dies: its SSRC stays") {
  WorldOptions options;
  options.a.personality = live555();
  options.a.personality.packet_spacing = 100ms;
  options.b.personality = gst();
  SwitchedWorld world(options);
  world.a().host().lose_sent([&](const Frame& f) {
    const net::Packet p = net::parse_packet(f);
    return p.kind == net::PacketKind::kUdp && p.destination.address == kClientAddress &&
           p.destination.port % 2 == 0;
  });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().tracks()[0].rtcp.size() > 0);
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  CHECK(check_rtp(world, {.media_may_be_lost = true}) == Findings{});
  CHECK(check_reports(world, {.media_may_be_lost = true}) == Findings{});
}

}  // namespace
}  // namespace midstream::scenario
