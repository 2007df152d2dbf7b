#include "lib/rtsp/message.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace midstream::rtsp {
namespace {

using std::string;

// A message is parsed out of memory of exactly its size, so that a reader that goes beyond is seen by
// the address sanitizer. Views are turned into texts before the memory goes.
struct Parsed {
  ParseResult result;
  bool is_request;
  Method method;
  string method_text, uri, version, body;
  uint16_t status;
  size_t header_bytes, total_bytes;
  std::vector<std::pair<string, string>> headers;
};

Parsed parse(std::string_view text) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  Message m;
  const ParseResult result = parse_message(exact, m);
  Parsed parsed{result,
                m.is_request,
                m.method,
                string(m.method_text),
                string(m.uri),
                string(m.version),
                string(as_text(m.body)),
                m.status,
                m.header_bytes,
                m.total_bytes,
                {}};
  if (result.status != ParseStatus::kDone) return parsed;
  for (size_t i = 0; i < m.header_count; ++i) {
    parsed.headers.emplace_back(m.headers[i].name, m.headers[i].value);
  }
  return parsed;
}

using Headers = std::vector<std::pair<string, string>>;

string head_of(size_t bytes) {
  const string start = "OPTIONS * RTSP/1.0\r\nX: ", end = "\r\n\r\n";
  return start + string(bytes - start.size() - end.size(), 'x') + end;
}

}  // namespace

TEST_CASE("a request is taken apart", "[rtsp][message]") {
  const string text =
      "SETUP rtsp://10.0.0.1/movie/track1 RTSP/1.0\r\n"
      "CSeq: 3\r\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n"
      "\r\n";
  const Parsed m = parse(text);
  REQUIRE(m.result.status == ParseStatus::kDone);
  CHECK(m.result.bytes == text.size());
  CHECK(m.is_request);
  CHECK(m.method == Method::kSetup);
  CHECK(m.method_text == "SETUP");
  CHECK(m.uri == "rtsp://10.0.0.1/movie/track1");
  CHECK(m.version == "RTSP/1.0");
  CHECK(m.header_bytes == text.size());
  CHECK(m.total_bytes == text.size());
  CHECK(m.body.empty());
  CHECK(m.headers == Headers{{"CSeq", "3"}, {"Transport", "RTP/AVP;unicast;client_port=5000-5001"}});
}

TEST_CASE("a response is taken apart, what follows is left", "[rtsp][message]") {
  const string text =
      "RTSP/1.0 200 OK\r\n"
      "CSeq: 2\r\n"
      "Content-Length: 5\r\n"
      "\r\n"
      "v=0\r\n";
  const Parsed m = parse(text + "$\x01");
  REQUIRE(m.result.status == ParseStatus::kDone);
  CHECK(m.result.bytes == text.size());
  CHECK_FALSE(m.is_request);
  CHECK(m.status == 200);
  CHECK(m.version == "RTSP/1.0");
  CHECK(m.body == "v=0\r\n");
  CHECK(m.header_bytes == text.size() - 5);
  CHECK(m.total_bytes == text.size());
}

TEST_CASE("views point into the parsed bytes", "[rtsp][message]") {
  const string text = "\r\nRTSP/1.0 200 OK\r\nSession:   abc;timeout=60\r\n\r\n";
  Message m;
  REQUIRE(parse_message(as_bytes(text), m).status == ParseStatus::kDone);
  REQUIRE(m.find("session") != nullptr);
  CHECK(m.find("session")->value.data() - text.data() == 30);
  CHECK(m.find("session")->value == "abc;timeout=60");
  CHECK(m.find("sessions") == nullptr);
  CHECK(m.header_bytes == text.size() - 2);
  CHECK(m.total_bytes == text.size());
}

TEST_CASE("the first of several headers of one name is found", "[rtsp][message]") {
  const string text = "RTSP/1.0 200 OK\r\nVia: a\r\nVIA: b\r\n\r\n";
  Message m;
  REQUIRE(parse_message(as_bytes(text), m).status == ParseStatus::kDone);
  REQUIRE(m.find("via") != nullptr);
  CHECK(m.find("via")->value == "a");
}

