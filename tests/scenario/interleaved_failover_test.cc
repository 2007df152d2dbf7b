// RTP inside the RTSP connection: a server fails, another takes over, and the client reads one stream
// of bytes from the first to the last, as if nothing had happened. The whole contract after every case.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/scenario/interleaved_world.h"
#include "tests/scenario/seeds.h"

namespace midstream::scenario {
namespace {

// --- how a dies ---

TEST_CASE("interleaved failover: the server's process is killed") {
  WorldOptions options = inside();
  options.movie.b_frames = GENERATE(0u, 2u);
  const Death how = GENERATE(Death::kFin, Death::kReset);
  Playing world(options);
  world.a().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
  for (const StreamEvent& stream : world.dut.events().newest().streams)
    CHECK(stream.cut_method == "content");
}

TEST_CASE("interleaved failover: the server's host is cut off") {
  Playing world;
  world.a().host().cut_off();
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: the server freezes, and thaws when b plays") {
  Playing world;
  world.a().freeze();
  world.await_takeovers(1);
  world.run_for(500ms);
  world.a().thaw();
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: every personality takes over from every other one") {
  const NamedPersonality from = GENERATE(from_range(personalities()));
  const NamedPersonality to = GENERATE(from_range(personalities()));
  INFO(from.name << " -> " << to.name);
  WorldOptions options = inside();
  options.a.personality = from.personality;
  options.b.personality = to.personality;
  Playing world(options);
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  if (from.personality.seekable() && to.personality.seekable()) {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = to.personality.says_bye, .timestamp_tolerance = 1});
  } else {
    const size_t before = world.client().tracks()[0].rtp.size();
    world.run_for(4s);
    CHECK(world.client().tracks()[0].rtp.size() > before + 100);
    check_contract_but_media(world, {.played_to_the_end = false, .report_tolerance_ms = 40});
  }
}

TEST_CASE("interleaved failover: a live source") {
  WorldOptions options = inside();
  options.a.personality = options.b.personality = gortsplib();
  const size_t offset = GENERATE(0, 2, 17);
  Playing world(options);
  if (offset > 0) {
    world.die_in_frame(world.a(), 0, offset, [&] { world.a().die(Death::kFin); });
  } else {
    world.a().die(Death::kReset);
  }
  world.await_takeovers(1);
  const size_t before = world.client().tracks()[0].rtp.size();
  world.run_for(4s);
  CHECK(world.client().tracks()[0].rtp.size() > before + 100);
  check_contract_but_media(
      world,
      {.played_to_the_end = false, .padded_frames = offset > 0 ? 1u : 0u, .report_tolerance_ms = 40});
}

// --- what a leaves half done ---

TEST_CASE("interleaved failover: a frame that a left half sent is finished") {
  const size_t offset = GENERATE(1, 2, 3, 4, 5, 10, 15, 16, 17, 100, SIZE_MAX);
  const size_t track = GENERATE(0, 1);
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(offset, track, how);
  Playing world;
  world.die_in_frame(world.a(), track, offset, [&] {
    if (how == 0) world.a().die(Death::kFin);
    if (how == 1) world.a().die(Death::kReset);
    if (how == 2) world.a().host().cut_off();
    if (how == 3) world.a().freeze();
  });
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: b cuts the media into other packets, half a frame is padded") {
  const size_t offset = GENERATE(1, 3, 4, 10, 16, 17, 100, SIZE_MAX);
  CAPTURE(offset);
  WorldOptions options = inside();
  options.movie.most_packets = 1;
  options.a.personality.packet_bytes = 500;
  options.b.personality.packet_bytes = 300;
  Playing world(options);
  world.die_in_frame(world.a(), 0, offset, [&] { world.a().die(Death::kFin); });
  CHECK(world.run_to_the_end());
  check_contract(world, {.frames_left_half = 1, .padded_frames = 1, .timestamp_tolerance = 1});
  world.check_resumed();
  // Of less the client cannot tell which packet it was.
  if (offset > 4) CHECK(world.dut.events().newest().streams[0].padded);
}

