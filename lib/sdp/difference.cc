#include <algorithm>
#include <string>

#include "lib/sdp/description.h"

namespace midstream::sdp {
namespace {

using std::string;
using std::string_view;

string is_and_was(string_view what, string_view is, string_view was) {
  return string(what) + ' ' + string(is) + ", was " + string(was);
}

// RFC 3551 6: below 96 a payload type says its encoding, also without an rtpmap.
bool is_static(const Media& media) { return media.has_payload_type && media.payload_type < 96; }

string encoding_of(const Media& media) {
  if (!media.encoding.empty()) return string(media.encoding.view());
  return is_static(media) ? "payload type " + std::to_string(media.payload_type) : "none";
}

bool same_encoding(const Media& reference, const Media& other) {
  if (encoding_of(reference) == encoding_of(other)) return true;
  const bool one_is_implied = reference.encoding.empty() != other.encoding.empty();
  return one_is_implied && is_static(reference) && is_static(other) &&
         reference.payload_type == other.payload_type;
}

// RFC 4566 6: what is not said is one channel; but in RFC 3640's formats the configuration says it.
bool same_channels(const Media& reference, const Media& other) {
  const bool both = reference.channels != 0 && other.channels != 0;
  if (!both && reference.encoding.view() == "MPEG4-GENERIC") return true;
  return std::max(reference.channels, 1u) == std::max(other.channels, 1u);
}

string media_difference(const Media& reference, const Media& other) {
  if (reference.type.view() != other.type.view()) {
    return is_and_was("type", other.type.view(), reference.type.view());
  }
  if (!same_encoding(reference, other)) {
    return is_and_was("encoding", encoding_of(other), encoding_of(reference));
  }
  if (reference.clock_rate != other.clock_rate) {
    return is_and_was("clock rate", std::to_string(other.clock_rate),
                      std::to_string(reference.clock_rate));
  }
  if (!same_channels(reference, other)) {
    return is_and_was("channels", std::to_string(std::max(other.channels, 1u)),
                      std::to_string(std::max(reference.channels, 1u)));
  }
  return reference.format_hash == other.format_hash ? "" : "format parameters differ";
}

FixedString<128> fixed(string_view text) {
  FixedString<128> result;
  (void)result.assign(text.substr(0, 128));
  return result;
}

}  // namespace

FixedString<128> difference(const Description& reference, const Description& other) {
  if (reference.media_count != other.media_count) {
    return fixed(is_and_was("media count", std::to_string(other.media_count),
                            std::to_string(reference.media_count)));
  }
  for (size_t i = 0; i < reference.media_count; ++i) {
    const string what = media_difference(reference.media[i], other.media[i]);
    if (!what.empty()) return fixed("media " + std::to_string(i + 1) + ": " + what);
  }
  return {};
}

}  // namespace midstream::sdp
