#include "lib/net/fragment.h"

#include <algorithm>

#include "lib/net/checksum.h"
#include "lib/net/ip_header.h"

namespace midstream::net {

namespace {

constexpr uint8_t kHopByHop = 0;  // RFC 8200 4.3
constexpr uint8_t kFragmentHeader = 44;
constexpr size_t kFragmentHeaderBytes = 8;
constexpr uint16_t kDoNotFragment = 0x4000, kMoreFragments = 0x2000;  // RFC 791 3.1
constexpr size_t kUnit = 8;                                           // offsets count in it

// The IP packet of a frame, without padding; empty if there is none.
Bytes ip_packet(Bytes frame, const Packet& packet, IpHeader& ip) {
  const Bytes rest = frame.subspan(std::min<size_t>(packet.l3_offset, frame.size()));
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  if (!v4 && packet.ether_type != kEtherTypeIpv6) return {};
  if (!(v4 ? parse_ipv4(rest, ip) : parse_ipv6(rest, ip)) || ip.length > rest.size()) return {};
  return rest.first(ip.length);
}

void write_ipv4_fragment(MutableBytes header, size_t piece, size_t offset, bool more,
                         const FragmentSize& size) {
  const uint16_t kept = load_be16(&header[6]) & kDoNotFragment;
  store_be16(&header[2], static_cast<uint16_t>(header.size() + piece));
  store_be16(&header[4], static_cast<uint16_t>(size.identification));
  store_be16(&header[6], static_cast<uint16_t>(kept | (more ? kMoreFragments : 0) | offset / kUnit));
  write_ipv4_checksum(header);
}

void write_ipv6_fragment(MutableBytes headers, size_t piece, size_t offset, bool more,
                         const FragmentSize& size) {
  const uint8_t protocol = headers[6];
  store_be16(&headers[4], static_cast<uint16_t>(kFragmentHeaderBytes + piece));
  headers[6] = kFragmentHeader;
  headers[kIpv6HeaderBytes] = protocol;
  headers[kIpv6HeaderBytes + 1] = 0;
  store_be16(&headers[kIpv6HeaderBytes + 2], static_cast<uint16_t>(offset | (more ? 1 : 0)));
  store_be32(&headers[kIpv6HeaderBytes + 4], size.identification);
}

}  // namespace

bool parse_fragment(Bytes frame, const Packet& packet, Fragment& out) {
  IpHeader ip;
  if (packet.kind != PacketKind::kFragment) return false;
  const Bytes bytes = ip_packet(frame, packet, ip);
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  if (bytes.empty() || (!v4 && ip.payload_offset != kIpv6HeaderBytes + kFragmentHeaderBytes))
    return false;
  out.identification = v4 ? load_be16(&bytes[4]) : load_be32(&bytes[kIpv6HeaderBytes + 4]);
  out.protocol = ip.protocol;
  out.first = ip.fragment_offset == 0;
  out.header_bytes = ip.payload_offset;
  out.source.address = ip.source;
  out.destination.address = ip.destination;
  if (!out.first || (ip.protocol != kProtocolTcp && ip.protocol != kProtocolUdp)) return true;
  ByteReader ports(bytes.subspan(ip.payload_offset));
  out.source.port = ports.u16();
  out.destination.port = ports.u16();
  return true;
}

size_t write_fragment(Bytes frame, const Packet& packet, const FragmentSize& size, size_t& position,
                      MutableBytes out) {
  IpHeader ip;
  const Bytes whole = ip_packet(frame, packet, ip);
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  const size_t header_bytes = v4 ? ip.payload_offset : kIpv6HeaderBytes;
  if (whole.empty() || ip.fragment || (!v4 && whole[6] == kHopByHop)) return 0;
  const Bytes payload = whole.subspan(header_bytes);
  const size_t headers = header_bytes + (v4 ? 0 : kFragmentHeaderBytes);
  if (position >= payload.size() || size.packet_bytes < headers + kUnit) return 0;

  const size_t room = size.packet_bytes - headers;
  const size_t left = payload.size() - position;
  const bool more = left > room;
  const size_t piece = more ? room / kUnit * kUnit : left;
  const size_t frame_bytes = packet.l3_offset + headers + piece;
  if (frame_bytes > out.size()) return 0;
  std::ranges::copy(frame.first(packet.l3_offset + header_bytes), out.begin());
  std::ranges::copy(payload.subspan(position, piece), out.begin() + packet.l3_offset + headers);
  (v4 ? write_ipv4_fragment : write_ipv6_fragment)(out.subspan(packet.l3_offset, headers), piece,
                                                   position, more, size);
  position += piece;
  return frame_bytes;
}

}  // namespace midstream::net
