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

// Version 2, and all lengths inside the packet.
std::optional<Header> parse_header(Bytes packet);

// The same of its first twelve bytes alone: without what is said of the payload.
inline constexpr size_t kFixedHeaderBytes = 12;  // RFC 3550 5.1
std::optional<Header> parse_fixed_header(Bytes packet);

// RFC 5761 4: on a shared port, packet types 64 to 95 (marker bit included: 192 to 223) are RTCP.
bool looks_like_rtcp(Bytes packet);

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
