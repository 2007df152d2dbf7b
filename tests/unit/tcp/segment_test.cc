#include "lib/tcp/segment.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/tcp/segments.h"

namespace midstream::tcp {

TEST_CASE("the fields of a segment are read") {
  const Buffer bytes = segment_bytes(0x18, {}, "RTSP");
  Segment segment;
  REQUIRE(parse_segment(bytes, segment));
  CHECK(segment.source_port == 554);
  CHECK(segment.destination_port == 49152);
  CHECK(segment.sequence.value() == 0xfffffffe);
  CHECK(segment.acknowledgement.value() == 0x01020304);
  CHECK(segment.flags.psh);
  CHECK(segment.flags.ack);
  CHECK_FALSE(segment.flags.syn);
  CHECK(segment.window == 8192);
  CHECK(segment.urgent == 7);
  CHECK(as_text(segment.payload) == "RTSP");
  CHECK_FALSE(segment.mss);
  CHECK_FALSE(segment.timestamps);
  CHECK(segment.sack_count == 0);
}

TEST_CASE("every flag has its bit, read and written") {
  for (unsigned bits = 0; bits < 256; ++bits) {
    INFO("flags " << bits);
    Segment segment;
    REQUIRE(parse_segment(segment_bytes(static_cast<uint8_t>(bits), {}), segment));
    const Flags& f = segment.flags;
    CHECK(f.fin + 2 * f.syn + 4 * f.rst + 8 * f.psh + 16 * f.ack + 32 * f.urg + 64 * f.ece +
              128 * f.cwr ==
          static_cast<int>(bits));
    Buffer out(20);
    REQUIRE(write_segment(segment, out) == 20);
    CHECK(out[13] == bits);
  }
}

TEST_CASE("SYN and FIN take a number each, and the end wraps") {
  struct Case {
    uint8_t flags;
    const char* payload;
    uint32_t length, end;
  };
  const auto c = GENERATE(values<Case>({
      {0x10, "", 0, 0xfffffffe},
      {0x02, "", 1, 0xffffffff},
      {0x11, "", 1, 0xffffffff},
      {0x18, "RTSP", 4, 2},
      {0x11, "RTSP", 5, 3},
      {0x02, "RTSP", 5, 3},
  }));
  Segment segment;
  const Buffer bytes = segment_bytes(c.flags, {}, c.payload);
  REQUIRE(parse_segment(bytes, segment));
  CHECK(segment.length() == c.length);
  CHECK(segment.end().value() == c.end);
}

TEST_CASE("the options of a SYN are read") {
  Segment segment;
  REQUIRE(parse_segment(segment_bytes(kSyn, kSynOptions), segment));
  CHECK(segment.mss == 1460);
  CHECK(segment.sack_permitted);
  CHECK(segment.window_scale == 7);
  REQUIRE(segment.timestamps);
  CHECK(segment.timestamps->value.value() == 0xffffffff);
  CHECK(segment.timestamps->echo.value() == 0);
}

TEST_CASE("SYN options on another segment count for nothing, timestamps do") {
  Segment segment;
  REQUIRE(parse_segment(segment_bytes(kAck, kSynOptions), segment));
  CHECK_FALSE(segment.mss);
  CHECK_FALSE(segment.sack_permitted);
  CHECK_FALSE(segment.window_scale);
  CHECK(segment.timestamps);
}

TEST_CASE("timestamps and SACK of an acknowledgement are read, also around the wrap") {
  Segment segment;
  REQUIRE(parse_segment(segment_bytes(kAck, kAckOptions), segment));
  CHECK(segment.timestamps->value.value() == 1);
  CHECK(segment.timestamps->echo.value() == 0xfffffffe);
  REQUIRE(segment.sack_count == 1);
  CHECK(segment.sack[0].left.value() == 0xfffffff0);
  CHECK(segment.sack[0].right.value() == 0x10);
  CHECK(segment.sack[0].right - segment.sack[0].left == 32);
}

TEST_CASE("options of odd form are skipped or refused, as the form allows") {
  struct Case {
    const char* what;
    Buffer options;
    bool ok;
  };
  const auto c = GENERATE(values<Case>({
      {"unknown option", {254, 4, 0xab, 0xcd}, true},
      {"what follows the end of the list", {0, 2, 200, 9}, true},
      {"MSS of a wrong length", {2, 3, 5, 1}, true},
      {"window scale of a wrong length", {3, 4, 1, 1}, true},
      {"SACK permitted of a wrong length", {4, 4, 1, 1}, true},
      {"timestamps of a wrong length", {8, 4, 1, 1}, true},
      {"SACK of half a block", {5, 6, 0, 0, 0, 1, 1, 1}, true},
      {"SACK of no block", {5, 2, 1, 1}, true},
      {"MSS of zero", {2, 4, 0, 0}, true},
      {"length 0", {254, 0, 1, 1}, false},
      {"length 1", {254, 1, 1, 1}, false},
      {"one byte beyond the list", {254, 5, 1, 1}, false},
      {"kind without length", {1, 1, 1, 254}, false},
      {"timestamps cut off", {1, 1, 8, 10, 0, 0, 0, 1}, false},
  }));
  INFO(c.what);
  Segment segment;
  CHECK(parse_segment(segment_bytes(kSyn, c.options), segment) == c.ok);
  if (c.ok) {
    CHECK_FALSE(segment.mss);
    CHECK_FALSE(segment.window_scale);
    CHECK_FALSE(segment.sack_permitted);
    CHECK_FALSE(segment.timestamps);
    CHECK(segment.sack_count == 0);
  }
}

TEST_CASE("a window scale above 14 is read as 14") {
  for (const unsigned shift : {0, 13, 14, 15, 255}) {
    Segment segment;
    const Buffer options{1, 3, 3, static_cast<uint8_t>(shift)};
    REQUIRE(parse_segment(segment_bytes(kSyn, options), segment));
    CHECK(segment.window_scale == std::min(shift, 14u));
  }
}

TEST_CASE("a header length that is too small or leads beyond the segment is refused") {
  Segment segment;
  for (unsigned words = 0; words < 16; ++words) {
    INFO("words " << words);
    Buffer bytes = segment_bytes(kAck, kAckOptions);  // 11 words
    std::fill(bytes.begin() + 20, bytes.end(), uint8_t{1});
    bytes[12] = static_cast<uint8_t>(words << 4);
    CHECK(parse_segment(bytes, segment) == (words >= 5 && words <= 11));
  }
}

TEST_CASE("no strict prefix of a header passes for it") {
  for (const Buffer& whole : {segment_bytes(kSyn, kSynOptions), segment_bytes(kAck, kAckOptions)}) {
    Segment segment;
    REQUIRE(parse_segment(whole, segment));
    for (size_t n = 0; n < whole.size(); ++n) {
      INFO("bytes: " << n);
      CHECK_FALSE(parse_segment(Buffer(whole.begin(), whole.begin() + n), segment));
    }
  }
}

TEST_CASE("a bad segment leaves nothing of the one before") {
  Segment segment;
  REQUIRE(parse_segment(segment_bytes(kSyn, kSynOptions), segment));
  CHECK_FALSE(parse_segment({}, segment));
  CHECK_FALSE(segment.mss);
  CHECK_FALSE(segment.flags.syn);
}

}  // namespace midstream::tcp
