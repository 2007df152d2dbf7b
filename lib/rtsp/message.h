// One RTSP 1.0 message (RFC 2326 4), found in a byte stream that may be cut anywhere.
//
// All views point into the parsed bytes, so `view.data() - bytes.data()` is a text's place in the
// stream: edits are made from that. Tolerant as real peers need it (see the parser's tests): bare LF,
// leading blank lines, blanks around names and values, folded headers, a header line that is one
// blank, header names in any case, blanks inside a URI, a response without a reason.
// Worked example: "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\0..." is kDone with 31 bytes, and what
// follows starts an interleaved frame; any strict prefix of the 31 bytes is kNeedMore.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"

namespace midstream::rtsp {

enum class Method : uint8_t {
  kDescribe,
  kAnnounce,
  kGetParameter,
  kOptions,
  kPause,
  kPlay,
  kRecord,
  kRedirect,
  kSetup,
  kSetParameter,
  kTeardown,
  kUnknown
};
std::string_view to_string(Method method);

enum class ParseStatus : uint8_t { kDone, kNeedMore, kBad };

inline constexpr size_t kMaxHeaders = 48;

struct Header {
  std::string_view name;   // as written
  std::string_view value;  // outer blanks trimmed; a folded value still has its line ends inside
};

struct Message {
  bool is_request = false;
  Method method = Method::kUnknown;  // requests
  std::string_view method_text;      // requests
  std::string_view uri;              // requests
  uint16_t status = 0;               // responses
  std::string_view version;          // "RTSP/1.0"
  uint8_t header_count = 0;
  std::array<Header, kMaxHeaders> headers;
  Bytes body;
  size_t header_bytes = 0;  // start line to the blank line, inclusive
  size_t total_bytes = 0;   // with leading blank lines and body

  // First header of that name, any case; nullptr if there is none.
  const Header* find(std::string_view name) const;
};

struct ParseResult {
  ParseStatus status;
  size_t bytes;  // kDone: length of the message, leading blank lines included. kNeedMore: 0.
                 // kBad: how many bytes to skip to get past what is no message, at least 1 and
                 // never more than were given.
};

// One message fills the reassembly buffer (16 KiB) at most. Descriptions with 8 media and their
// parameter sets have about 4 KiB, the largest heads (digest authentication, RTP-Info of 8 streams
// with long URLs) about 2 KiB.
inline constexpr size_t kMaxBody = 12 * 1024;
inline constexpr size_t kMaxBlankLines = 64;                   // bytes of line ends before a message
inline constexpr size_t kMaxHead = 4 * 1024 - kMaxBlankLines;  // start line to the blank line

// Parses the message that starts at bytes[0]. A head or a Content-Length beyond the limits, more than
// kMaxHeaders headers or a first line that is neither request nor response is kBad; `out` counts only
// if kDone.
ParseResult parse_message(Bytes bytes, Message& out);

// True if the bytes start an interleaved frame ("$", RFC 2326 10.12).
inline bool starts_interleaved(Bytes bytes) { return !bytes.empty() && bytes[0] == '$'; }

}  // namespace midstream::rtsp
