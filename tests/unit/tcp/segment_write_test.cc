#include <catch2/catch.hpp>

#include "lib/tcp/segment.h"
#include "tests/unit/tcp/segments.h"

namespace midstream::tcp {

namespace {

Segment written_and_read(const Segment& segment, Buffer& buffer) {
  buffer.assign(2000, 0xee);
  const size_t size = write_segment(segment, buffer);
  REQUIRE(size == segment_header_bytes(segment) + segment.payload.size());
  buffer.resize(size);
  Segment again;
  REQUIRE(parse_segment(buffer, again));
  return again;
}

Segment with_blocks(uint8_t count) {
  Segment segment;
  segment.flags.ack = true;
  segment.sack_count = count;
  for (uint32_t i = 0; i < count; ++i) {
    segment.sack[i] = {TcpSequence(100 * i), TcpSequence(100 * i + 10)};
  }
  return segment;
}

}  // namespace

TEST_CASE("a SYN with everything comes out as it went in") {
  Segment segment;
  segment.source_port = 554;
  segment.destination_port = 49152;
  segment.sequence = TcpSequence(0xfffffffe);
  segment.acknowledgement = TcpSequence(7);
  segment.flags.syn = segment.flags.ack = true;
  segment.window = 65535;
  segment.urgent = 3;
  segment.mss = 1448;
  segment.window_scale = 9;
  segment.sack_permitted = true;
  segment.timestamps = {TcpTimestamp(5), TcpTimestamp(0xffffffff)};
  Buffer buffer;
  const Segment again = written_and_read(segment, buffer);
  CHECK(again.source_port == 554);
  CHECK(again.destination_port == 49152);
  CHECK(again.sequence == segment.sequence);
  CHECK(again.acknowledgement == segment.acknowledgement);
  CHECK(again.flags.syn);
  CHECK(again.flags.ack);
  CHECK(again.window == 65535);
  CHECK(again.urgent == 3);
  CHECK(again.mss == 1448);
  CHECK(again.window_scale == 9);
  CHECK(again.sack_permitted);
  CHECK(again.timestamps->value.value() == 5);
  CHECK(again.timestamps->echo.value() == 0xffffffff);
  CHECK(load_be16(&buffer[16]) == 0);  // the checksum is the frame builder's
}

TEST_CASE("an acknowledgement has the form that receivers have a fast path for") {
  Segment segment;
  REQUIRE(parse_segment(segment_bytes(kAck, kAckOptions), segment));
  Buffer out(100);
  REQUIRE(write_segment(segment, out) == 44);
  CHECK(Buffer(out.begin() + 20, out.begin() + 44) == kAckOptions);
}

TEST_CASE("SYN options of a segment without SYN are not written") {
  Segment segment;
  segment.flags.ack = true;
  segment.mss = 1460;
  segment.window_scale = 7;
  segment.sack_permitted = true;
  CHECK(segment_header_bytes(segment) == 20);
  Buffer buffer;
  written_and_read(segment, buffer);
  CHECK(buffer.size() == 20);
}

TEST_CASE("as many SACK blocks are written as find room, the last are left out") {
  struct Case {
    uint8_t count;
    bool timestamps;
    uint8_t written;
    size_t header_bytes;
  };
  const auto c = GENERATE(values<Case>({
      {0, false, 0, 20},
      {1, false, 1, 32},
      {4, false, 4, 56},
      {0, true, 0, 32},
      {3, true, 3, 60},
      {4, true, 3, 60},
  }));
  Segment segment = with_blocks(c.count);
  if (c.timestamps) segment.timestamps = {TcpTimestamp(1), TcpTimestamp(2)};
  Buffer buffer;
  const Segment again = written_and_read(segment, buffer);
  CHECK(segment_header_bytes(segment) == c.header_bytes);
  REQUIRE(again.sack_count == c.written);
  for (size_t i = 0; i < c.written; ++i) {
    CHECK(again.sack[i].left == segment.sack[i].left);
    CHECK(again.sack[i].right == segment.sack[i].right);
  }
}

TEST_CASE("no set of options outgrows the header") {
  Segment segment = with_blocks(4);
  segment.flags.syn = true;
  segment.mss = 1460;
  segment.window_scale = 7;
  segment.sack_permitted = true;
  segment.timestamps = {TcpTimestamp(1), TcpTimestamp(2)};
  CHECK(segment_header_bytes(segment) <= 60);
  Buffer buffer;
  CHECK(written_and_read(segment, buffer).sack_count == 1);
}

TEST_CASE("a segment that does not fit is not begun") {
  Segment segment = with_blocks(1);
  segment.payload = as_bytes("RTSP");
  for (size_t room = 0; room <= 36; ++room) {
    Buffer out(room, 0xee);
    CHECK(write_segment(segment, out) == (room == 36 ? 36 : 0));
    if (room < 36) CHECK(out == Buffer(room, 0xee));
  }
}

TEST_CASE("a segment may be written again over itself, with more or fewer options") {
  for (const bool timestamps : {false, true}) {
    Buffer buffer = segment_bytes(kAck, Buffer(8, 1), "the payload moves");
    buffer.resize(100);
    Segment segment;
    REQUIRE(parse_segment(Bytes(buffer).first(28 + 17), segment));
    if (timestamps) segment.timestamps = {TcpTimestamp(1), TcpTimestamp(2)};
    const size_t size = write_segment(segment, buffer);
    Segment again;
    REQUIRE(parse_segment(Bytes(buffer).first(size), again));
    CHECK(as_text(again.payload) == "the payload moves");
    CHECK(again.timestamps.has_value() == timestamps);
  }
}

}  // namespace midstream::tcp
