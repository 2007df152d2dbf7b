// What the message parser refuses, and where exactly its limits are.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtsp/message.h"

namespace midstream::rtsp {
namespace {

using std::string;

// Out of memory of exactly the text's size, for the address sanitizer.
ParseResult parse(std::string_view text) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  Message message;
  return parse_message(exact, message);
}

string head_of(size_t bytes) {
  const string start = "OPTIONS * RTSP/1.0\r\nX: ", end = "\r\n\r\n";
  return start + string(bytes - start.size() - end.size(), 'x') + end;
}

}  // namespace

TEST_CASE("what is no message says how much to skip", "[rtsp][message]") {
  struct Row {
    const char* what;
    string text;
    size_t skip;
  };
  const std::vector<Row> rows{
      {"TLS, at its first bytes", string("\x16\x03\x01\x02", 4), 4},
      {"garbage, up to its line end", "\x80garbage\r\nOPTIONS", 10},
      {"a frame behind a blank line: only the line", string("\r\n$\0\0\4", 6), 2},
      {"a frame", "$\x01", 2},
      {"HTTP", "GET /a HTTP/1.0\r\n\r\n", 17},
      {"no version", "OPTIONS *\r\n", 11},
      {"no URI", "OPTIONS RTSP/1.0\r\n", 18},
      {"one word", "OPTIONS\r\n", 9},
      {"a version that is none", "OPTIONS * RTSP/1\r\n", 18},
      {"a version without digits", "OPTIONS * RTSP/x.y\r\n", 20},
      {"status too short", "RTSP/1.0 20 OK\r\n", 16},
      {"status too long", "RTSP/1.0 2000 OK\r\n", 18},
      {"no status", "RTSP/1.0 OK\r\n", 13},
      {"a body line", "a=control:*\r\n", 13},
      {"a line with a leading blank", " OPTIONS * RTSP/1.0\r\n", 21},
      {"a first word that does not end", string(33, 'A'), 33},
      {"body beyond the limit", "RTSP/1.0 200 OK\r\nContent-Length: 12289\r\n\r\n$", 42},
      {"body beyond any limit", "RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", 57},
      {"too many blank lines", string(kMaxBlankLines + 1, '\n'), kMaxBlankLines},
      {"a head that does not end", "OPTIONS " + string(kMaxHead, 'x'), kMaxHead},
      {"a head that is too long", head_of(kMaxHead + 1), kMaxHead},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const ParseResult result = parse(row.text);
    CHECK(result.status == ParseStatus::kBad);
    CHECK(result.bytes == row.skip);
  }
}

TEST_CASE("limits hold exactly", "[rtsp][message]") {
  CHECK(parse(string(kMaxBlankLines, '\n') + "OPTIONS * RTSP/1.0\n\n").status == ParseStatus::kDone);
  CHECK(parse(head_of(kMaxHead)).bytes == kMaxHead);

  string text = "OPTIONS * RTSP/1.0\r\n";
  for (size_t i = 0; i < kMaxHeaders; ++i) text += "A: b\r\n";
  CHECK(parse(text + "\r\n").status == ParseStatus::kDone);
  const ParseResult more = parse(text + "A: b\r\n\r\n");
  CHECK(more.status == ParseStatus::kBad);
  CHECK(more.bytes == text.size() + 6);
}

}  // namespace midstream::rtsp