TEST_CASE("interleaved failover: half an answer between two frames is finished from b's") {
  const size_t bytes = GENERATE(1, 9, 20, 40);
  WorldOptions options = inside();
  options.b.personality.server_name = "another";
  Playing world(options);
  world.a().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() != "GET_PARAMETER") return false;
    const std::string answer = fmt::format("RTSP/1.0 200 OK\r\nCSeq: {}\r\nSession: {}\r\n\r\n",
                                           request.header("CSeq"), request.header("Session"));
    tcp.send(answer.substr(0, bytes));
    world.timeline.at(world.timeline.now(), [&] { world.a().die(Death::kReset); });
    return true;
  });
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: requests in flight are answered once, between frames") {
  WorldOptions options = inside();
  options.client.cut_requests = GENERATE(false, true);
  options.client.reports_around_requests = GENERATE(false, true);
  Playing world(options);
  world.a().stop_answering();
  const auto before = world.client().pipeline({"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"});
  world.run_for(std::chrono::microseconds(GENERATE(0, 60, 150, 5000)));
  world.a().die(Death::kFin);
  const auto after = world.client().pipeline({"DESCRIBE", "GET_PARAMETER"});
  for (const auto& cseqs : {before, after})
    for (const uint32_t cseq : cseqs) CHECK(world.client().await(cseq));
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

// --- what the client has not got ---

TEST_CASE("interleaved failover: what a had sent and the client lost still arrives") {
  WorldOptions options = inside();
  options.client.tcp.sack = GENERATE(true, false);
  options.client.tcp.delayed_ack = GENERATE(0ms, 40ms);
  Playing world(options);
  world.client_host().lose_received([](const Frame&) { return true; });
  world.run_for(std::chrono::milliseconds(GENERATE(20, 150, 600)));
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  world.run_for(5ms);
  world.client_host().lose_received({});
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: the client's link loses") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(8)));
  INFO("seed " << options.seed);
  options.client_link.loss = GENERATE(0.01, 0.05);
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  options.b.tcp.network_reorders = true;
  options.client.tcp.sack = options.seed % 3 != 0;
  options.a.tcp.joins_writes = options.b.tcp.joins_writes = options.seed % 2 == 0;
  Playing world(options);
  world.run_for(std::chrono::microseconds(world.random.between(0, 2'000'000)));
  if (options.seed % 4 == 0) {
    world.a().host().cut_off();
  } else {
    world.a().die(options.seed % 4 == 1 ? Death::kReset : Death::kFin);
  }
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: the link between b and the switch loses") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(6)));
  INFO("seed " << options.seed);
  options.client.tcp.network_reorders = options.b.tcp.network_reorders = true;
  Playing world(options);
  const LinkQuality bad{.loss = 0.03, .duplication = 0.02, .reorder = 0.03};
  world.b().host().upstream() = world.b().host().downstream() = bad;
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: the client's window is shut when its server dies") {
  WorldOptions options = inside();
  options.client.tcp.receive_window = 8 * 1024;
  options.a.personality.socket_bytes = options.b.personality.socket_bytes = 16 * 1024;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  const bool news_is_lost = GENERATE(false, true);
  Playing world(options);
  world.client().tcp().stop_reading();
  world.run_for(1s);
  CHECK(world.dut.events().size() == 0);  // a reader that stops is no failure
  world.a().die(how);
  world.run_for(1s);
  if (news_is_lost) world.client_host().lose_sent([](const Frame&) { return true; });
  world.client().tcp().read_on();
  world.run_for(1ms);
  world.client_host().lose_sent({});
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: a tiny window") {
  WorldOptions options = inside();
  options.movie.duration = 5s;
  options.client.tcp.receive_window = GENERATE(1000u, 3000u);
  options.client.tcp.window_scale = GENERATE(std::optional<uint8_t>(), std::optional<uint8_t>(2));
  Playing world(options);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

// --- what is otherwise at b ---

TEST_CASE("interleaved failover: b has another window scale, or less of TCP") {
  WorldOptions options = inside();
  options.b.tcp.window_scale =
      GENERATE(std::optional<uint8_t>(), std::optional<uint8_t>(0), std::optional<uint8_t>(14));
  if (options.b.tcp.window_scale == 14) options.b.tcp.receive_window = 1024 * 1024;
  options.b.tcp.sack = options.b.tcp.timestamps = GENERATE(true, false);
  options.b.tcp.mss = GENERATE(uint16_t{1460}, uint16_t{536});
  Playing world(options);
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: b chooses other channels") {
  WorldOptions options = inside();
  options.a.personality.first_channel = GENERATE(std::optional<uint8_t>(), std::optional<uint8_t>(20));
  // Exchanged, overlapping, far away.
  options.b.personality.first_channel = GENERATE(uint8_t{2}, uint8_t{1}, uint8_t{20}, uint8_t{100});
  Playing world(options);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
  CHECK(world.b().reports().size() >= 4);  // on its own channels
  CHECK(world.b().stray_frames() == 0);
}

TEST_CASE("interleaved failover: b's first packets come before its answer to PLAY, cut anywhere") {
  WorldOptions options = inside();
  options.seed = GENERATE(from_range(seeds(12)));
  INFO("seed " << options.seed);
  options.b.personality = live555();
  options.b.personality.frame_writes = Personality::FrameWrites::kAnywhere;
  options.b.tcp.mss = 536;
  Playing world(options);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world, {.bye_at_the_end = false, .timestamp_tolerance = 1});
  world.check_resumed();
}

