#include "tests/scenario/rtsp_text.h"

#include <charconv>

namespace midstream::scenario {
namespace {

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string word(const std::string& line, int index) {
  size_t begin = 0;
  for (; index > 0; --index) begin = line.find(' ', begin) + 1;
  return line.substr(begin, line.find(' ', begin) - begin);
}

}  // namespace

int RtspMessage::status() const { return static_cast<int>(number(word(start_line, 1)).value_or(0)); }
std::string RtspMessage::method() const { return word(start_line, 0); }
std::string RtspMessage::uri() const { return word(start_line, 1); }

std::string RtspMessage::header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? "" : at->second;
}

std::optional<uint32_t> RtspMessage::cseq() const { return number(header("CSeq")); }

Read take_message(std::string& stream, RtspMessage& out) {
  const size_t end = stream.find("\r\n\r\n");
  if (end == std::string::npos) return Read::kNeedMore;
  out.headers.clear();
  size_t line_begin = 0;
  for (bool first = true; line_begin < end + 2; first = false) {
    const size_t line_end = stream.find("\r\n", line_begin);
    const std::string line = stream.substr(line_begin, line_end - line_begin);
    line_begin = line_end + 2;
    if (first) {
      out.start_line = line;
      if (line.find("RTSP/1.0") == std::string::npos) return Read::kGarbage;
      continue;
    }
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return Read::kGarbage;
    const bool fresh = out.headers.try_emplace(line.substr(0, colon), line.substr(colon + 2)).second;
    if (!fresh && out.is_response()) return Read::kGarbage;
  }
  const size_t body = number(out.header("Content-Length")).value_or(0);
  if (stream.size() < end + 4 + body) return Read::kNeedMore;
  out.body = stream.substr(end + 4, body);
  stream.erase(0, end + 4 + body);
  return Read::kMessage;
}

std::string parameter(const std::string& value, const std::string& name) {
  size_t at = value.starts_with(name + "=") ? 0 : value.find(";" + name + "=");
  if (at == std::string::npos) return "";
  at = value.find('=', at) + 1;
  return value.substr(at, value.find_first_of(";,", at) - at);
}

}  // namespace midstream::scenario
