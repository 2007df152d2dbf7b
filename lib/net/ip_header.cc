#include "lib/net/ip_header.h"

#include <algorithm>

namespace midstream::net {

namespace {

// RFC 8200 4: extension headers.
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragmentHeader = 44;
constexpr uint8_t kDestinationOptions = 60;

constexpr uint16_t kIpv4MoreFragments = 0x2000;   // RFC 791 3.1
constexpr uint16_t kIpv4FragmentOffset = 0x1fff;  // RFC 791 3.1
constexpr size_t kFragmentHeaderBytes = 8;        // RFC 8200 4.5

bool is_extension_header(uint8_t protocol) {
  return protocol == kHopByHop || protocol == kRouting || protocol == kFragmentHeader ||
         protocol == kDestinationOptions;
}

void read_fragment_header(Bytes header, IpHeader& out) {
  out.fragment = true;
  out.protocol = header[0];
  out.fragment_offset = load_be16(&header[2]) >> 3;
  out.payload_offset += kFragmentHeaderBytes;
}

// `packet` ends where the IP length says, or earlier. Every turn takes 8 bytes or more.
bool skip_extension_headers(Bytes packet, IpHeader& out) {
  while (is_extension_header(out.protocol)) {
    const Bytes rest = packet.subspan(out.payload_offset);
    if (rest.size() < 8) return false;
    if (out.protocol == kFragmentHeader) {
      read_fragment_header(rest, out);
      return true;
    }
    const size_t header_bytes = 8 + size_t{rest[1]} * 8;
    if (rest.size() < header_bytes) return false;
    const uint8_t segments_left = rest[3];  // of a routing header
    if (out.protocol == kRouting && segments_left != 0) return true;
    out.protocol = rest[0];
    out.payload_offset += header_bytes;
  }
  return true;
}

}  // namespace

bool parse_ipv4(Bytes packet, IpHeader& out) {
  if (packet.size() < kIpv4HeaderBytes || packet[0] >> 4 != 4) return false;
  out.payload_offset = (packet[0] & 0x0f) * size_t{4};
  out.length = load_be16(&packet[2]);
  if (out.payload_offset < kIpv4HeaderBytes) return false;
  if (out.payload_offset > std::min(packet.size(), out.length)) return false;

  const uint16_t fragment = load_be16(&packet[6]);
  out.fragment_offset = fragment & kIpv4FragmentOffset;
  out.fragment = (fragment & kIpv4MoreFragments) != 0 || out.fragment_offset != 0;
  out.protocol = packet[9];
  out.source = Address::v4(packet.subspan(12, 4));
  out.destination = Address::v4(packet.subspan(16, 4));
  return true;
}

bool parse_ipv6(Bytes packet, IpHeader& out) {
  if (packet.size() < kIpv6HeaderBytes || packet[0] >> 4 != 6) return false;
  out.length = kIpv6HeaderBytes + load_be16(&packet[4]);
  out.protocol = packet[6];
  out.payload_offset = kIpv6HeaderBytes;
  out.source = Address::v6(packet.subspan(8, 16));
  out.destination = Address::v6(packet.subspan(24, 16));
  // Mapped addresses do not belong on the wire (RFC 4942 2.2); here they would pass for IPv4.
  if (out.source.is_v4() || out.destination.is_v4()) return false;
  return skip_extension_headers(packet.first(std::min(packet.size(), out.length)), out);
}

}  // namespace midstream::net
