#include "lib/rtsp/foreign.h"

#include <string_view>

#include "lib/base/text.h"

namespace midstream::rtsp {

Unprotected foreign_protocol(Bytes bytes) {
  // RFC 8446 5.1: a handshake record of any version 3.x (TLS 1.0 to 1.3). A text has no 0x16.
  constexpr uint8_t kHandshake = 0x16, kMajorVersion = 3;
  if (!bytes.empty() && bytes[0] == kHandshake && (bytes.size() == 1 || bytes[1] == kMajorVersion))
    return Unprotected::kTls;
  std::string_view text = as_text(bytes);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  const std::string_view line = trim(take_until(text, '\n'));
  const std::string_view last_word = line.substr(line.find_last_of(" \t") + 1);  // npos + 1 is 0
  for (const std::string_view word : {line, last_word}) {
    if (word.starts_with("HTTP/")) return Unprotected::kHttp;
    if (word.starts_with("RTSP/")) return Unprotected::kMessageTooLarge;
  }
  return Unprotected::kNotRtsp;
}

}  // namespace midstream::rtsp
