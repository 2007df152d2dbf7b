#include <catch2/catch.hpp>
#include <vector>

#include "lib/rtp/continuity.h"

namespace midstream::rtp {
namespace {

constexpr uint32_t kRate = 90000;
constexpr uint32_t kSsrcA = 0xAAAAAAAA, kSsrcB = 0xBBBBBBBB;

using Packet = std::vector<uint8_t>;

// A receiver report of FFmpeg, which takes the server's SSRC plus one for itself.
struct Block {
  uint32_t ssrc = kSsrcA;
  uint32_t lost = 0;  // fraction and 24 bits
  uint32_t highest = 0, jitter = 7, last_report = 0, delay = 0;
};
Packet report(uint32_t sender, const Block& block) {
  Packet packet = {0x81, 201, 0x00, 0x07};  // RR with one block
  packet.resize(32);
  store_be32(&packet[4], sender);
  store_be32(&packet[8], block.ssrc);
  store_be32(&packet[12], block.lost);
  store_be32(&packet[16], block.highest);
  store_be32(&packet[20], block.jitter);
  store_be32(&packet[24], block.last_report);
  store_be32(&packet[28], block.delay);
  return packet;
}

struct Session {
  Continuity stream;
  SessionClock clock;

  Session() { stream.on_forwarded({.payload_type = 96, .ssrc = kSsrcA}, 100); }

