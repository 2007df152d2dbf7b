#include "lib/net/checksum.h"
#include "lib/net/ip_header.h"
#include "lib/net/link_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

constexpr uint8_t kTimeToLive = 64;          // RFC 1700: the recommended default
constexpr uint16_t kDoNotFragment = 0x4000;  // RFC 791 3.1; allows an id of 0 (RFC 6864 4.1)
constexpr size_t kMaxIpLength = UINT16_MAX;  // IPv4 total length, IPv6 payload length
constexpr size_t kVlanTagBytes = 4;

size_t ip_header_bytes(const Address& address) {
  return address.is_v4() ? kIpv4HeaderBytes : kIpv6HeaderBytes;
}

void write_ipv4_header(ByteWriter& writer, const Address& source, const Address& destination,
                       uint8_t protocol, size_t payload_bytes) {
  writer.u16(0x4500);  // version 4, five words, no DSCP
  writer.u16(static_cast<uint16_t>(kIpv4HeaderBytes + payload_bytes));
  writer.u16(0);  // identification
  writer.u16(kDoNotFragment);
  writer.u8(kTimeToLive);
  writer.u8(protocol);
  writer.u16(0);  // checksum: written when the header is complete
  writer.bytes({source.v4_octets(), 4});
  writer.bytes({destination.v4_octets(), 4});
}

void write_ipv6_header(ByteWriter& writer, const Address& source, const Address& destination,
                       uint8_t protocol, size_t payload_bytes) {
  writer.u32(0x60000000);  // version 6, no traffic class, no flow label
  writer.u16(static_cast<uint16_t>(payload_bytes));
  writer.u8(protocol);
  writer.u8(kTimeToLive);
  writer.bytes(source.octets);
  writer.bytes(destination.octets);
}

// Writes link and IP header in front of `transport_bytes` that lie in `out` already, and both
// checksums. Returns the frame's size.
size_t wrap(MutableBytes out, const LinkHeader& link, const Address& source, const Address& destination,
            uint8_t protocol, size_t transport_bytes) {
  const bool v4 = source.is_v4();
  const size_t l3 = link_header_bytes(link);
  const size_t l4 = header_bytes(link, source);
  ByteWriter writer(out);
  write_link_header(writer, link, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  if (v4) {
    write_ipv4_header(writer, source, destination, protocol, transport_bytes);
    write_ipv4_checksum(out.subspan(l3, l4 - l3));
  } else {
    write_ipv6_header(writer, source, destination, protocol, transport_bytes);
  }
  write_transport_checksum(addresses_of(out.subspan(l3, l4 - l3), v4), protocol,
                           out.subspan(l4, transport_bytes));
  return l4 + transport_bytes;
}

bool fits(MutableBytes out, const LinkHeader& link, const Address& source, const Address& destination,
          size_t transport_bytes) {
  if (source.is_v4() != destination.is_v4()) return false;
  if (transport_bytes > kMaxIpLength - (source.is_v4() ? kIpv4HeaderBytes : 0)) return false;
  return header_bytes(link, source) + transport_bytes <= out.size();
}

}  // namespace

size_t link_header_bytes(const LinkHeader& link) {
  return kEthernetHeaderBytes + (link.tagged ? kVlanTagBytes : 0);
}

void write_link_header(ByteWriter& writer, const LinkHeader& link, uint16_t ether_type) {
  writer.bytes(link.destination.octets);
  writer.bytes(link.source.octets);
  if (link.tagged) {
    writer.u16(kEtherTypeVlan);
    writer.u16(link.vlan_tci);
  }
  writer.u16(ether_type);
}

size_t header_bytes(const LinkHeader& link, const Address& address) {
  return link_header_bytes(link) + ip_header_bytes(address);
}

size_t build_tcp_frame(MutableBytes out, const LinkHeader& link, const Address& source,
                       const Address& destination, Bytes segment) {
  if (segment.size() < kTcpHeaderBytes || !fits(out, link, source, destination, segment.size()))
    return 0;
  // The segment may lie in `out` already, so it moves before anything else is written.
  std::memmove(&out[header_bytes(link, source)], segment.data(), segment.size());
  return wrap(out, link, source, destination, kProtocolTcp, segment.size());
}

size_t build_udp_frame(MutableBytes out, const LinkHeader& link, const Endpoint& source,
                       const Endpoint& destination, Bytes payload) {
  const size_t datagram_bytes = kUdpHeaderBytes + payload.size();
  if (!fits(out, link, source.address, destination.address, datagram_bytes)) return 0;
  const MutableBytes datagram = out.subspan(header_bytes(link, source.address), datagram_bytes);
  if (!payload.empty()) std::memmove(&datagram[kUdpHeaderBytes], payload.data(), payload.size());
  ByteWriter writer(datagram);
  writer.u16(source.port);
  writer.u16(destination.port);
  writer.u16(static_cast<uint16_t>(datagram_bytes));
  return wrap(out, link, source.address, destination.address, kProtocolUdp, datagram_bytes);
}

void refresh_checksums(MutableBytes frame, const Packet& packet) {
  const size_t end = size_t{packet.payload_offset} + packet.payload_bytes;
  if (end > frame.size()) return;
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  const uint8_t protocol = packet.kind == PacketKind::kTcp ? kProtocolTcp : kProtocolUdp;
  const MutableBytes ip_header = frame.subspan(packet.l3_offset, packet.l4_offset - packet.l3_offset);
  if (v4) write_ipv4_checksum(ip_header);
  write_transport_checksum(addresses_of(ip_header, v4), protocol,
                           frame.subspan(packet.l4_offset, end - packet.l4_offset));
}

}  // namespace midstream::net
