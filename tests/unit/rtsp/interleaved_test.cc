// RTP frames between RTSP messages: their headers, the channels that are taken, and the way out of
// garbage.
#include "lib/rtsp/interleaved.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtsp/message.h"

namespace midstream::rtsp {
namespace {

using namespace std::string_literals;

ChannelSet channels(const std::vector<PortPair>& pairs) {
  ChannelSet set;
  for (const PortPair& pair : pairs) take(set, pair);
  return set;
}

size_t skipped(const std::string& garbage, const ChannelSet& set = channels({{0, 1}})) {
  return resynchronise(as_bytes(garbage), set);
}

TEST_CASE("a frame header is parsed, and written again", "[rtsp][interleaved]") {
  struct Row {
    std::string bytes;
    uint8_t channel;
    uint16_t length;
  };
  for (const Row& row : std::vector<Row>{
           {"$\x00\x00\x0c"s, 0, 12},
           {"$\x01\x05\x14"s, 1, 1300},
           {"$\x00\x00\x00"s, 0, 0},
           {"$\xff\xff\xff"s, 255, 65535},
           {"$$$$"s, 36, 9252},
       }) {
    const auto header = parse_frame_header(as_bytes(row.bytes + "behind"));
    REQUIRE(header);
    CHECK(header->channel == row.channel);
    CHECK(header->length == row.length);
    CHECK(as_text(print_frame_header(*header)) == row.bytes);
    for (size_t size = 0; size < kFrameHeaderBytes; ++size)
      CHECK_FALSE(parse_frame_header(as_bytes(row.bytes.substr(0, size))));
  }
  CHECK_FALSE(parse_frame_header(as_bytes("RTSP/1.0 200 OK")));
  CHECK_FALSE(parse_frame_header(as_bytes("\0$\0\0"s)));
}

TEST_CASE("a pair of channels is free, or why not", "[rtsp][interleaved]") {
  struct Row {
    PortPair pair;
    bool free;
  };
  const ChannelSet taken = channels({{0, 1}, {6, 9}});
  CHECK(taken.count() == 4);
  for (const Row& row : std::vector<Row>{
           {{2, 3}, true},
           {{3, 2}, true},
           {{254, 255}, true},
           {{7, 8}, true},
           {{0, 1}, false},
           {{1, 2}, false},
           {{2, 0}, false},
           {{9, 10}, false},
           {{4, 4}, false},
           {{255, 256}, false},
           {{256, 2}, false},
           {{65535, 2}, false},
       }) {
    INFO(row.pair.rtp << '-' << row.pair.rtcp);
    CHECK(are_free(taken, row.pair) == row.free);
  }
}

TEST_CASE("garbage ends where a frame or a message begins", "[rtsp][interleaved]") {
  struct Row {
    std::string garbage, start;
  };
  for (const Row& row : std::vector<Row>{
           {"", "$\x00\x00\x0c"s},
           {"garbage", "$\x01\x00\x0c"s},
           {"$\x02\x00\x0c"s, "$\x00\x00\x0c"s},  // a channel that nobody has set up
           {"$$$", "$\x00\x00\x0c"s},             // 36 is one of them
           {"GET / HTTP/1.1\r\n\r\n", "RTSP/1.0 200 OK\r\n"},
           {"\x80\x60\x00\x01 media"s, "OPTIONS * RTSP/1.0\r\n"},
           {"/film RTSP/1.0\r\nCSeq: 1\r\n\r\n", "PLAY rtsp://h/film"},  // the end of a request
           {"Public: DESCRIBE, SETUP, TEARDOWN, PLAY, PAUSE\r\n\r\n", "$\x00"s},
           {"RTSP/2.0 200 OK", "RTSP/1.0 200 OK"},
           {"PLAYPLAY", "PLAY *"},
           {"SETSET_", "SETUP *"},
           {"RTSP/RTSP/1.0", "RTSP/1.0 454"},
       }) {
    INFO(row.garbage);
    CHECK(skipped(row.garbage + row.start) == row.garbage.size());
    INFO("wherever what comes is cut, nothing of the start is lost");
    for (size_t size = 0; size < row.start.size(); ++size)
      CHECK(skipped(row.garbage + row.start.substr(0, size)) <= row.garbage.size());
  }
}

TEST_CASE("every method begins a message, and so does each strict prefix", "[rtsp][interleaved]") {
  for (uint8_t i = 0; i < static_cast<uint8_t>(Method::kUnknown); ++i) {
    const std::string word = std::string(to_string(static_cast<Method>(i))) + ' ';
    INFO(word);
    CHECK(skipped("\x01\x02" + word + "* RTSP/1.0\r\n") == 2);
    for (size_t size = 1; size < word.size(); ++size) {
      CHECK(skipped("\x01\x02" + word.substr(0, size)) == 2);
      INFO("but not if it does not go on so");
      CHECK(skipped("\x01\x02" + word.substr(0, size) + '\x03') == 3 + size);
    }
  }
}

TEST_CASE("garbage without a start can go, all of it", "[rtsp][interleaved]") {
  CHECK(skipped("") == 0);
  CHECK(skipped("garbage") == 7);
  CHECK(skipped("$\x02\x00\x0c"s) == 4);
  CHECK(skipped("RTSP/1.0\r\n") == 10);
  INFO("a dollar at the end may begin a frame, if any channel is in use");
  CHECK(skipped("garbage$") == 7);
  CHECK(skipped("garbage$", {}) == 8);
  CHECK(skipped("$\x00\x00\x0c"s, {}) == 4);
}

TEST_CASE("garbage in small pieces ends where garbage in one piece does", "[rtsp][interleaved]") {
  const std::string start = "$\x01\x00\x08"s;
  const std::string whole = "RTS$\x05PLA$$SET_PARAMETE\x00OPTIONSTEARDOWN"s + start;
  for (size_t piece = 1; piece <= whole.size(); ++piece) {
    std::string held;
    size_t thrown = 0;
    for (size_t at = 0; at < whole.size(); at += piece) {
      held += whole.substr(at, piece);
      const size_t skip = skipped(held);
      REQUIRE(skip <= held.size());
      thrown += skip;
      held.erase(0, skip);
    }
    INFO("pieces of " << piece);
    CHECK(thrown == whole.size() - start.size());
    CHECK(held == start);
  }
}

}  // namespace
}  // namespace midstream::rtsp
