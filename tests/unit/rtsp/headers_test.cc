#include "lib/rtsp/headers.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace midstream::rtsp {

TEST_CASE("CSeq", "[rtsp][headers]") {
  struct Row {
    std::string line;
    std::optional<uint32_t> cseq;
  };
  const std::vector<Row> rows{
      {"CSeq: 3\r\n", 3},
      {"Cseq: 3\r\n", 3},
      {"cseq:3\r\n", 3},
      {"CSeq: 3 \r\n", 3},
      {"CSeq:     3\r\n", 3},
      {"CSeq: 0\r\n", 0},
      {"CSeq: 007\r\n", 7},
      {"CSeq: 4294967295\r\n", 4294967295},
      {"CSeq: 4294967296\r\n", std::nullopt},
      {"CSeq: -1\r\n", std::nullopt},
      {"CSeq: 3 4\r\n", std::nullopt},
      {"CSeq: x\r\n", std::nullopt},
      {"CSeq:\r\n", std::nullopt},
      {"Session: 3\r\n", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) {
    INFO(row.line);
    const std::string text = "RTSP/1.0 200 OK\r\n" + row.line + "\r\n";
    Message message;
    REQUIRE(parse_message(as_bytes(text), message).status == ParseStatus::kDone);
    CHECK(parse_cseq(message) == row.cseq);
  }
}

TEST_CASE("Session", "[rtsp][headers]") {
  struct Row {
    const char* value;
    const char* id;
    std::optional<uint32_t> timeout_s;
  };
  const std::vector<Row> rows{
      {"12345678", "12345678", std::nullopt},
      {"          12345678", "12345678", std::nullopt},
      {"12345678;timeout=65", "12345678", 65},
      {"x; timeout=60", "x", 60},
      {"x ;timeout=60", "x", 60},
      {"x;timeout=60 ", "x", 60},
      {"x;timeout = 60", "x", 60},
      {"x;Timeout=60;foo=bar", "x", 60},
      {"x;foo=bar;timeout=60", "x", 60},
      {"x;timeout=60.5", "x", 60},
      {"x;timeout=", "x", std::nullopt},
      {"x;timeout=0", "x", std::nullopt},
      {"x;timeout=soon", "x", std::nullopt},
      {"x;timeout=4294967296", "x", std::nullopt},
      {"x;", "x", std::nullopt},
      {"aB$-_.+", "aB$-_.+", std::nullopt},
      {"x;\r\n timeout=60", "x", 60},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    const auto session = parse_session(row.value);
    REQUIRE(session);
    CHECK(session->id == row.id);
    CHECK(session->timeout_s == row.timeout_s);
  }
  CHECK_FALSE(parse_session(""));
  CHECK_FALSE(parse_session("  "));
  CHECK_FALSE(parse_session(";timeout=60"));
}

TEST_CASE("Scale", "[rtsp][headers]") {
  struct Row {
    const char* value;
    std::optional<double> scale;
  };
  const std::vector<Row> rows{
      {"1", 1.0},
      {"1.0", 1.0},
      {"2.00 ", 2.0},
      {" 0.5", 0.5},
      {"-1.0", -1.0},
      {"+2", 2.0},
      {"1,000000", 1.0},
      {"0", std::nullopt},
      {"", std::nullopt},
      {"fast", std::nullopt},
      {"inf", std::nullopt},
      {"nan", std::nullopt},
      {"1000", 1000.0},
      {"1001", std::nullopt},
      {"-1001", std::nullopt},
      {"0.001", 0.001},
      {"0.0001", std::nullopt},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(parse_scale(row.value) == row.scale);
  }
}

}  // namespace midstream::rtsp
