#include <catch2/catch.hpp>
#include <vector>

#include "lib/rtp/continuity.h"

namespace midstream::rtp {
namespace {

constexpr uint32_t kRate = 90000;
constexpr uint32_t kSsrcA = 0xAAAAAAAA, kSsrcB = 0xBBBBBBBB;

using Packet = std::vector<uint8_t>;

Packet operator+(Packet a, const Packet& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// NTP 1000.5 s is RTP 90000; 3 packets with 300 bytes were sent.
const Packet kReportA = {
    0x80, 200,  0x00, 0x06,  // SR without blocks
    0xAA, 0xAA, 0xAA, 0xAA,  // sender
    0x00, 0x00, 0x03, 0xE8,  // NTP seconds 1000
    0x80, 0x00, 0x00, 0x00,  // and a half
    0x00, 0x01, 0x5F, 0x90,  // RTP 90000
    0x00, 0x00, 0x00, 0x03,  // packets
    0x00, 0x00, 0x01, 0x2C,  // octets
};
const Packet kDescriptionA = {
    0x81, 202,  0x00, 0x03,  // SDES, one chunk
    0xAA, 0xAA, 0xAA, 0xAA,  // its SSRC
    0x01, 0x05, 'a',  '@',   // CNAME of five bytes
    'o',  'n',  'e',  0x00,  // and the end
};
// NTP 5000.25 s is RTP 7000, to the client 270000: two seconds after A's report.
const Packet kReportB = {
    0x81, 200,  0x00, 0x0C,  // SR with one block
    0xBB, 0xBB, 0xBB, 0xBB,  // sender
    0x00, 0x00, 0x13, 0x88,  // NTP seconds 5000
    0x40, 0x00, 0x00, 0x00,  // and a quarter
    0x00, 0x00, 0x1B, 0x58,  // RTP 7000
    0x00, 0x00, 0x00, 0x63,  // packets, those before the cut included
    0x00, 0x00, 0x03, 0xE7,  // octets
    0xBB, 0xBB, 0xBB, 0xBC,  // block about FFmpeg, which calls itself the server's SSRC + 1
    0x01, 0x02, 0x03, 0x04,  //
    0x05, 0x06, 0x07, 0x08,  //
    0x09, 0x0A, 0x0B, 0x0C,  //
    0x0D, 0x0E, 0x0F, 0x10,  //
    0x11, 0x12, 0x13, 0x14,  //
};
const Packet kReportBTranslated = {
    0x81, 200,  0x00, 0x0C,  //
    0xAA, 0xAA, 0xAA, 0xAA,  // A's
    0x00, 0x00, 0x03, 0xEA,  // 1002
    0x80, 0x00, 0x00, 0x00,  // and a half
    0x00, 0x04, 0x1E, 0xB0,  // RTP 270000
    0x00, 0x00, 0x00, 0x05,  // three of A's, two of B's
    0x00, 0x00, 0x01, 0xF4,  // 500
    0xAA, 0xAA, 0xAA, 0xAB,  // the client's own name
    0x01, 0x02, 0x03, 0x04,  //
    0x05, 0x06, 0x07, 0x08,  //
    0x09, 0x0A, 0x0B, 0x0C,  //
    0x0D, 0x0E, 0x0F, 0x10,  //
    0x11, 0x12, 0x13, 0x14,  //
};
const Packet kDescriptionB = {
    0x82, 202,  0x00, 0x08,  // SDES, two chunks
    0xBB, 0xBB, 0xBB, 0xBB,  // the server
    0x06, 0x03, 'g',  's',   // TOOL, before
    't',  0x01, 0x02, 'b',   // the CNAME
    'b',  0x08, 0x01, 'p',   // and PRIV behind
    0x00, 0x00, 0x00, 0x00,  // end and padding
    0x12, 0x34, 0x56, 0x78,  // somebody else
    0x01, 0x02, 'c',  'c',   // CNAME
    0x00, 0x00, 0x00, 0x00,  // end and padding
};
const Packet kDescriptionBTranslated = {
    0x82, 202,  0x00, 0x08,  //
    0xAA, 0xAA, 0xAA, 0xAA,  // A's
    0x06, 0x03, 'g',  's',   // TOOL as it was
    't',  0x01, 0x05, 'a',   // A's CNAME, longer
    '@',  'o',  'n',  'e',   //
    0x08, 0x01, 'p',  0x00,  // PRIV as it was, end
    0x12, 0x34, 0x56, 0x78,  // somebody else keeps
    0x01, 0x02, 'c',  'c',   // the name
    0x00, 0x00, 0x00, 0x00,  //
};

struct Session {
  Continuity stream;
  SessionClock clock;

  Session() { forward(kSsrcA, 3); }
  void forward(uint32_t ssrc, int packets) {
    for (int i = 0; i < packets; ++i) stream.on_forwarded({.payload_type = 96, .ssrc = ssrc}, 100);
  }
  void fail_over() {
    stream.switch_server({CutMethod::kContent, 10, 263000}, kSsrcB, uint8_t{96});
    clock.switch_server();
    forward(kSsrcA, 2);
  }
  Packet to_client(const Packet& packet, uint32_t rate = kRate) {
    Packet out(packet.size() + kRtcpGrowth);
    out.resize(stream.rtcp_to_client(packet, out, clock, rate));
    return out;
  }
};

TEST_CASE("rtcp to client: before a failover all passes unchanged, and is learned from") {
  Session session;
  CHECK(session.to_client(kReportA + kDescriptionA) == kReportA + kDescriptionA);
  CHECK(session.clock.client_cname.view() == "a@one");
  CHECK(session.clock.line_known);
}

TEST_CASE("rtcp to client: B's report lies on A's line, with A's name and counts") {
  Session session;
  session.to_client(kReportA + kDescriptionA);
  session.fail_over();
  CHECK(session.to_client(kReportB + kDescriptionB) == kReportBTranslated + kDescriptionBTranslated);
}

TEST_CASE("rtcp to client: the line holds through a chain of failovers") {
  Session session;
  session.to_client(kReportA + kDescriptionA);
  session.fail_over();
  session.to_client(kReportB);
  session.fail_over();
  Packet report = kReportB;
  report[11] = 0x89;       // NTP 5001.25 for the same RTP timestamp: another clock
  report[19] = 0x58 + 90;  // one millisecond later, 90 ticks
  const Packet out = session.to_client(report);
  REQUIRE(out.size() == report.size());
  const uint64_t on_line = (uint64_t{1002} << 32 | 0x80000000) + (uint64_t{90} << 32) / kRate;
  CHECK(load_be64(&out[8]) == on_line);
}

TEST_CASE("rtcp to client: what A counted and we did not see pass stays counted") {
  Session session;
  Packet report = kReportA;
  report[23] = 13;  // ten more than were seen
  session.to_client(report);
  session.fail_over();
  CHECK(load_be32(&session.to_client(kReportB)[20]) == 15);
}

TEST_CASE("rtcp to client: a timestamp that wraps is a step, not a leap") {
  Session session;
  Packet report = kReportA;
  report[16] = report[17] = report[18] = report[19] = 0xFF;  // RTP 2^32 - 1
  session.to_client(report);
  session.fail_over();
  Packet next = kReportB;
  store_be32(&next[16], 45000 - 1 - 263000);  // half a second later
  CHECK(load_be64(&session.to_client(next)[8]) == uint64_t{1001} << 32);
}

TEST_CASE("rtcp to client: if A died before its first report, B's line and name stand") {
  Session session;
  session.fail_over();
  const Packet out = session.to_client(kReportB + kDescriptionB);
  CHECK(load_be64(&out[8]) == load_be64(&kReportB[8]));
  CHECK(load_be32(&out[16]) == 270000);
  CHECK(session.clock.client_cname.view() == "bb");

  SECTION("and they stay through the next failover") {
    session.fail_over();
    Packet report = kReportB;
    report[11] += 50;  // the third server's clock is 50 s ahead
    CHECK(load_be64(&session.to_client(report)[8]) == load_be64(&kReportB[8]));
  }
}

TEST_CASE("rtcp to client: one shift for all streams of a session") {
  Session audio, video;  // audio holds the session's clock; A reported for video only
  Packet out(kReportA.size());
  CHECK(video.stream.rtcp_to_client(kReportA, out, audio.clock, kRate) == kReportA.size());
  audio.fail_over();
  video.fail_over();

  // Audio cannot know the shift: its report waits for video's.
  CHECK(audio.to_client(kReportB).empty());
  out.resize(kReportB.size());
  REQUIRE(video.stream.rtcp_to_client(kReportB, out, audio.clock, kRate) == kReportB.size());
  CHECK(out == kReportBTranslated);
  Packet of_audio = kReportB;
  of_audio[11] += 1;
  CHECK(load_be32(&audio.to_client(of_audio)[8]) == 1003);
}

TEST_CASE("rtcp to client: the end is told while the clock cannot be") {
  Session audio, video;
  Packet out(kReportA.size());
  video.stream.rtcp_to_client(kReportA, out, audio.clock, kRate);
  audio.fail_over();
  const Packet goodbye = {0x81, 203, 0x00, 0x01, 0xBB, 0xBB, 0xBB, 0xBB};
  Packet expected = {0x81, 201, 0x00, 0x07, 0xAA, 0xAA, 0xAA, 0xAA};
  expected.insert(expected.end(), kReportBTranslated.begin() + 28, kReportBTranslated.end());
  CHECK(audio.to_client(kReportB + goodbye) ==
        expected + Packet{0x81, 203, 0x00, 0x01, 0xAA, 0xAA, 0xAA, 0xAA});
  CHECK(audio.to_client(kReportB).empty());
}

TEST_CASE("rtcp to client: a server without wall clock stays without") {
  Session session;
  session.to_client(kReportA);
  session.fail_over();
  Packet report = kReportB;
  store_be64(&report[8], 0);
  CHECK(load_be64(&session.to_client(report)[8]) == 0);
  CHECK(session.to_client(kReportB) == kReportBTranslated);
}

TEST_CASE("rtcp to client: BYE, APP, feedback and the unknown get A's SSRC") {
  Session session;
  session.fail_over();
  const Packet goodbye = {
      0x82, 203,  0x00, 0x03,  // BYE of two sources
      0xBB, 0xBB, 0xBB, 0xBB,  // the server
      0x12, 0x34, 0x56, 0x78,  // somebody else
      0x03, 'e',  'n',  'd',   // reason
  };
  const Packet application = {
      0x80, 204,  0x00, 0x02,  // APP
      0xBB, 0xBB, 0xBB, 0xBB,  // the server
      'n',  'a',  'm',  'e',   //
  };
  const Packet extended = {
      0x80, 207,  0x00, 0x01,  // XR
      0xBB, 0xBB, 0xBB, 0xBB,
  };
  Packet expected = goodbye + application + extended;
  for (const size_t at : {4u, 20u, 32u}) store_be32(&expected[at], kSsrcA);
  CHECK(session.to_client(goodbye + application + extended) == expected);
}

TEST_CASE("rtcp to client: a report of another SSRC is dropped") {
  Session session;
  session.fail_over();
  CHECK(session.to_client(kReportA).empty());
}

TEST_CASE("rtcp to client: B's SSRC is learned from a report that precedes its media") {
  Session session;
  session.stream.switch_server({CutMethod::kContent, 10, 263000}, std::nullopt, std::nullopt);
  CHECK(load_be32(&session.to_client(kReportB)[4]) == kSsrcA);
  CHECK(session.to_client(kReportA).empty());
}

TEST_CASE("rtcp to client: what is cut off is dropped, and so is what does not fit") {
  Session session;
  session.to_client(kReportA + kDescriptionA);
  session.fail_over();
  const Packet whole = kReportB + kDescriptionB;
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const Packet part(whole.begin(), whole.begin() + size);
    CHECK(session.to_client(part).size() == (size == kReportB.size() ? size : 0));
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    Packet out(size);
    CHECK(session.stream.rtcp_to_client(whole, out, session.clock, kRate) == 0);
  }
  Packet runaway = kDescriptionB;
  runaway[9] = 200;  // the item ends beyond the packet
  CHECK(session.to_client(runaway).empty());
}

TEST_CASE("rtcp to client: a description's padding goes, its length fits") {
  Session session;
  session.to_client(kDescriptionA);
  session.fail_over();
  const Packet padded = {
      0xA1, 202,  0x00, 0x03,  // SDES, one chunk, padding
      0xBB, 0xBB, 0xBB, 0xBB,  // the server
      0x01, 0x01, 'b',  0x00,  // CNAME, end
      0x00, 0x00, 0x00, 0x04,  // four bytes of padding
  };
  CHECK(session.to_client(padded) == kDescriptionA);
}

}  // namespace
}  // namespace midstream::rtp
