#include <algorithm>

#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/rtp/rtp.h"
#include "lib/sdp/description.h"

namespace midstream::sdp {
namespace {

using std::string_view;

// Goes into events and logs: whatever is not printable ASCII becomes a question mark.
template <size_t Capacity>
bool assign_printable(FixedString<Capacity>& out, string_view text, char (*convert)(char)) {
  std::array<char, Capacity> printable;
  if (text.size() > Capacity) return false;
  std::ranges::transform(text, printable.begin(),
                         [&](char c) { return c > ' ' && c <= '~' ? convert(c) : '?'; });
  return out.assign({printable.data(), text.size()});
}

string_view take_word(string_view& rest) {
  rest = trim(rest);
  const string_view word = rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size()));
  rest = trim(rest.substr(word.size()));
  return word;
}

uint64_t hash_lower(string_view text, uint64_t hash) {
  for (const char c : text) {
    const char lower = to_lower(c);
    hash = fnv1a({&lower, 1}, hash);
  }
  return hash;
}

// Values of these are hex digits (RFC 6184 8.1, RFC 3640 4.1): servers differ in their case.
bool is_hex_valued(string_view name) {
  return equal_ignoring_case(name, "profile-level-id") || equal_ignoring_case(name, "config");
}

// What servers say differently of the same content, and no decoder needs: a level that they estimate
// (RFC 3640 4.1: informative there; in H.264 it is the stream's own), rates, what clients may send.
bool is_immaterial(string_view name, bool audio) {
  if (audio && equal_ignoring_case(name, "profile-level-id")) return true;
  for (const string_view other : {"streamtype", "bitrate", "level-asymmetry-allowed"})
    if (equal_ignoring_case(name, other)) return true;
  return false;
}

// The sum over the parameters: their order does not count.
uint64_t format_hash(string_view parameters, bool audio) {
  uint64_t sum = 0;
  while (!parameters.empty()) {
    string_view value = trim(take_until(parameters, ';'));
    if (value.empty()) continue;
    const string_view name = trim(take_until(value, '='));
    if (is_immaterial(name, audio)) continue;
    const uint64_t name_hash = fnv1a("=", hash_lower(name, kFnvOffset));
    value = trim(value);
    sum += is_hex_valued(name) ? hash_lower(value, name_hash) : fnv1a(value, name_hash);
  }
  return sum;
}

// "96 H264/90000": true if the attribute speaks of the format that is described.
bool names_format(string_view& value, const Media& media) {
  const auto payload_type = parse_number<uint8_t>(take_word(value));
  return media.has_payload_type && payload_type == media.payload_type;
}

bool read_rtpmap(string_view value, Media& media) {
  if (!names_format(value, media)) return true;
  const string_view encoding = trim(take_until(value, '/'));
  const auto clock_rate = parse_number<uint32_t>(leading_digits(trim(take_until(value, '/'))));
  if (clock_rate) media.clock_rate = *clock_rate;
  media.channels = parse_number<uint32_t>(leading_digits(trim(value))).value_or(0);
  return assign_printable(media.encoding, encoding, to_upper);
}

void read_fmtp(string_view value, Media& media) {
  if (names_format(value, media)) media.format_hash = format_hash(value, media.type.view() == "audio");
}

// "96 nack pli", "* nack pli".
void read_feedback(string_view value, Media& media) {
  const string_view format = take_word(value);
  if (format != "*" && parse_number<uint8_t>(format) != media.payload_type) return;
  media.picture_loss_indication |=
      equal_ignoring_case(take_word(value), "nack") && equal_ignoring_case(take_word(value), "pli");
}

// The session's range stands; of several media's ranges the one that ends last.
void read_range(string_view value, Description& out, bool& of_session) {
  const auto range = parse_npt_range(value);
  if (!range || of_session) return;
  of_session = out.media_count == 0;
  if (of_session || !out.range || out.range->end < range->end) out.range = range;
}

// "IN IP4 224.2.1.1/127", "IN IP6 ff15::1" (RFC 4566 5.7).
bool is_multicast(string_view connection) {
  take_word(connection);
  const string_view type = take_word(connection);
  const string_view address = take_word(connection);
  if (equal_ignoring_case(type, "IP6")) return starts_with_ignoring_case(address, "ff");
  const auto first = parse_number<uint32_t>(leading_digits(address));
  return first && *first >= 224 && *first <= 239;
}

// "video 0 RTP/AVP 96 97".
bool read_media(string_view value, Description& out) {
  if (out.media_count == kMaxMedia) return false;
  Media& media = out.media[out.media_count++];
  const string_view type = take_word(value);
  take_word(value);
  const string_view protocol = take_word(value);
  const auto format = parse_number<uint8_t>(take_word(value));
  media.has_payload_type = format && *format < 128;
  if (media.has_payload_type) {
    media.payload_type = *format;
    media.clock_rate = rtp::static_clock_rate(*format);
  }
  out.secure |= starts_with_ignoring_case(protocol, "RTP/SAVP");
  const auto as_is = [](char c) { return c; };
  return assign_printable(media.type, type, to_lower) &&
         assign_printable(media.protocol, protocol, as_is);
}

class Parser {
 public:
  explicit Parser(Description& out) : out_(out) {}

  bool read_line(string_view line) {
    const string_view kind = trim(take_until(line, '='));
    line = trim(line);
    if (kind == "m") return read_media(line, out_);
    if (kind == "a") return read_attribute(line);
    if (kind == "c") out_.multicast |= is_multicast(line);
    return true;
  }

 private:
  bool read_attribute(string_view value) {
    const string_view name = trim(take_until(value, ':'));
    value = trim(value);
    Media* media = out_.media_count == 0 ? nullptr : &out_.media[out_.media_count - 1u];
    if (name == "control") return (media == nullptr ? out_.control : media->control).assign(value);
    if (name == "range") read_range(value, out_, session_range_);
    if (name == "crypto" || name == "key-mgmt") out_.secure = true;
    if (media == nullptr) return true;
    if (name == "fmtp") read_fmtp(value, *media);
    if (name == "rtcp-fb") read_feedback(value, *media);
    return name != "rtpmap" || read_rtpmap(value, *media);
  }

  Description& out_;
  bool session_range_ = false;
};

}  // namespace

bool parse(std::string_view text, Description& out) {
  out = {};
  text = trim(text);
  string_view version = take_until(text, '\n');
  if (trim(take_until(version, '=')) != "v" || trim(version) != "0") return false;
  Parser parser(out);
  while (!text.empty()) {
    if (!parser.read_line(take_until(text, '\n'))) return false;
  }
  return true;
}

}  // namespace midstream::sdp