// The numbers of what has left must not run ahead of it.
TEST_CASE("interleaved failover: reports that are left out behind a hole do not shut b's window") {
  WorldOptions options = inside();
  options.client.report_interval = 5ms;
  options.client_link.loss = 0.04;
  options.client.tcp.network_reorders = true;
  options.seed = GENERATE(from_range(seeds(6)));
  INFO("seed " << options.seed);
  Playing world(options);
  REQUIRE(world.client().pause());
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  world.client().request("PLAY");
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("interleaved failover: b does not name its channels") {
  WorldOptions options = inside();
  options.client.first_channel = 4;
  options.b.personality.says_channels = false;
  Playing world(options);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().stray_frames() == 0);
}

TEST_CASE("interleaved failover: receiver reports reach b in b's terms") {
  Playing world;
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  const auto& tracks = world.b().newest_session()->sender->tracks();
  REQUIRE(world.b().reports().size() >= 4);
  for (const RtspServer::Report& report : world.b().reports()) {
    const SenderTrack& t = tracks[report.channel == tracks[0].channels.rtcp ? 0 : 1];
    CHECK(report.channel == t.channels.rtcp);
    REQUIRE(report.rtcp.blocks.size() == 1);
    CHECK(report.rtcp.blocks[0].ssrc == t.ssrc);
    const auto ahead = static_cast<uint16_t>(t.sequence - report.rtcp.blocks[0].highest_sequence);
    CHECK(ahead < 1000);
  }
}

// --- what the client is at ---

