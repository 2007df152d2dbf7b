#include <algorithm>

#include "lib/net/ip_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

constexpr size_t kErrorHeaderBytes = 8;  // type, code, checksum, and a word that the type explains

// RFC 792: destination unreachable, source quench, time exceeded, parameter problem. A redirect
// quotes a packet too, but is advice to its sender about routes and no error of the flow.
bool is_icmp_error(uint8_t type) { return type == 3 || type == 4 || type == 11 || type == 12; }

// RFC 4443 3: destination unreachable, packet too big, time exceeded, parameter problem.
bool is_icmpv6_error(uint8_t type) { return type >= 1 && type <= 4; }

}  // namespace

bool parse_icmp_error(Bytes frame, const Packet& packet, QuotedFlow& out) {
  const size_t end = size_t{packet.payload_offset} + packet.payload_bytes;
  if (packet.kind != PacketKind::kIcmp || end > frame.size()) return false;
  const Bytes message = frame.first(end).subspan(packet.l4_offset);
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  if (message.size() < kErrorHeaderBytes) return false;
  if (!(v4 ? is_icmp_error(message[0]) : is_icmpv6_error(message[0]))) return false;

  const Bytes quote = message.subspan(kErrorHeaderBytes);
  IpHeader ip;
  if (!(v4 ? parse_ipv4(quote, ip) : parse_ipv6(quote, ip))) return false;
  if (ip.fragment_offset != 0) return false;  // the ports were in the first fragment
  if (ip.protocol != kProtocolTcp && ip.protocol != kProtocolUdp) return false;

  ByteReader ports(quote.first(std::min(quote.size(), ip.length)).subspan(ip.payload_offset));
  out.is_tcp = ip.protocol == kProtocolTcp;
  out.source = {ip.source, ports.u16()};
  out.destination = {ip.destination, ports.u16()};
  return ports.ok();
}

}  // namespace midstream::net
