#include "lib/rtp/rtcp.h"

#include <catch2/catch.hpp>
#include <vector>

namespace midstream::rtp {
namespace {

using Packet = std::vector<uint8_t>;

const Packet kReport = {
    0x80, 201,  0x00, 0x01,  // RR without blocks
    0x11, 0x22, 0x33, 0x44,  // sender
};
const Packet kDescription = {
    0x81, 202,  0x00, 0x02,  // SDES, one chunk
    0x11, 0x22, 0x33, 0x44,  // its SSRC
    0x01, 0x01, 'x',  0x00,  // CNAME "x", end
};
const Packet kBye = {
    0x81, 203,  0x00, 0x01,  // BYE of one source
    0x11, 0x22, 0x33, 0x44,
};

Packet operator+(Packet a, const Packet& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Packet stripped(const Packet& packet) {
  Packet out(packet.size());
  out.resize(without_bye(packet, out));
  return out;
}

TEST_CASE("rtcp: a compound packet is summed up") {
  const auto summary = summarize_rtcp(kReport + kDescription + kBye);
  CHECK(summary.valid);
  CHECK(summary.has_bye);
  CHECK_FALSE(summary.sender_time);
  CHECK(summary.sender_ssrc == 0x11223344);
  CHECK_FALSE(summarize_rtcp(kReport + kDescription).has_bye);
}

TEST_CASE("rtcp: a sender report says one instant on both its clocks") {
  Packet report{0x80, 200, 0, 6};  // RFC 3550 6.4.1
  for (uint8_t n = 1; n <= 24; ++n) report.push_back(n);
  const auto summary = summarize_rtcp(report + kDescription);
  REQUIRE(summary.sender_time);
  CHECK(summary.sender_time->ntp == 0x05060708'090a0b0c);
  CHECK(summary.sender_time->timestamp == RtpTimestamp(0x0d0e0f10));
}

TEST_CASE("rtcp: a prefix is valid only where a packet ends") {
  const Packet whole = kReport + kDescription + kBye;
  for (size_t size = 0; size <= whole.size(); ++size) {
    INFO(size);
    const bool at_border = size == 8 || size == 20 || size == 28;
    CHECK(summarize_rtcp(Packet(whole.begin(), whole.begin() + size)).valid == at_border);
  }
}

TEST_CASE("rtcp: counts must fit, versions and types be RTCP's") {
  struct Row {
    const char* what;
    size_t at;
    uint8_t value;
  };
  for (const Row& row : {Row{"version 1", 0, 0x40}, Row{"RTP's type", 1, 96},
                         Row{"a block more", 0, 0x81}, Row{"as sender report", 1, 200},
                         Row{"as feedback", 1, 205}, Row{"longer", 3, 2}, Row{"shorter", 3, 0}}) {
    INFO(row.what);
    Packet packet = kReport;
    packet[row.at] = row.value;
    CHECK_FALSE(summarize_rtcp(packet).valid);
  }
  Packet goodbye_of_two = kBye;
  goodbye_of_two[0] = 0x82;
  CHECK_FALSE(summarize_rtcp(goodbye_of_two).valid);
}

TEST_CASE("rtcp: padding is not part of the body") {
  const Packet padded = {
      0xA0, 201,  0x00, 0x02,  // RR without blocks, padding
      0x11, 0x22, 0x33, 0x44,  // sender
      0x00, 0x00, 0x00, 0x04,  // four bytes of padding
  };
  RtcpReader reader(padded);
  const auto packet = reader.next();
  REQUIRE(packet);
  CHECK(packet->body.size() == 4);
  CHECK(packet->bytes.size() == 12);

  for (const uint8_t padding : {uint8_t{0}, uint8_t{9}}) {
    Packet bad = padded;
    bad.back() = padding;
    CHECK_FALSE(summarize_rtcp(bad).valid);
  }
}

TEST_CASE("rtcp: a BYE is taken out, the rest stays") {
  CHECK(stripped(kReport + kDescription + kBye) == kReport + kDescription);
  CHECK(stripped(kReport + kBye + kDescription) == kReport + kDescription);
  CHECK(stripped(kReport) == kReport);
  CHECK(stripped(kBye).empty());
  CHECK(stripped(kReport + Packet{0x80}).empty());

  Packet too_small(kReport.size() - 1);
  CHECK(without_bye(kReport, too_small) == 0);
}

TEST_CASE("rtcp: a BYE of our own") {
  Packet out(64);
  const auto written = [&](std::string_view cname) {
    return Packet(out.begin(), out.begin() + write_bye(out, 0x11223344, cname));
  };
  CHECK(written("x") == kReport + kDescription + kBye);
  CHECK(written("") == kReport + kBye);
  for (const std::string_view cname : {"ab", "abc", "user@host"}) {
    const auto summary = summarize_rtcp(written(cname));
    CHECK(summary.valid);
    CHECK(summary.has_bye);
  }
  Packet small(27);
  CHECK(write_bye(small, 0x11223344, "x") == 0);
}

}  // namespace
}  // namespace midstream::rtp
