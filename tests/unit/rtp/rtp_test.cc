#include "lib/rtp/rtp.h"

#include <catch2/catch.hpp>
#include <vector>

namespace midstream::rtp {
namespace {

using Packet = std::vector<uint8_t>;

const Packet kPlain = {
    0x80,                    // version 2, no padding, no extension, no CSRC
    0xE0,                    // marker, payload type 96
    0xFF, 0xFE,              // sequence number 65534
    0x00, 0x01, 0x5F, 0x90,  // timestamp 90000
    0xDE, 0xAD, 0xBE, 0xEF,  // SSRC
    'p',  'a',  'y',
};

const Packet kEverything = {
    0xB2,                    // version 2, padding, extension, two CSRCs
    0x21,                    // no marker, payload type 33
    0x00, 0x07,              // sequence number 7
    0xFF, 0xFF, 0xFF, 0xFF,  // timestamp
    0x00, 0x00, 0x00, 0x01,  // SSRC
    0x00, 0x00, 0x00, 0x02,  // CSRC
    0x00, 0x00, 0x00, 0x03,  // CSRC
    0xBE, 0xDE, 0x00, 0x01,  // extension of one word
    0x10, 0x20, 0x30, 0x40,  // its word
    'a',  'b',               // payload
    0x00, 0x00, 0x03,        // three bytes of padding
};

TEST_CASE("rtp: a header is read") {
  const auto header = parse_header(kPlain);
  REQUIRE(header);
  CHECK(header->marker);
  CHECK(header->payload_type == 96);
  CHECK(header->sequence_number == RtpSequence(65534));
  CHECK(header->timestamp == RtpTimestamp(90000));
  CHECK(header->ssrc == 0xDEADBEEF);
  CHECK(header->payload_offset == 12);
  CHECK(header->payload_bytes == 3);
}

TEST_CASE("rtp: CSRCs, extension and padding are not payload") {
  const auto header = parse_header(kEverything);
  REQUIRE(header);
  CHECK_FALSE(header->marker);
  CHECK(header->payload_type == 33);
  CHECK(header->payload_offset == 28);
  CHECK(header->payload_bytes == 2);
}

TEST_CASE("rtp: a prefix that cuts the header off is refused") {
  for (size_t size = 0; size < 28; ++size) {
    INFO(size);
    CHECK_FALSE(parse_header(Packet(kEverything.begin(), kEverything.begin() + size)));
  }
  for (size_t size = 0; size < 12; ++size) {
    CHECK_FALSE(parse_header(Packet(kPlain.begin(), kPlain.begin() + size)));
  }
}

TEST_CASE("rtp: what is not RTP is refused") {
  const auto refused_with = [](size_t at, uint8_t value) {
    Packet packet = kEverything;
    packet[at] = value;
    return !parse_header(packet);
  };
  CHECK(refused_with(0, 0x72));  // version 1
  CHECK(refused_with(0, 0xBF));  // 15 CSRCs do not fit
  CHECK(refused_with(23, 9));    // an extension that does not fit
  CHECK(refused_with(32, 0));    // padding of nothing
  CHECK(refused_with(32, 6));    // padding over payload and more
  CHECK_FALSE(refused_with(32, 5));
  CHECK_FALSE(parse_header(Packet(70000, 0x80)));
}

TEST_CASE("rtp: a header is changed in place, marker and payload stay") {
  Packet packet = kPlain;
  write_header(packet, {97, RtpSequence(0x0102), RtpTimestamp(0x03040506), 0x0708090A});
  const Packet expected = {
      0x80,                    // as before
      0xE1,                    // marker as before, payload type 97
      0x01, 0x02,              // sequence number
      0x03, 0x04, 0x05, 0x06,  // timestamp
      0x07, 0x08, 0x09, 0x0A,  // SSRC
      'p',  'a',  'y',
  };
  CHECK(packet == expected);
}

TEST_CASE("rtp: RTCP is told from RTP on a shared port") {
  CHECK(looks_like_rtcp(Packet{0x80, 192}));
  CHECK(looks_like_rtcp(Packet{0x81, 200}));
  CHECK(looks_like_rtcp(Packet{0x80, 223}));
  CHECK_FALSE(looks_like_rtcp(Packet{0x80, 191}));
  CHECK_FALSE(looks_like_rtcp(Packet{0x80, 224}));
  CHECK_FALSE(looks_like_rtcp(Packet{0x40, 200}));
  CHECK_FALSE(looks_like_rtcp(Packet{0x80}));
  CHECK_FALSE(looks_like_rtcp(kPlain));
}

TEST_CASE("rtp: clock rates of static payload types") {
  struct Row {
    uint8_t type;
    uint32_t rate;
  };
  for (const Row& row :
       {Row{0, 8000},   Row{6, 16000},  Row{8, 8000},   Row{9, 8000},   Row{10, 44100}, Row{11, 44100},
        Row{14, 90000}, Row{16, 11025}, Row{17, 22050}, Row{18, 8000},  Row{25, 90000}, Row{26, 90000},
        Row{28, 90000}, Row{31, 90000}, Row{32, 90000}, Row{33, 90000}, Row{34, 90000}, Row{1, 0},
        Row{19, 0},     Row{24, 0},     Row{27, 0},     Row{30, 0},     Row{35, 0},     Row{96, 0},
        Row{127, 0},    Row{255, 0}}) {
    INFO(int{row.type});
    CHECK(static_clock_rate(row.type) == row.rate);
  }
}

}  // namespace
}  // namespace midstream::rtp