  Packet to_server(const Packet& packet) {
    Packet out(packet.size());
    out.resize(stream.rtcp_to_server(packet, out));
    return out;
  }
  void send_b(uint16_t sequence) {
    Packet packet = {0x80, 96, 0, 0, 0, 0, 0, 0, 0xBB, 0xBB, 0xBB, 0xBB};
    store_be16(&packet[2], sequence);
    auto header = parse_header(packet);
    REQUIRE(stream.to_client(packet, *header));
    stream.on_forwarded(*header, 0);
  }
  // B's 65000 becomes the client's 10.
  void fail_over() {
    stream.switch_server({CutMethod::kContent, static_cast<uint16_t>(10 - 65000), 500}, kSsrcB,
                         std::nullopt);
    clock.switch_server();
  }
};

TEST_CASE("rtcp to server: before a failover all passes unchanged") {
  Session session;
  const Packet packet = report(kSsrcA + 1, {.lost = 0x10000005, .highest = 9, .last_report = 5});
  CHECK(session.to_server(packet) == packet);
}

TEST_CASE("rtcp to server: the highest sequence number is B's, with B's wraps") {
  Session session;
  session.fail_over();
  for (uint32_t sequence = 65000; sequence <= 65600; sequence += 100) {
    session.send_b(static_cast<uint16_t>(sequence));
  }
  session.send_b(65500);  // a late one
  struct Row {
    const char* what;
    uint32_t client, server;
  };
  for (const Row& row : {
           Row{"all received", 610, 65600},
           Row{"the last are under way", 400, 65390},
           Row{"before B's wrap", 110, 65100},
           Row{"the client counts a wrap that we did not see", 0x00070000 + 610, 65600},
           Row{"the report is of A's time", 5, 65000},
           Row{"the report is of A's time, before A's wrap", 65530, 65000},
       }) {
    INFO(row.what);
    const Packet out = session.to_server(report(kSsrcA + 1, {.highest = row.client}));
    CHECK(out == report(kSsrcB + 1, {.ssrc = kSsrcB, .highest = row.server}));
  }
}

TEST_CASE("rtcp to server: B is told of B's losses only") {
  Session session;
  session.to_server(report(1, {.lost = 0x20000064, .highest = 5}));  // 100 of A's
  session.fail_over();
  session.send_b(65000);
  session.send_b(65100);
  const auto lost = [&](uint32_t told, uint32_t highest = 110) {
    const Packet out = session.to_server(report(1, {.lost = told, .highest = highest}));
    CHECK(out[12] == told >> 24);  // the fraction is as it was
    return load_be32(&out[12]) & 0xFFFFFF;
  };
  CHECK(lost(0x20000064) == 0);
  CHECK(lost(0x30000067) == 3);
  CHECK(lost(0x00000062) == 0xFFFFFE);  // duplicates: minus two
  CHECK(lost(0x00800000) == 0x800000);  // stays within 24 bits
  SECTION("a loss of A's that is reported late is none of B's") {
    CHECK(lost(0x0000006E, 9) == 0);
    CHECK(lost(0x0000006F, 110) == 1);
  }
  SECTION("the next server starts at nothing again") {
    lost(0x00000070);
    session.fail_over();
    session.send_b(65000);
    CHECK(lost(0x00000071, 10) == 1);
  }
}

TEST_CASE("rtcp to server: who the client is, it stays, but for FFmpeg") {
  Session session;
  session.fail_over();
  session.send_b(65000);
  CHECK(session.to_server(report(0x1234, {.highest = 10})) ==
        report(0x1234, {.ssrc = kSsrcB, .highest = 65000}));
  // A block about somebody else is left alone.
  const Packet foreign = report(0x1234, {.ssrc = 0x5678, .lost = 5, .highest = 10, .last_report = 9});
  CHECK(session.to_server(foreign) == foreign);
}

TEST_CASE("rtcp to server: a round trip is for the server that sent the report") {
  Session session;
  Packet sender_report = {
      0x80, 200,  0x00, 0x06,  // SR without blocks
      0xAA, 0xAA, 0xAA, 0xAA,  // sender
      0x00, 0x00, 0x11, 0x11,  // NTP seconds
      0x22, 0x22, 0x00, 0x00,  // and fraction
      0x00, 0x00, 0x00, 0x00,  // RTP
      0x00, 0x00, 0x00, 0x01,  // packets
      0x00, 0x00, 0x00, 0x64,  // octets
  };
  Packet out(sender_report.size());
  REQUIRE(session.stream.rtcp_to_client(sender_report, out, session.clock, kRate) == out.size());
  session.fail_over();
  session.send_b(65000);

  const auto times = [&](uint32_t last_report) {
    const Packet sent =
        session.to_server(report(1, {.highest = 10, .last_report = last_report, .delay = 0x4000}));
    return std::pair(load_be32(&sent[24]), load_be32(&sent[28]));
  };
  CHECK(times(0x11112222) == std::pair(0u, 0u));  // A's report
  CHECK(times(0) == std::pair(0u, 0u));

  // B's reports: the client gets them shifted, B hears of its own times.
  for (uint32_t i = 1; i <= 5; ++i) {
    store_be32(&sender_report[4], kSsrcB);
    store_be64(&sender_report[8], uint64_t{0x9000 + i} << 32);
    REQUIRE(session.stream.rtcp_to_client(sender_report, out, session.clock, kRate) == out.size());
    const uint32_t as_client_knows = load_be32(&out[10]);
    REQUIRE(as_client_knows != (0x9000 + i) << 16);
    CHECK(times(as_client_knows) == std::pair((0x9000 + i) << 16, 0x4000u));
  }
  session.fail_over();
  session.send_b(65000);
  CHECK(times(load_be32(&out[10])) == std::pair(0u, 0u));
}

TEST_CASE("rtcp to server: feedback names B's source and packets") {
  Session session;
  session.fail_over();
  session.send_b(65000);
  struct Row {
    const char* what;
    Packet from_client, to_server;
  };
  for (const Row& row : {
           Row{"NACK over B's wrap",
               {0x81, 205,  0x00, 0x04,    // generic NACK
                0x00, 0x00, 0x12, 0x34,    // sender
                0xAA, 0xAA, 0xAA, 0xAA,    // media
                0x00, 0x0B, 0x80, 0x01,    // PID 11, BLP
                0x02, 0x24, 0x00, 0x00},   // PID 548
               {0x81, 205,  0x00, 0x04,    //
                0x00, 0x00, 0x12, 0x34,    //
                0xBB, 0xBB, 0xBB, 0xBB,    // B's
                0xFD, 0xE9, 0x80, 0x01,    // 65001, BLP as it was
                0x00, 0x02, 0x00, 0x00}},  // 2
           Row{"PLI of FFmpeg",
               {0x81, 206, 0x00, 0x02,     // PLI
                0xAA, 0xAA, 0xAA, 0xAB,    // sender: A's SSRC + 1
                0xAA, 0xAA, 0xAA, 0xAA},   // media
               {0x81, 206, 0x00, 0x02,     //
                0xBB, 0xBB, 0xBB, 0xBC,    //
                0xBB, 0xBB, 0xBB, 0xBB}},  //
           Row{"FIR",
               {0x84, 206,  0x00, 0x06,    // FIR
                0x00, 0x00, 0x12, 0x34,    // sender
                0x00, 0x00, 0x00, 0x00,    // media: none
                0xAA, 0xAA, 0xAA, 0xAA,    // entry: A's
                0x05, 0x00, 0x00, 0x00,    // its number
                0x56, 0x78, 0x56, 0x78,    // entry: somebody else's
                0x06, 0x00, 0x00, 0x00},   //
               {0x84, 206,  0x00, 0x06,    //
                0x00, 0x00, 0x12, 0x34,    //
                0x00, 0x00, 0x00, 0x00,    //
                0xBB, 0xBB, 0xBB, 0xBB,    // B's
                0x05, 0x00, 0x00, 0x00,    //
                0x56, 0x78, 0x56, 0x78,    //
                0x06, 0x00, 0x00, 0x00}},  //
           Row{"TMMBR",
               {0x83, 205,  0x00, 0x04,    //
                0x00, 0x00, 0x12, 0x34,    //
                0x00, 0x00, 0x00, 0x00,    //
                0xAA, 0xAA, 0xAA, 0xAA,    // entry
                0x00, 0x0B, 0x00, 0x0C},   // bit rate
               {0x83, 205,  0x00, 0x04,    //
                0x00, 0x00, 0x12, 0x34,    //
                0x00, 0x00, 0x00, 0x00,    //
                0xBB, 0xBB, 0xBB, 0xBB,    //
                0x00, 0x0B, 0x00, 0x0C}},  //
           Row{"SDES and BYE of FFmpeg",
               {0x81, 202,  0x00, 0x02,    // SDES
                0xAA, 0xAA, 0xAA, 0xAB,    // A's SSRC + 1
                0x01, 0x01, 'f',  0x00,    // CNAME
                0x81, 203,  0x00, 0x01,    // BYE
                0xAA, 0xAA, 0xAA, 0xAB},   //
               {0x81, 202,  0x00, 0x02,    //
                0xBB, 0xBB, 0xBB, 0xBC,    //
                0x01, 0x01, 'f',  0x00,    //
                0x81, 203,  0x00, 0x01,    //
                0xBB, 0xBB, 0xBB, 0xBC}},  //
       }) {
    INFO(row.what);
    CHECK(session.to_server(row.from_client) == row.to_server);
    for (size_t size = 0; size < row.from_client.size(); ++size) {
      const Packet prefix(row.from_client.begin(), row.from_client.begin() + size);
      const bool whole = summarize_rtcp(prefix).valid;  // the compound's first packet alone
      CHECK(session.to_server(prefix).size() == (whole ? size : 0));
    }
  }
}

TEST_CASE("rtcp to server: nothing is reported on a server not yet heard of") {
  Session session;
  session.stream.switch_server({CutMethod::kContent, 0, 0}, std::nullopt, std::nullopt);
  CHECK(session.to_server(report(1, {})).empty());
}

}  // namespace
}  // namespace midstream::rtp
