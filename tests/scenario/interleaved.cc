#include "tests/scenario/interleaved.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

namespace midstream::scenario {
namespace {

// No peer of these tests says more before an empty line: what goes on is none.
constexpr size_t kLongestHead = 4096;

std::optional<uint8_t> channel(std::string_view text) {
  uint8_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Channels> read_channels(const std::string& transport) {
  const std::string value = parameter(transport, "interleaved");
  const size_t dash = value.find('-');
  if (dash == std::string::npos) return std::nullopt;
  const auto rtp = channel(std::string_view(value).substr(0, dash));
  const auto rtcp = channel(std::string_view(value).substr(dash + 1));
  if (!rtp || !rtcp) return std::nullopt;
  return Channels{*rtp, *rtcp};
}

std::string write_channels(const Channels& channels) {
  return fmt::format("interleaved={}-{}", channels.rtp, channels.rtcp);
}

std::string write_frame(uint8_t channel, Bytes packet) {
  std::string text{'$', static_cast<char>(channel), static_cast<char>(packet.size() >> 8),
                   static_cast<char>(packet.size() & 0xff)};
  text += as_text(packet);
  return text;
}

Element take_element(std::string& stream, RtspMessage& message, InterleavedFrame& frame) {
  if (stream.empty()) return Element::kNeedMore;
  if (stream[0] != '$') {
    if (std::isupper(static_cast<unsigned char>(stream[0])) == 0) return Element::kGarbage;
    const size_t head = stream.find("\r\n\r\n");
    if (std::min(head, stream.size()) > kLongestHead) return Element::kGarbage;
    const Read read = take_message(stream, message);
    return read == Read::kMessage   ? Element::kMessage
           : read == Read::kGarbage ? Element::kGarbage
                                    : Element::kNeedMore;
  }
  if (stream.size() < kFrameHeaderBytes) return Element::kNeedMore;
  const Bytes bytes = as_bytes(stream);
  const size_t size = load_be16(&bytes[2]);
  if (stream.size() < kFrameHeaderBytes + size) return Element::kNeedMore;
  const Bytes packet = bytes.subspan(kFrameHeaderBytes, size);
  frame = {bytes[1], {packet.begin(), packet.end()}};
  stream.erase(0, kFrameHeaderBytes + size);
  return Element::kFrame;
}

}  // namespace midstream::scenario
