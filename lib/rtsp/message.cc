#include "lib/rtsp/message.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

constexpr std::array<std::pair<string_view, Method>, 11> kMethods{{
    {"DESCRIBE", Method::kDescribe},
    {"ANNOUNCE", Method::kAnnounce},
    {"GET_PARAMETER", Method::kGetParameter},
    {"OPTIONS", Method::kOptions},
    {"PAUSE", Method::kPause},
    {"PLAY", Method::kPlay},
    {"RECORD", Method::kRecord},
    {"REDIRECT", Method::kRedirect},
    {"SETUP", Method::kSetup},
    {"SET_PARAMETER", Method::kSetParameter},
    {"TEARDOWN", Method::kTeardown},
}};

Method method_of(string_view text) {
  const auto known = std::ranges::find(kMethods, text, &std::pair<string_view, Method>::first);
  return known == kMethods.end() ? Method::kUnknown : known->second;
}

// A line without its end; `position` goes behind it. nullopt if its end is not there.
std::optional<string_view> take_line(string_view text, size_t& position) {
  const size_t end = text.find('\n', position);
  if (end == string_view::npos) return std::nullopt;
  string_view line = text.substr(position, end - position);
  if (line.ends_with('\r')) line.remove_suffix(1);
  position = end + 1;
  return line;
}

// Told from the first word, so that binary data (TLS) is not taken for a line whose end never comes.
bool may_start_message(string_view text) {
  constexpr size_t kMaxWord = 32;  // twice the longest method
  const string_view word = text.substr(0, text.find_first_of(" \t\r\n"));
  return !word.empty() && word.size() <= kMaxWord && std::ranges::all_of(word, [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || c == '-' ||
           c == '/' || c == '.';
  });
}

// RFC 2326 4: "RTSP/" 1*DIGIT "." 1*DIGIT.
bool is_version(string_view text) {
  if (!text.starts_with("RTSP/")) return false;
  text.remove_prefix(5);
  const string_view major = take_until(text, '.');
  return !major.empty() && leading_digits(major) == major && !text.empty() &&
         leading_digits(text) == text;
}

bool parse_status_line(string_view line, Message& out) {
  constexpr string_view kBlanks = " \t";
  out.version = line.substr(0, line.find_first_of(kBlanks));
  const string_view rest = trim(line.substr(out.version.size()));
  const auto status = parse_number<uint16_t>(rest.substr(0, rest.find_first_of(kBlanks)));
  out.status = status.value_or(0);
  return is_version(out.version) && out.status >= 100 && out.status <= 999;
}

// The first word is the method, the last one the version: what lies between is the URI, even with
// blanks inside.
bool parse_request_line(string_view line, Message& out) {
  line = trim(line);
  const size_t method_end = line.find_first_of(" \t");
  const size_t version_begin = line.find_last_of(" \t");
  if (method_end == string_view::npos) return false;
  out.is_request = true;
  out.method_text = line.substr(0, method_end);
  out.method = method_of(out.method_text);
  out.version = line.substr(version_begin + 1);
  out.uri = trim(line.substr(method_end, version_begin - method_end));
  return is_version(out.version) && !out.uri.empty();
}

bool parse_start_line(string_view line, Message& out) {
  return line.starts_with("RTSP/") ? parse_status_line(line, out) : parse_request_line(line, out);
}

// `folding` is the header that a line with a leading blank would continue. False if there is no
// room. A line of blanks only continues a header with nothing; a line without a colon is passed over.
bool add_header_line(string_view line, Message& out, Header*& folding) {
  if (is_blank(line.front())) {
    const string_view more = trim(line);
    if (folding != nullptr && !more.empty()) {
      const char* begin = folding->value.data();
      folding->value = trim({begin, static_cast<size_t>(more.data() + more.size() - begin)});
    }
    return true;
  }
  folding = nullptr;
  const size_t colon = line.find(':');
  if (colon == string_view::npos || trim(line.substr(0, colon)).empty()) return true;
  if (out.header_count == kMaxHeaders) return false;
  folding = &out.headers[out.header_count++];
  folding->name = trim(line.substr(0, colon));
  folding->value = trim(line.substr(colon + 1));
  return true;
}

// Without a number there is no body, as peers practise it. nullopt: more than we take.
std::optional<size_t> body_bytes(const Message& message) {
  const Header* length = message.find("Content-Length");
  const string_view digits = length == nullptr ? string_view{} : leading_digits(length->value);
  if (digits.empty()) return 0;
  const auto bytes = parse_number<uint32_t>(digits);
  if (!bytes || *bytes > kMaxBody) return std::nullopt;
  return *bytes;
}

ParseResult need_more() { return {ParseStatus::kNeedMore, 0}; }
ParseResult bad(size_t skip) { return {ParseStatus::kBad, skip}; }

// All lines of the head; `position` goes behind it.
ParseStatus parse_head(string_view text, size_t& position, Message& out) {
  Header* folding = nullptr;
  while (const auto line = take_line(text, position)) {
    if (line->empty()) return ParseStatus::kDone;
    if (!add_header_line(*line, out, folding)) return ParseStatus::kBad;
  }
  return ParseStatus::kNeedMore;
}

}  // namespace

std::string_view to_string(Method method) {
  const auto known = std::ranges::find(kMethods, method, &std::pair<string_view, Method>::second);
  return known == kMethods.end() ? "unknown" : known->first;
}

const Header* Message::find(std::string_view name) const {
  const auto end = headers.begin() + header_count;
  const auto found = std::find_if(headers.begin(), end,
                                  [&](const Header& h) { return equal_ignoring_case(h.name, name); });
  return found == end ? nullptr : &*found;
}

ParseResult parse_message(Bytes bytes, Message& out) {
  out = {};
  const string_view text = as_text(bytes);
  const size_t start = std::min(text.find_first_not_of("\r\n"), text.size());
  if (start > kMaxBlankLines) return bad(kMaxBlankLines);
  if (start == text.size()) return need_more();

  const string_view head = text.substr(0, start + kMaxHead);
  const bool head_is_cut = head.size() < start + kMaxHead;  // more of it may come
  size_t position = start;
  if (!may_start_message(head.substr(start))) {
    // Behind blank lines may be a frame: then only they are to be skipped.
    if (start != 0) return bad(start);
    return bad(take_line(head, position) ? position : head.size());
  }
  const auto start_line = take_line(head, position);
  if (!start_line) return head_is_cut ? need_more() : bad(head.size());
  if (!parse_start_line(*start_line, out)) return bad(position);

  const ParseStatus status = parse_head(head, position, out);
  if (status == ParseStatus::kBad) return bad(position);
  if (status == ParseStatus::kNeedMore) return head_is_cut ? need_more() : bad(head.size());

  const auto body = body_bytes(out);
  if (!body) return bad(position);
  if (text.size() - position < *body) return need_more();
  out.body = bytes.subspan(position, *body);
  out.header_bytes = position - start;
  out.total_bytes = position + *body;
  return {ParseStatus::kDone, out.total_bytes};
}

}  // namespace midstream::rtsp