TEST_CASE("header lines as peers write them", "[rtsp][message]") {
  struct Row {
    const char* what;
    string lines;
    Headers headers;
  };
  const std::vector<Row> rows{
      {"bare LF", "CSeq: 1\nSession: a\n", {{"CSeq", "1"}, {"Session", "a"}}},
      {"name in another case", "Cseq: 1\r\n", {{"Cseq", "1"}}},
      {"a blank behind the number", "CSeq: 1 \r\n", {{"CSeq", "1"}}},
      {"no blank before the value", "CSeq:1\r\n", {{"CSeq", "1"}}},
      {"many blanks before the value", "Session:          abc\r\n", {{"Session", "abc"}}},
      {"tabs", "Session:\t abc\t\r\n", {{"Session", "abc"}}},
      {"a blank before the colon", "Session : abc\r\n", {{"Session", "abc"}}},
      {"an empty value", "Session:\r\nCSeq: 1\r\n", {{"Session", ""}, {"CSeq", "1"}}},
      {"a colon in the value", "Date: 10:20\r\n", {{"Date", "10:20"}}},
      {"a line that is one blank, first", " \r\nCSeq: 1\r\n", {{"CSeq", "1"}}},
      {"a line that is one blank, between", "CSeq: 1\r\n \r\nA: b\r\n", {{"CSeq", "1"}, {"A", "b"}}},
      {"a line that is one blank, last", "CSeq: 1\r\n \r\n", {{"CSeq", "1"}}},
      {"folded", "A: b;\r\n c\r\nD: e\r\n", {{"A", "b;\r\n c"}, {"D", "e"}}},
      {"folded with a tab and LF", "A: b;\n\tc\n", {{"A", "b;\n\tc"}}},
      {"folded twice", "A: b\r\n c\r\n d \r\n", {{"A", "b\r\n c\r\n d"}}},
      {"folded behind a line of one blank", "A: b\r\n \r\n c\r\n", {{"A", "b\r\n \r\n c"}}},
      {"folded from the start", "A:\r\n b\r\n", {{"A", "b"}}},
      {"a line without a colon", "garbage\r\nA: b\r\n", {{"A", "b"}}},
      {"a fold of a line without a colon",
       "A: b\r\ngarbage\r\n c\r\nD: e\r\n",
       {{"A", "b"}, {"D", "e"}}},
      {"a line without a name", ": x\r\nA: b\r\n", {{"A", "b"}}},
      {"no headers at all", "", {}},
      {"a dollar sign in a value", "A: $b\r\n", {{"A", "$b"}}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const string text = "PLAY rtsp://h/a RTSP/1.0\r\n" + row.lines + "\r\n";
    const Parsed m = parse(text);
    CHECK(m.result.status == ParseStatus::kDone);
    CHECK(m.result.bytes == text.size());
    CHECK(m.headers == row.headers);
  }
}

TEST_CASE("start lines as peers write them", "[rtsp][message]") {
  struct Row {
    string line;
    bool is_request;
    string uri;
    uint16_t status;
    string version;
  };
  const std::vector<Row> rows{
      {"OPTIONS * RTSP/1.0", true, "*", 0, "RTSP/1.0"},
      {"PLAY rtsp://h/a?b=c&d;e RTSP/1.0", true, "rtsp://h/a?b=c&d;e", 0, "RTSP/1.0"},
      {"PLAY rtsp://h/my movie.mkv RTSP/1.0", true, "rtsp://h/my movie.mkv", 0, "RTSP/1.0"},
      {"PLAY  rtsp://h/a  RTSP/1.0 ", true, "rtsp://h/a", 0, "RTSP/1.0"},
      {"PLAY rtsp://h/a RTSP/2.0", true, "rtsp://h/a", 0, "RTSP/2.0"},
      {"RTSP/1.0 200 OK", false, "", 200, "RTSP/1.0"},
      {"RTSP/1.0 200", false, "", 200, "RTSP/1.0"},
      {"RTSP/1.0 200 ", false, "", 200, "RTSP/1.0"},
      {"RTSP/1.0  454 Session Not Found", false, "", 454, "RTSP/1.0"},
      {"RTSP/2.0 551 Option not supported", false, "", 551, "RTSP/2.0"},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    const Parsed m = parse(row.line + "\r\nCSeq: 1\r\n\r\n");
    REQUIRE(m.result.status == ParseStatus::kDone);
    CHECK(m.is_request == row.is_request);
    CHECK(m.uri == row.uri);
    CHECK(m.status == row.status);
    CHECK(m.version == row.version);
  }
}

TEST_CASE("every method has its name, other words are unknown methods", "[rtsp][message]") {
  for (int i = 0; i < static_cast<int>(Method::kUnknown); ++i) {
    const auto method = static_cast<Method>(i);
    const Parsed m = parse(string(to_string(method)) + " * RTSP/1.0\r\n\r\n");
    INFO(to_string(method));
    CHECK(m.method == method);
    CHECK(m.method_text == to_string(method));
  }
  const Parsed m = parse("FROBNICATE * RTSP/1.0\r\n\r\n");
  REQUIRE(m.result.status == ParseStatus::kDone);
  CHECK(m.method == Method::kUnknown);
  CHECK(m.method_text == "FROBNICATE");
  CHECK(to_string(Method::kUnknown) == "unknown");
}

TEST_CASE("leading blank lines belong to the message", "[rtsp][message]") {
  for (const string lead : {"\r\n", "\n", "\r\n\r\n", "\n\n\n"}) {
    const string text = lead + "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    const Parsed m = parse(text);
    REQUIRE(m.result.status == ParseStatus::kDone);
    CHECK(m.result.bytes == text.size());
    CHECK(m.total_bytes == text.size());
    CHECK(m.header_bytes == text.size() - lead.size());
  }
}

TEST_CASE("bodies", "[rtsp][message]") {
  struct Row {
    const char* what;
    string length;
    string body;
  };
  const std::vector<Row> rows{
      {"no Content-Type", "Content-Length: 4\r\n", "v=0\n"},
      {"another case", "content-length:4\r\n", "v=0\n"},
      {"a blank behind the number", "Content-Length: 4 \r\n", "v=0\n"},
      {"a dollar sign inside", "Content-Length: 6\r\n", "a\r\n$b\n"},
      {"a message inside", "Content-Length: 22\r\n", "OPTIONS * RTSP/1.0\r\n\r\n"},
      {"zero", "Content-Length: 0\r\n", ""},
      {"no number", "Content-Length: none\r\n", ""},
      {"negative", "Content-Length: -4\r\n", ""},
      {"none", "", ""},
      {"the largest", "Content-Length: 12288\r\n", string(kMaxBody, 'b')},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const string text = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + row.length + "\r\n" + row.body;
    const Parsed m = parse(text + "$next");
    CHECK(m.result.status == ParseStatus::kDone);
    CHECK(m.result.bytes == text.size());
    CHECK(m.body == row.body);
  }
}

TEST_CASE("every strict prefix of a message needs more", "[rtsp][message]") {
  const std::vector<string> messages{
      "OPTIONS * RTSP/1.0\r\n\r\n",
      "\r\n\nOPTIONS * RTSP/1.0\nCSeq: 1\n\n",
      "RTSP/1.0 200 OK\r\nCSeq: 2\r\n \r\nA: b\r\n c\r\nContent-Length: 8\r\n\r\nv=0\r\n$\r\n",
      "PLAY rtsp://h/my movie RTSP/1.0\r\nCSeq:1 \r\nRange: npt=10.021333-\r\nSession: "
      "12345678\r\n\r\n",
      "\r\n" + head_of(kMaxHead),
  };
  for (const string& message : messages) {
    for (size_t n = 0; n < message.size(); ++n) {
      const Parsed m = parse(std::string_view(message).substr(0, n));
      if (m.result.status == ParseStatus::kNeedMore && m.result.bytes == 0) continue;
      INFO(n << " bytes of " << message);
      CHECK(m.result.status == ParseStatus::kNeedMore);
      CHECK(m.result.bytes == 0);
    }
    CHECK(parse(message).result.status == ParseStatus::kDone);
    CHECK(parse(message).result.bytes == message.size());
  }
}

TEST_CASE("a dollar sign starts an interleaved frame", "[rtsp][message]") {
  CHECK(starts_interleaved(as_bytes("$")));
  CHECK_FALSE(starts_interleaved(as_bytes("R$")));
  CHECK_FALSE(starts_interleaved({}));
}

TEST_CASE("an answer between two frames is found where the frame ends", "[rtsp][message]") {
  const string frame("$\0\0\2ab", 6), answer = "RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n";
  const string stream = frame + answer + frame;
  REQUIRE(starts_interleaved(as_bytes(stream)));
  const Parsed m = parse(std::string_view(stream).substr(frame.size()));
  CHECK(m.result.status == ParseStatus::kDone);
  CHECK(m.result.bytes == answer.size());
}

}  // namespace midstream::rtsp
