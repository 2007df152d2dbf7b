#include "lib/base/text.h"
#include "lib/rtsp/headers.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

bool consists_of(string_view text, string_view characters) {
  return text.find_first_not_of(characters) == string_view::npos;
}

// A part of a URL that looks like ";seq=5/track1" has no number for a value: it is none of these.
bool is_parameter(string_view field) {
  const string_view name = trim(take_until(field, '='));
  const string_view value = trim(field);
  if (equal_ignoring_case(name, "seq")) return consists_of(value, "0123456789");
  if (equal_ignoring_case(name, "rtptime")) return consists_of(value, "-0123456789");
  return equal_ignoring_case(name, "ssrc") && consists_of(value, "0123456789abcdefABCDEF");
}

void read_parameter(string_view field, RtpInfo& out) {
  const string_view name = trim(take_until(field, '='));
  const string_view value = trim(field);
  if (equal_ignoring_case(name, "seq")) {
    const auto number = parse_number<uint16_t>(value);
    out.sequence = number ? std::optional(RtpSequence(*number)) : std::nullopt;
    out.sequence_text = number ? value : string_view{};
  } else if (equal_ignoring_case(name, "rtptime")) {
    const auto number = parse_number<uint32_t>(value);
    out.timestamp = number ? std::optional(RtpTimestamp(*number)) : std::nullopt;
    out.timestamp_text = number ? value : string_view{};
  } else if (equal_ignoring_case(name, "ssrc")) {
    out.ssrc_text = value;
  }
}

// Where the first parameter starts, its semicolon included; the end if there is none.
size_t url_end(string_view entry) {
  for (size_t at = entry.find(';'); at != string_view::npos; at = entry.find(';', at + 1)) {
    const string_view next = entry.substr(at + 1, entry.find(';', at + 1) - at - 1);
    if (next.find('=') != string_view::npos && is_parameter(next)) return at;
  }
  return entry.size();
}

bool starts_with_url(string_view text) {
  text = trim(text);
  if (!starts_with_ignoring_case(text, "url")) return false;
  return trim(text.substr(3)).starts_with('=');
}

RtpInfo parse_entry(string_view entry) {
  RtpInfo info;
  if (starts_with_url(entry)) {
    take_until(entry, '=');
    const size_t end = url_end(entry);
    info.url = unquote(trim(entry.substr(0, end)));
    if (info.url.ends_with(';')) info.url.remove_suffix(1);
    entry.remove_prefix(end);
  }
  while (!entry.empty()) read_parameter(take_until(entry, ';'), info);
  return info;
}

// Streams are parted by commas, but a comma inside a URL is not followed by "url=".
string_view take_entry(string_view& rest) {
  size_t comma = rest.find(',');
  while (comma != string_view::npos && !starts_with_url(rest.substr(comma + 1))) {
    comma = rest.find(',', comma + 1);
  }
  const string_view entry = rest.substr(0, comma);
  rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
  return entry;
}

string_view without_trailing_commas(string_view text) {
  text = trim(text);
  while (text.ends_with(',')) text = trim(text.substr(0, text.size() - 1));
  return text;
}

}  // namespace

RtpInfoList parse_rtp_info(std::string_view value) {
  RtpInfoList list;
  value = without_trailing_commas(value);
  while (!value.empty() && list.count < kMaxRtpInfo) {
    const RtpInfo info = parse_entry(without_trailing_commas(take_entry(value)));
    if (!info.url.empty() || info.sequence || info.timestamp) list.items[list.count++] = info;
  }
  return list;
}

}  // namespace midstream::rtsp