TEST_CASE("interleaved failover: a frame of 40 KB from the client reaches b") {
  Playing world;
  world.a().die(Death::kFin);
  world.await_takeovers(1);
  world.client().tcp().send(write_frame(9, Payload(40'000)));
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  CHECK(world.b().stray_frames() == 1);
  check_contract(world);
  world.check_resumed();
}

TEST_CASE("interleaved failover: paused, killed, played again") {
  WorldOptions options = inside();
  options.a.personality = GENERATE(gst(), live555());
  options.b.personality = GENERATE(gst(), live555());
  Playing world(options);
  REQUIRE(world.client().pause());
  world.run_for(300ms);
  const size_t before = world.client().tracks()[0].rtp.size();
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  world.await_takeovers(1);
  world.run_for(1s);
  CHECK(world.client().tracks()[0].rtp.size() == before);
  REQUIRE(world.client().play(""));
  CHECK(world.run_to_the_end());
  check_contract(world, {.bye_at_the_end = options.b.personality.says_bye, .timestamp_tolerance = 1});
  world.check_resumed();
}

TEST_CASE("interleaved failover: a to b to c") {
  WorldOptions options = inside();
  options.servers = 3;
  options.b.personality.first_channel = 40;
  const size_t offset = GENERATE(0, 3, 60);  // of a frame that each leaves half sent
  Playing world(options);
  const auto die = [&](RtspServer& server) {
    if (offset == 0) return server.die(Death::kFin);
    world.die_in_frame(server, 0, offset, [&server] { server.die(Death::kFin); });
  };
  die(world.a());
  world.await_takeovers(1);
  REQUIRE(world.client().await_packets(0, 2 * kSomePackets));
  die(world.b());
  world.await_takeovers(2);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("interleaved failover: one stream over UDP, one inside the connection") {
  WorldOptions options = inside();
  options.client.interleaved = GENERATE(std::vector{true, false}, std::vector{false, true});
  const Death how = GENERATE(Death::kFin, Death::kReset);
  Playing world(options);
  world.a().die(how);
  CHECK(world.run_to_the_end());
  check_contract(world);
  world.check_resumed();
}

// Video in one session, sound in another.
TEST_CASE("interleaved failover: two sessions on one connection") {
  SwitchedWorld world(inside());
  RtspClient& client = world.client();
  REQUIRE((client.connect() && client.describe() && client.setup(0)));
  const std::string video = client.session_id();
  client.use_session("");
  REQUIRE(client.setup(1));
  const std::string sound = client.session_id();
  REQUIRE(video != sound);
  for (const std::string& id : {video, sound}) {
    client.use_session(id);
    REQUIRE(client.play());
  }
  REQUIRE(client.await_packets(0, kSomePackets));
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  CHECK(world.run_to_the_end());
  CHECK(world.b().sessions().size() == 2);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_old_server_fenced(world, {}) == Findings{});
  CHECK(client.oddities() == Findings{});
  for (size_t i = 0; i < 2; ++i) {
    const Track& track = world.a().movie().tracks[i];
    std::vector<RtpPacket> packets;
    for (const ReceivedRtp& r : client.tracks()[i].rtp)
      if (!is_parameter_set(r.packet.payload)) packets.push_back(r.packet);
    REQUIRE(packets.size() == track.units.size());
    for (size_t k = 0; k < packets.size(); ++k) {
      REQUIRE(packets[k].payload == track.units[k].payload);
      REQUIRE(packets[k].ssrc == packets[0].ssrc);
      REQUIRE(packets[k].sequence == static_cast<uint16_t>(packets[0].sequence + k));
      REQUIRE(packets[k].timestamp - packets[0].timestamp ==
              track.ticks(track.units[k].pts) - track.ticks(track.units[0].pts));
    }
  }
}

TEST_CASE("interleaved failover: any moment, any cutting, any half frame") {
  const uint32_t seed = GENERATE(from_range(seeds(40)));
  INFO("seed " << seed);
  WorldOptions options = inside();
  options.seed = seed;
  options.client.cut_requests = true;
  options.client.reports_around_requests = seed % 2 == 0;
  options.client.tcp.delayed_ack = seed % 2 == 0 ? 40ms : 0ms;
  options.movie.b_frames = seed % 3;
  options.movie.most_packets = 2 + seed % 7;
  options.client_link.jitter = options.server_link.jitter = 300us;
  options.a.personality.frame_writes = options.b.personality.frame_writes =
      static_cast<Personality::FrameWrites>(seed % 3);
  options.a.tcp.joins_writes = options.b.tcp.joins_writes = seed % 5 == 0;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(std::chrono::microseconds(world.random.between(20'000, 5'000'000)));
  const uint32_t before = world.client().request("GET_PARAMETER");
  world.run_for(std::chrono::microseconds(world.random.between(0, 1000)));
  world.a().cut_next_frame(seed % 2, world.random.between(1, 1400),
                           [&] { world.a().die(seed % 4 < 2 ? Death::kReset : Death::kFin); });
  CHECK(world.client().await(before));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
