#include <algorithm>

#include "lib/net/link_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

// RFC 826: hardware type Ethernet, protocol IPv4, address lengths 6 and 4.
constexpr uint64_t kEthernetIpv4 = 0x0001'0800'0604;
constexpr uint16_t kRequest = 1;
constexpr uint16_t kReply = 2;
constexpr size_t kArpBytes = 28;

void read_pair(ByteReader& reader, MacAddress& mac, Address& address) {
  const Bytes octets = reader.bytes(mac.octets.size());
  std::copy(octets.begin(), octets.end(), mac.octets.begin());
  address = Address::v4(reader.u32());
}

void write_pair(ByteWriter& writer, const MacAddress& mac, const Address& address) {
  writer.bytes(mac.octets);
  writer.u32(address.v4_value());
}

}  // namespace

bool parse_arp(Bytes frame, const Packet& packet, NeighbourMessage& out) {
  if (packet.kind != PacketKind::kArp || packet.l3_offset > frame.size()) return false;
  ByteReader reader(frame.subspan(packet.l3_offset));
  const uint64_t formats = uint64_t{reader.u32()} << 16 | reader.u16();
  const uint16_t operation = reader.u16();
  out.is_request = operation == kRequest;
  read_pair(reader, out.sender_mac, out.sender);
  read_pair(reader, out.target_mac, out.target);
  return reader.ok() && formats == kEthernetIpv4 && (operation == kRequest || operation == kReply);
}

size_t build_arp_frame(MutableBytes out, const LinkHeader& link, const NeighbourMessage& message) {
  if (!message.sender.is_v4() || !message.target.is_v4()) return 0;
  if (link_header_bytes(link) + kArpBytes > out.size()) return 0;
  ByteWriter writer(out);
  write_link_header(writer, link, kEtherTypeArp);
  writer.u32(kEthernetIpv4 >> 16);
  writer.u16(kEthernetIpv4 & 0xffff);
  writer.u16(message.is_request ? kRequest : kReply);
  write_pair(writer, message.sender_mac, message.sender);
  write_pair(writer, message.target_mac, message.target);
  return writer.position();
}

}  // namespace midstream::net
