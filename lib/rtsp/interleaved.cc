#include "lib/rtsp/interleaved.h"

#include <algorithm>
#include <string_view>

namespace midstream::rtsp {
namespace {

using std::string_view;

// With the blank behind it: a name inside a list (Public) or at a line's end is no start, nor is the
// version at the end of a request line.
constexpr std::array<string_view, 12> kFirstWords{
    "RTSP/1.0 ", "DESCRIBE ", "ANNOUNCE ", "GET_PARAMETER ", "OPTIONS ",       "PAUSE ",
    "PLAY ",     "RECORD ",   "REDIRECT ", "SETUP ",         "SET_PARAMETER ", "TEARDOWN "};

bool may_be_message(string_view text) {
  return std::ranges::any_of(kFirstWords, [&](string_view word) {
    return text.starts_with(word.substr(0, std::min(word.size(), text.size())));
  });
}

bool may_be_frame(string_view text, const ChannelSet& channels) {
  if (text[0] != '$') return false;
  return text.size() == 1 ? channels.any() : channels[static_cast<uint8_t>(text[1])];
}

}  // namespace

bool are_free(const ChannelSet& taken, const PortPair& channels) {
  const auto [rtp, rtcp] = channels;
  return rtp != rtcp && rtp < kChannels && rtcp < kChannels && !taken[rtp] && !taken[rtcp];
}

void take(ChannelSet& taken, const PortPair& channels) {
  taken.set(channels.rtp);
  taken.set(channels.rtcp);
}

std::optional<FrameHeader> parse_frame_header(Bytes bytes) {
  if (bytes.size() < kFrameHeaderBytes || bytes[0] != '$') return std::nullopt;
  return FrameHeader{bytes[1], load_be16(&bytes[2])};
}

std::array<uint8_t, kFrameHeaderBytes> print_frame_header(const FrameHeader& header) {
  std::array<uint8_t, kFrameHeaderBytes> bytes{'$', header.channel};
  store_be16(&bytes[2], header.length);
  return bytes;
}

size_t resynchronise(Bytes bytes, const ChannelSet& channels) {
  const string_view text = as_text(bytes);
  constexpr string_view kFirstBytes = "$RDAGOPST";  // most bytes are none of these
  size_t at = text.find_first_of(kFirstBytes);
  while (at != string_view::npos) {
    if (may_be_frame(text.substr(at), channels) || may_be_message(text.substr(at))) return at;
    at = text.find_first_of(kFirstBytes, at + 1);
  }
  return text.size();
}

}  // namespace midstream::rtsp
