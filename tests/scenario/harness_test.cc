// The harness against itself: client and servers over a plain bridge, no switch between them. What a
// plain wire carries must satisfy the contract, and what breaks it must be noticed.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"

namespace midstream::scenario {
namespace {

struct Bridged : World {
  explicit Bridged(const WorldOptions& options = {}) : World(options) { bridge(clients, servers); }
};

TEST_CASE("a movie over a plain wire satisfies the contract") {
  WorldOptions options;
  options.movie.b_frames = GENERATE(0u, 2u);
  options.seed = GENERATE(1u, 2u, 3u);
  Bridged world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("numbers that wrap in the middle satisfy the contract") {
  WorldOptions options;
  options.client.tcp.initial_sequence = 0xffffff80;
  options.client.tcp.initial_timestamp = 0xfffffff0;
  options.a.tcp.initial_sequence = GENERATE(0xfffffff0, 0xffffffff);
  options.a.first_sequence = {65500, 65530};
  options.a.base_timestamp = {0xffff0000, 0xffffff00};
  Bridged world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("requests survive loss, reordering and cutting") {
  WorldOptions options;
  options.seed = GENERATE(range(1u, 20u));
  options.client.cut_requests = true;
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  options.client.tcp.recut_retransmissions = true;
  options.client_link = {.loss = 0.05, .duplication = 0.02, .reorder = 0.05};
  options.movie.duration = 3s;
  Bridged world(options);
  REQUIRE(world.client().connect());
  REQUIRE(world.client().describe());
  REQUIRE(world.client().setup_all());
  REQUIRE(world.client().play());
  world.run_for(1s);
  for (uint32_t cseq : world.client().pipeline({"GET_PARAMETER", "OPTIONS", "GET_PARAMETER"}))
    CHECK(world.client().await(cseq));
  world.run_for(2s);
  const Expectation lossy{.played_to_the_end = false, .media_may_be_lost = true};
  CHECK(check_connection(world, lossy) == Findings{});
  CHECK(check_responses(world, lossy) == Findings{});
}

TEST_CASE("a server whose process dies closes its connection and its ports") {
  Bridged world;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  world.a().die(how);
  world.run_for(2s);  // a receiver report meets the closed port
  const TcpEvent end = how == Death::kFin ? TcpEvent::kPeerClosed : TcpEvent::kReset;
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kConnected, end});
  CHECK(!world.client_host().icmp_errors().empty());
  CHECK(check_connection(world, {}) != Findings{});
  CHECK(check_old_server_fenced(world, {}) != Findings{});
  CHECK(check_media(world, {}) != Findings{});
}

TEST_CASE("a server that is cut off falls silent, and nothing ends") {
  Bridged world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  world.a().host().cut_off();
  world.run_for(1ms);  // what is already on its way
  const size_t before = world.client().tracks()[0].rtp.size();
  world.run_for(2s);
  CHECK(world.client().tracks()[0].rtp.size() == before);
  CHECK(world.client().tcp().established());
  world.a().host().reconnect();
  world.run_for(1s);
  CHECK(world.client().tracks()[0].rtp.size() > before);
  CHECK(check_rtp(world, {}) != Findings{});  // there is a hole
}

TEST_CASE("a frozen server answers when it is thawed") {
  Bridged world;
  REQUIRE(world.client().begin());
  world.a().freeze();
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(1s);
  CHECK(world.client().answer(cseq) == nullptr);
  CHECK(world.client().tcp().all_acknowledged());  // the kernel lives
  world.a().thaw();
  CHECK(world.client().await(cseq));
  REQUIRE(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("an accurate seek bursts from the key frame, clamped to the position") {
  Bridged world;
  RtspClient& client = world.client();
  REQUIRE((client.connect() && client.describe() && client.setup_all()));
  REQUIRE(client.await(client.request("PLAY", "Range: npt=2.48-\r\nSeek-Style: RAP\r\n")));
  REQUIRE(client.await_packets(0, 60));
  const SenderTrack& track = world.a().sessions()[0].sender->tracks()[0];
  const auto& rtp = client.tracks()[0].rtp;
  CHECK(is_parameter_set(rtp[0].packet.payload));
  CHECK(rtp[0].packet.timestamp == track.base_timestamp + 223200);
  CHECK(rtp[9].packet.timestamp == rtp[0].packet.timestamp);
  CHECK(to_ms(rtp[19].time - rtp[0].time) < 2);
  CHECK(rtp[59].packet.timestamp > rtp[0].packet.timestamp);
}

TEST_CASE("without Seek-Style the server starts at the key frame and says so") {
  Bridged world;
  RtspClient& client = world.client();
  REQUIRE((client.connect() && client.describe() && client.setup_all()));
  const uint32_t cseq = client.request("PLAY", "Range: npt=2.48-\r\n");
  REQUIRE(client.await(cseq));
  CHECK(client.answer(cseq)->header("Range") == "npt=2-8");
  REQUIRE(client.await_packets(0, 20));
  CHECK(to_ms(client.tracks()[0].rtp[19].time - client.tracks()[0].rtp[0].time) > 100);
}

TEST_CASE("PAUSE and PLAY without Range go on without a gap") {
  Bridged world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 80));
  REQUIRE(world.client().await(world.client().request("PAUSE")));
  world.run_for(3s);
  REQUIRE(world.client().play(""));
  REQUIRE(world.run_to_the_end());
  CHECK(check_media(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
}

TEST_CASE("what breaks the contract is found") {
  Bridged world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  SECTION("media from another server's session") {
    const RtpPacket foreign{96, false, 7, 7, 7, {1, 2, 3}};
    world.b().host().send_udp(6970, {kClientAddress, 50000}, write_rtp(foreign));
    world.run_for(10ms);
    CHECK(check_rtp(world, {}) != Findings{});
    CHECK(check_media(world, {}) != Findings{});
    CHECK(check_old_server_fenced(world, {}) != Findings{});
  }
  SECTION("a packet that comes twice") {
    const RtpPacket again = world.client().tracks()[0].rtp[10].packet;
    world.a().host().send_udp(6970, {kClientAddress, 50000}, write_rtp(again));
    world.run_for(10ms);
    CHECK(check_media(world, {}) != Findings{});
  }
  SECTION("a report off the line") {
    world.run_for(1s);
    Rtcp report = world.client().tracks()[1].rtcp.back().rtcp;
    report.sender->ntp += 1ull << 24;  // 4 ms
    world.a().host().send_udp(6973, {kClientAddress, 50003}, write_rtcp(report));
    world.run_for(10ms);
    CHECK(check_reports(world, {.played_to_the_end = false}) != Findings{});
  }
  SECTION("an RST somewhere in the window") {
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
    world.run_for(10ms);
    CHECK(world.client().tcp().established());
    CHECK(check_connection(world, {}) != Findings{});
  }
}

}  // namespace
}  // namespace midstream::scenario
