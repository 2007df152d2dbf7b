// RTSP messages as the tests read them: strictly, apart from the product's parser. CRLF only, every
// header "Name: value", the body as long as Content-Length says, no header twice; but of a request's
// the first one counts (rtspsrc says User-Agent twice).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "lib/base/time.h"

namespace midstream::scenario {

struct RtspMessage {
  Time time;                                   // when its last byte arrived
  std::string start_line;                      // "PLAY rtsp://… RTSP/1.0" or "RTSP/1.0 200 OK"
  std::map<std::string, std::string> headers;  // names as written
  std::string body;

  bool is_response() const { return start_line.starts_with("RTSP/"); }
  int status() const;          // of a response
  std::string method() const;  // of a request
  std::string uri() const;
  std::string header(const std::string& name) const;  // empty if there is none
  std::optional<uint32_t> cseq() const;
};

enum class Read { kMessage, kNeedMore, kGarbage };
// Takes one message off the front of `stream`.
Read take_message(std::string& stream, RtspMessage& out);

// The value of `name=` in "a;b=c;name=value;…"; empty if there is none.
std::string parameter(const std::string& value, const std::string& name);

}  // namespace midstream::scenario
