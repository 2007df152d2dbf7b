#include <algorithm>
#include <cstring>

#include "lib/net/ip_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

constexpr uint8_t kMaxVlanTags = 2;            // IEEE 802.1ad: service and customer tag
constexpr size_t kMaxFrameBytes = UINT16_MAX;  // what Packet's offsets can express
constexpr size_t kIcmpFixedBytes = 4;          // type, code, checksum

MacAddress read_mac(ByteReader& reader) {
  MacAddress mac;
  const Bytes octets = reader.bytes(mac.octets.size());
  std::copy(octets.begin(), octets.end(), mac.octets.begin());
  return mac;
}

// False if the frame ends inside its Ethernet header or tags.
bool parse_link(Bytes frame, Packet& out) {
  ByteReader reader(frame);
  out.destination_mac = read_mac(reader);
  out.source_mac = read_mac(reader);
  out.ether_type = reader.u16();
  while (out.vlan_tags < kMaxVlanTags &&
         (out.ether_type == kEtherTypeVlan || out.ether_type == kEtherTypeQinq)) {
    const uint16_t tci = reader.u16();
    if (out.vlan_tags == 0) out.vlan_tci = tci;
    ++out.vlan_tags;
    out.ether_type = reader.u16();
  }
  out.l3_offset = static_cast<uint16_t>(reader.position());
  return reader.ok();
}

void set_payload(size_t begin, size_t end, Packet& out) {
  out.payload_offset = static_cast<uint16_t>(begin);
  out.payload_bytes = static_cast<uint16_t>(end - begin);
}

bool parse_tcp(Bytes frame, size_t end, Packet& out) {
  if (end - out.l4_offset < kTcpHeaderBytes) return false;
  const size_t header_bytes = (frame[out.l4_offset + 12] >> 4) * size_t{4};
  if (header_bytes < kTcpHeaderBytes || header_bytes > end - out.l4_offset) return false;
  out.kind = PacketKind::kTcp;
  set_payload(out.l4_offset + header_bytes, end, out);
  return true;
}

// The datagram may be shorter than the IP payload (RFC 9868 puts options there), never longer.
bool parse_udp(Bytes frame, size_t end, Packet& out) {
  if (end - out.l4_offset < kUdpHeaderBytes) return false;
  const size_t length = load_be16(&frame[out.l4_offset + 4]);
  if (length < kUdpHeaderBytes || length > end - out.l4_offset) return false;
  out.kind = PacketKind::kUdp;
  set_payload(out.l4_offset + kUdpHeaderBytes, out.l4_offset + length, out);
  return true;
}

bool parse_icmp(size_t end, Packet& out) {
  if (end - out.l4_offset < kIcmpFixedBytes) return false;
  out.kind = PacketKind::kIcmp;
  set_payload(out.l4_offset + kIcmpFixedBytes, end, out);
  return true;
}

// `end` is where the IP packet ends in the frame; l4_offset does not lie behind it.
bool parse_transport(Bytes frame, uint8_t protocol, size_t end, Packet& out) {
  const bool v4 = out.ether_type == kEtherTypeIpv4;
  if (protocol == (v4 ? kProtocolIcmp : kProtocolIcmpv6)) return parse_icmp(end, out);
  if (protocol != kProtocolTcp && protocol != kProtocolUdp) {
    out.kind = PacketKind::kOtherIp;
    return true;
  }
  if (!(protocol == kProtocolTcp ? parse_tcp(frame, end, out) : parse_udp(frame, end, out))) {
    return false;
  }
  out.source.port = load_be16(&frame[out.l4_offset]);
  out.destination.port = load_be16(&frame[out.l4_offset + 2u]);
  return true;
}

bool parse_ip(Bytes frame, Packet& out) {
  const Bytes packet = frame.subspan(out.l3_offset);
  IpHeader ip;
  if (!(out.ether_type == kEtherTypeIpv4 ? parse_ipv4(packet, ip) : parse_ipv6(packet, ip)))
    return false;
  if (ip.length > packet.size()) return false;  // cut off

  out.source.address = ip.source;
  out.destination.address = ip.destination;
  if (ip.fragment) {
    out.kind = PacketKind::kFragment;
    return true;
  }
  out.l4_offset = static_cast<uint16_t>(out.l3_offset + ip.payload_offset);
  return parse_transport(frame, ip.protocol, out.l3_offset + ip.length, out);
}

// Nearly every frame: untagged, IPv4 without options, not a fragment, UDP. Writes all of `out`. False
// for any other, and for what is wrong: nothing is written.
bool parse_usual(Bytes frame, Packet& out) {
  constexpr size_t kL3 = kEthernetHeaderBytes, kL4 = kL3 + kIpv4HeaderBytes,
                   kPayload = kL4 + kUdpHeaderBytes;
  constexpr uint16_t kVersionAndLength = 0x45, kNotWhole = 0x3fff;  // more fragments, or an offset
  if (frame.size() < kPayload || frame.size() > kMaxFrameBytes) return false;
  const uint8_t* const p = frame.data();
  if (load_be16(p + 12) != kEtherTypeIpv4 || p[kL3] != kVersionAndLength) return false;
  if ((load_be16(p + kL3 + 6) & kNotWhole) != 0 || p[kL3 + 9] != kProtocolUdp) return false;
  const size_t ip_bytes = load_be16(p + kL3 + 2), udp_bytes = load_be16(p + kL4 + 4);
  if (ip_bytes > frame.size() - kL3 || udp_bytes < kUdpHeaderBytes) return false;
  if (udp_bytes + kIpv4HeaderBytes > ip_bytes) return false;
  out.kind = PacketKind::kUdp;
  std::memcpy(out.destination_mac.octets.data(), p, 6);
  std::memcpy(out.source_mac.octets.data(), p + 6, 6);
  out.ether_type = kEtherTypeIpv4;
  out.vlan_tci = 0;
  out.vlan_tags = 0;
  out.l3_offset = kL3;
  out.l4_offset = kL4;
  out.payload_offset = kPayload;
  out.payload_bytes = static_cast<uint16_t>(udp_bytes - kUdpHeaderBytes);
  out.source = {Address::v4({p + kL3 + 12, 4}), load_be16(p + kL4)};
  out.destination = {Address::v4({p + kL3 + 16, 4}), load_be16(p + kL4 + 2)};
  return true;
}

}  // namespace

void parse_packet(Bytes frame, Packet& out) {
  if (parse_usual(frame, out)) return;
  out = {};
  if (!parse_link(frame, out) || frame.size() > kMaxFrameBytes) return;
  const Packet link = out;
  switch (link.ether_type) {
    case kEtherTypeArp:
      out.kind = PacketKind::kArp;
      return;
    case kEtherTypeIpv4:
    case kEtherTypeIpv6:
      if (!parse_ip(frame, out)) out = link;
      return;
  }
}

}  // namespace midstream::net
