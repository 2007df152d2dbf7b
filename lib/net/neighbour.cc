// Neighbour discovery (RFC 4861): solicitations and advertisements, read and written in the terms that
// ARP has as well.
#include <algorithm>

#include "lib/net/checksum.h"
#include "lib/net/ip_header.h"
#include "lib/net/link_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

// RFC 4861 4.3, 4.4, 4.6.
constexpr uint8_t kSolicitation = 135;
constexpr uint8_t kAdvertisement = 136;
constexpr uint8_t kSourceLinkAddress = 1;
constexpr uint8_t kTargetLinkAddress = 2;
constexpr uint32_t kSolicited = 0x4000'0000;
constexpr uint32_t kOverride = 0x2000'0000;
constexpr size_t kFixedBytes = 24;  // up to the options
constexpr size_t kLinkOptionBytes = 8;

// RFC 4861 6.1.1, 7.1.1: proof that the sender is on the link, since routers would have lowered it.
constexpr uint8_t kHopLimit = 255;

constexpr size_t kHopLimitOffset = 7;  // RFC 8200 3

// RFC 4291 2.7.1: ff02::1, all nodes; ff02::1:ff00:0/104, solicited node.
constexpr std::array<uint8_t, 16> kAllNodes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<uint8_t, 13> kSolicitedNodePrefix{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

bool is_multicast(const Address& address) { return !address.is_v4() && address.octets[0] == 0xff; }

// The link-layer address option of that type. False if any option is malformed.
bool read_link_option(Bytes options, uint8_t wanted, std::optional<MacAddress>& out) {
  while (!options.empty()) {
    if (options.size() < 2 || options[1] == 0) return false;  // RFC 4861 4.6: length 0 is discarded
    const size_t bytes = options[1] * size_t{8};
    if (bytes > options.size()) return false;
    if (options[0] == wanted && bytes == kLinkOptionBytes) {
      out.emplace();
      std::copy_n(options.begin() + 2, out->octets.size(), out->octets.begin());
    }
    options = options.subspan(bytes);
  }
  return true;
}

// RFC 4861 7.1.1.
bool read_solicitation(const Packet& packet, const Address& target, std::optional<MacAddress> link,
                       NeighbourMessage& out) {
  const Address& source = packet.source.address;
  if (source.is_unspecified() && (link || packet.destination.address != solicited_node(target)))
    return false;
  out = {true, link.value_or(packet.source_mac), source, {}, target};
  return true;
}

// RFC 4861 7.1.2.
bool read_advertisement(const Packet& packet, const Address& target, uint32_t flags,
                        std::optional<MacAddress> link, NeighbourMessage& out) {
  const Address& destination = packet.destination.address;
  if (is_multicast(destination) && (flags & kSolicited) != 0) return false;
  out = {false, link.value_or(packet.source_mac), target, packet.destination_mac, destination};
  return true;
}

bool parse_discovery(Bytes frame, const Packet& packet, NeighbourMessage& out) {
  const size_t end = size_t{packet.payload_offset} + packet.payload_bytes;
  if (packet.kind != PacketKind::kIcmp || packet.ether_type != kEtherTypeIpv6 || end > frame.size())
    return false;
  const Bytes ip = frame.subspan(packet.l3_offset);
  const Bytes message = frame.first(end).subspan(packet.l4_offset);
  if (message.size() < kFixedBytes || ip[kHopLimitOffset] != kHopLimit) return false;
  const bool solicitation = message[0] == kSolicitation;
  if ((!solicitation && message[0] != kAdvertisement) || message[1] != 0) return false;
  if (!transport_checksum_holds(addresses_of(ip, false), kProtocolIcmpv6, message)) return false;

  const Address target = Address::v6(message.subspan(8, 16));
  std::optional<MacAddress> link;
  if (is_multicast(target) || target.is_v4()) return false;
  if (!read_link_option(message.subspan(kFixedBytes),
                        solicitation ? kSourceLinkAddress : kTargetLinkAddress, link))
    return false;
  return solicitation ? read_solicitation(packet, target, link, out)
                      : read_advertisement(packet, target, load_be32(&message[4]), link, out);
}

// Who is to hear it: everybody who may be asked, everybody if the asker has no address yet, or one.
Address receiver(const LinkHeader& link, const NeighbourMessage& message) {
  if (message.is_request)
    return link.destination == kBroadcastMac ? solicited_node(message.target) : message.target;
  return message.target.is_unspecified() ? Address::v6(kAllNodes) : message.target;
}

size_t build_discovery_frame(MutableBytes out, LinkHeader link, const NeighbourMessage& message) {
  const Address destination = receiver(link, message);
  if (is_multicast(destination)) link.destination = multicast_mac(destination);
  const size_t transport_bytes = kFixedBytes + kLinkOptionBytes;
  const size_t l3 = link_header_bytes(link);
  const size_t size = l3 + kIpv6HeaderBytes + transport_bytes;
  if (size > out.size()) return 0;
  ByteWriter writer(out);
  write_link_header(writer, link, kEtherTypeIpv6);
  writer.u32(0x60000000);  // version 6
  writer.u16(static_cast<uint16_t>(transport_bytes));
  writer.u8(kProtocolIcmpv6);
  writer.u8(kHopLimit);
  writer.bytes(message.sender.octets);
  writer.bytes(destination.octets);
  writer.u8(message.is_request ? kSolicitation : kAdvertisement);
  writer.u8(0);
  writer.u16(0);  // checksum: written when the message is complete
  writer.u32(message.is_request ? 0 : is_multicast(destination) ? kOverride : kSolicited | kOverride);
  writer.bytes((message.is_request ? message.target : message.sender).octets);
  writer.u8(message.is_request ? kSourceLinkAddress : kTargetLinkAddress);
  writer.u8(kLinkOptionBytes / 8);
  writer.bytes(message.sender_mac.octets);
  write_transport_checksum(addresses_of(Bytes(out).subspan(l3), false), kProtocolIcmpv6,
                           out.subspan(l3 + kIpv6HeaderBytes, transport_bytes));
  return size;
}

}  // namespace

Address solicited_node(const Address& target) {
  Address group = target;
  std::ranges::copy(kSolicitedNodePrefix, group.octets.begin());
  return group;
}

MacAddress multicast_mac(const Address& group) {
  MacAddress mac{{0x33, 0x33}};
  std::copy(group.octets.end() - 4, group.octets.end(), mac.octets.begin() + 2);
  return mac;
}

bool parse_neighbour(Bytes frame, const Packet& packet, NeighbourMessage& out) {
  return packet.kind == PacketKind::kArp ? parse_arp(frame, packet, out)
                                         : parse_discovery(frame, packet, out);
}

size_t build_neighbour_frame(MutableBytes out, const LinkHeader& link,
                             const NeighbourMessage& message) {
  // The target of a reply to a host without an address yet is none.
  const bool v4 = message.sender.is_v4();
  if (!message.target.is_unspecified() && message.target.is_v4() != v4) return 0;
  return v4 ? build_arp_frame(out, link, message) : build_discovery_frame(out, link, message);
}

}  // namespace midstream::net
