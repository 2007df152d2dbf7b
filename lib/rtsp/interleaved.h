// RTP and RTCP between the messages of an RTSP connection (RFC 2326 10.12): "$", the channel, a length
// in network byte order, and so many bytes of one packet. A SETUP gives each stream two channels.
//
// Worked example: "$", 0, 0, 12 is followed by 12 bytes of RTP of the stream with interleaved=0-1.
// A length is all that says where the next frame begins. If it was wrong, or bytes are missing, what
// follows is garbage until something begins that can be told from it: "$" with a channel that is in
// use, or the first word of a message.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/rtsp/headers.h"

namespace midstream::rtsp {

inline constexpr size_t kChannels = 256;  // one byte on the wire
using ChannelSet = std::bitset<kChannels>;

// Two different channels, and nobody has either.
bool are_free(const ChannelSet& taken, const PortPair& channels);
// They must be channels: are_free() of some set.
void take(ChannelSet& taken, const PortPair& channels);

struct FrameHeader {
  uint8_t channel = 0;
  uint16_t length = 0;  // of what follows the header
};
inline constexpr size_t kFrameHeaderBytes = 4;
// nullopt if the bytes begin with no "$", or are fewer than a header.
std::optional<FrameHeader> parse_frame_header(Bytes bytes);
std::array<uint8_t, kFrameHeaderBytes> print_frame_header(const FrameHeader& header);

// How many bytes of garbage come before the first place where a frame on one of the channels or a
// message begins, or may begin once more bytes are there: so many can be thrown away. All of them, if
// there is no such place; 0 if it is the very first byte, so what is known to be bad there is skipped
// before.
size_t resynchronise(Bytes bytes, const ChannelSet& channels);

}  // namespace midstream::rtsp
