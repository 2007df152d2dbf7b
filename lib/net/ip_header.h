// The IP header of a packet, or of what an ICMP error quotes of one: IPv4 with its options, IPv6
// with its extension headers, read into one shape.
//
// The walk over IPv6 extension headers ends at the first that hides what follows: a fragment header
// (then `fragment` is set and `protocol` is what it names), a routing header with segments left
// (the checksum then speaks of an address that is not the destination, RFC 8200 8.1), ESP, AH, or
// anything unknown. `protocol` of the latter is the number of that header.
#pragma once

#include <cstdint>

#include "lib/base/address.h"
#include "lib/base/bytes.h"

namespace midstream::net {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;
inline constexpr uint8_t kProtocolIcmpv6 = 58;

inline constexpr size_t kEthernetHeaderBytes = 14;  // without tags
inline constexpr size_t kIpv4HeaderBytes = 20;      // without options
inline constexpr size_t kIpv6HeaderBytes = 40;      // without extension headers
inline constexpr size_t kTcpHeaderBytes = 20;       // without options
inline constexpr size_t kUdpHeaderBytes = 8;

struct IpHeader {
  Address source;
  Address destination;
  uint8_t protocol = 0;
  bool fragment = false;
  uint16_t fragment_offset = 0;  // in units of 8 bytes
  size_t payload_offset = 0;     // from the first byte of the IP header
  size_t length = 0;             // whole packet, as the header states it; may exceed what is there
};

// False if the header itself is wrong or does not fit into `packet` or into its own length.
bool parse_ipv4(Bytes packet, IpHeader& out);
bool parse_ipv6(Bytes packet, IpHeader& out);

// Source and destination as they lie in the IP header, which must be whole.
inline Bytes addresses_of(Bytes ip_header, bool v4) {
  return v4 ? ip_header.subspan(12, 8) : ip_header.subspan(8, 32);  // RFC 791 3.1, RFC 8200 3
}

}  // namespace midstream::net
