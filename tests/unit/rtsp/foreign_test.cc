// What is no RTSP has a name, if it is something that people run on such ports.
#include "lib/rtsp/foreign.h"

#include <catch2/catch.hpp>
#include <string>

namespace midstream::rtsp {
namespace {

TEST_CASE("other protocols are told apart by how they begin", "[foreign]") {
  struct Row {
    std::string bytes;
    Unprotected reason;
  };
  const Row row = GENERATE(values<Row>({
      {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), Unprotected::kTls},
      {"\x16\x03", Unprotected::kTls},
      {"\x16", Unprotected::kTls},
      {"\x16\x02", Unprotected::kNotRtsp},
      {"GET /film HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n", Unprotected::kHttp},
      {"POST /film HTTP/1.1\n", Unprotected::kHttp},
      {"HTTP/1.0 200 OK\r\n", Unprotected::kHttp},
      {"\r\nGET / HTTP/1.0\r\n", Unprotected::kHttp},
      {"RTSP/1.0 200 OK\r\nContent-Length: 99999\r\n\r\n", Unprotected::kMessageTooLarge},
      {"DESCRIBE rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n", Unprotected::kMessageTooLarge},
      {"SSH-2.0-OpenSSH_9.2\r\n", Unprotected::kNotRtsp},
      {"GET /HTTP/x\r\n", Unprotected::kNotRtsp},
      {std::string(5000, 'x'), Unprotected::kNotRtsp},
      {"\r\n", Unprotected::kNotRtsp},
      {"", Unprotected::kNotRtsp},
  }));
  CAPTURE(row.bytes);
  CHECK(foreign_protocol(as_bytes(row.bytes)) == row.reason);
}

}  // namespace
}  // namespace midstream::rtsp
