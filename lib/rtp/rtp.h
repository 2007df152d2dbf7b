// The RTP header (RFC 3550 5.1), read from and changed in place in a packet.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream::rtp {

struct Header {
  bool marker = false;
  uint8_t payload_type = 0;
  RtpSequence sequence_number;
  RtpTimestamp timestamp;
  uint32_t ssrc = 0;
  uint16_t payload_offset = 0;  // behind CSRCs and extension
  uint16_t payload_bytes = 0;   // padding left out
};

inline constexpr size_t kFixedHeaderBytes = 12;  // RFC 3550 5.1
inline constexpr uint8_t kVersion = 2;

// Its first twelve bytes alone: without what is said of the payload.
inline std::optional<Header> parse_fixed_header(Bytes packet) {
  if (packet.size() < kFixedHeaderBytes || packet[0] >> 6 != kVersion) return std::nullopt;
  return Header{.marker = (packet[1] & 0x80) != 0,
                .payload_type = static_cast<uint8_t>(packet[1] & 0x7F),
                .sequence_number = RtpSequence(load_be16(&packet[2])),
                .timestamp = RtpTimestamp(load_be32(&packet[4])),
                .ssrc = load_be32(&packet[8])};
}

// Version 2, and all lengths inside the packet.
std::optional<Header> parse_whole_header(Bytes packet);
inline std::optional<Header> parse_header(Bytes packet) {
  constexpr uint8_t kPlain = kVersion << 6;  // nothing but payload follows
  if (packet.size() < kFixedHeaderBytes || packet.size() > UINT16_MAX || packet[0] != kPlain)
    return parse_whole_header(packet);
  auto header = parse_fixed_header(packet);
  header->payload_offset = kFixedHeaderBytes;
  header->payload_bytes = static_cast<uint16_t>(packet.size() - kFixedHeaderBytes);
  return header;
}

// RFC 5761 4: on a shared port, packet types 64 to 95 (marker bit included: 192 to 223) are RTCP.
inline bool looks_like_rtcp(Bytes packet) {
  return packet.size() >= 2 && packet[0] >> 6 == kVersion && packet[1] >= 192 && packet[1] <= 223;
}

struct HeaderChange {
  uint8_t payload_type;
  RtpSequence sequence_number;
  RtpTimestamp timestamp;
  uint32_t ssrc;
};
void write_header(MutableBytes packet, const HeaderChange& change);  // a packet parse_header took

// Clock rate of a static payload type (RFC 3551 tables 4 and 5); 0 for dynamic or unassigned.
uint32_t static_clock_rate(uint8_t payload_type);

}  // namespace midstream::rtp
