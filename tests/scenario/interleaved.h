// RTP inside the RTSP connection (RFC 2326 10.12) as the tests write and read it, apart from the
// product's code: '$', the channel, two bytes of length, the packet; between messages, never inside
// one.
//
// A byte stream is read from its front: take_element() takes a frame or a message off it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/bytes.h"
#include "tests/scenario/movie.h"
#include "tests/scenario/rtsp_text.h"

namespace midstream::scenario {

struct Channels {
  uint8_t rtp = 0, rtcp = 1;
  bool operator==(const Channels&) const = default;
};
// The value of `interleaved=` in a Transport header; nothing if there is none or it is none.
std::optional<Channels> read_channels(const std::string& transport);
std::string write_channels(const Channels& channels);  // "interleaved=0-1"

struct InterleavedFrame {
  uint8_t channel = 0;
  Payload packet;
};
constexpr size_t kFrameHeaderBytes = 4;
std::string write_frame(uint8_t channel, Bytes packet);

enum class Element { kMessage, kFrame, kNeedMore, kGarbage };
// What cannot become either is garbage as soon as that can be seen.
Element take_element(std::string& stream, RtspMessage& message, InterleavedFrame& frame);

}  // namespace midstream::scenario
