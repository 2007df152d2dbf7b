#include <algorithm>
#include <cstring>

#include "lib/net/checksum.h"
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

// RFC 792: codes 1 to 3 are host, protocol and port.
bool is_unreachable(uint8_t type, uint8_t code, bool v4) {
  return v4 ? type == 3 && code >= 1 && code <= 3 : type == 1;
}

// RFC 1191 4: the second half of the word. Routers older than that leave it 0; then RFC 1191 3 lets a
// host assume what everybody must accept. RFC 4443 3.2: the whole word.
uint16_t path_mtu(Bytes message, bool v4) {
  constexpr uint16_t kAssumed = 576;  // RFC 791 3.2
  if (v4 && message[0] == 3 && message[1] == 4) {
    const uint16_t mtu = load_be16(&message[6]);
    return mtu == 0 ? kAssumed : mtu;
  }
  if (!v4 && message[0] == 2)
    return static_cast<uint16_t>(std::min<uint32_t>(load_be32(&message[4]), UINT16_MAX));
  return 0;
}

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
  out.unreachable = is_unreachable(message[0], message[1], v4);
  out.path_mtu = path_mtu(message, v4);
  if (!ports.ok()) return false;
  out.sequence = TcpSequence(ports.u32());
  return !out.is_tcp || ports.ok();
}

void write_addresses(MutableBytes ip_header, const Address& source, const Address& destination) {
  // RFC 791 3.1, RFC 8200 3
  if (source.is_v4()) {
    std::memcpy(&ip_header[12], source.v4_octets(), 4);
    std::memcpy(&ip_header[16], destination.v4_octets(), 4);
  } else {
    std::memcpy(&ip_header[8], source.octets.data(), 16);
    std::memcpy(&ip_header[24], destination.octets.data(), 16);
  }
}

void rewrite_icmp_error(MutableBytes frame, const Packet& packet, const Address& source,
                        const Address& destination, const QuotedFlow& quoted) {
  const size_t end = size_t{packet.payload_offset} + packet.payload_bytes;
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  const MutableBytes outer = frame.subspan(packet.l3_offset, packet.l4_offset - packet.l3_offset);
  const MutableBytes message = frame.first(end).subspan(packet.l4_offset);
  const MutableBytes quote = message.subspan(kErrorHeaderBytes);
  IpHeader ip;
  if (!(v4 ? parse_ipv4(quote, ip) : parse_ipv6(quote, ip))) return;
  write_addresses(quote, quoted.source.address, quoted.destination.address);
  if (v4) write_ipv4_checksum(quote.first(ip.payload_offset));
  ByteWriter transport(quote.subspan(ip.payload_offset));
  transport.u16(quoted.source.port);
  transport.u16(quoted.destination.port);
  if (quoted.is_tcp) transport.u32(quoted.sequence.value());

  write_addresses(outer, source, destination);
  if (v4) write_ipv4_checksum(outer);
  write_icmp_checksum(v4 ? Bytes{} : addresses_of(outer, false), message);
}

}  // namespace midstream::net
