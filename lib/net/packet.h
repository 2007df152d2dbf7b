// One Ethernet frame, parsed once: VLAN tags skipped, IPv4 or IPv6, TCP or UDP found.
//
// parse_packet never fails: what it does not know stays kOther and is bridged. Offsets count from
// the first byte of the frame. `payload` of TCP ends where the IP length says, that of UDP where
// its own length says, so Ethernet padding is left out.
//
// Example: a UDP datagram of 4 bytes over IPv4 in one VLAN, padded to 60 bytes. 14 bytes Ethernet
// and a tag of 4: l3_offset 18. 20 bytes of IPv4 without options: l4_offset 38. payload_offset 46,
// payload_bytes 4; bytes 50 to 59 are padding.
#pragma once

#include <cstdint>

#include "lib/base/address.h"
#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream::net {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;
inline constexpr uint16_t kEtherTypeQinq = 0x88a8;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

enum class PacketKind : uint8_t { kOther, kArp, kTcp, kUdp, kIcmp, kFragment, kOtherIp };

struct Packet {
  PacketKind kind = PacketKind::kOther;
  MacAddress source_mac;
  MacAddress destination_mac;
  uint16_t ether_type = 0;  // innermost
  uint16_t vlan_tci = 0;    // outermost tag as on the wire; valid if vlan_tags > 0
  uint8_t vlan_tags = 0;
  uint16_t l3_offset = 0;
  uint16_t l4_offset = 0;       // valid for kTcp, kUdp, kIcmp
  uint16_t payload_offset = 0;  // valid for kTcp, kUdp; for kIcmp what follows the checksum
  uint16_t payload_bytes = 0;
  Endpoint source;  // port 0 unless kTcp or kUdp
  Endpoint destination;
};

// A length field that contradicts the frame's size makes it kOther, and so does an IPv6 packet with
// IPv4-mapped addresses. Any fragment is kFragment, with its addresses. IPv6 hop-by-hop, routing and
// destination options headers are skipped; a routing header with segments left makes it kOtherIp.
void parse_packet(Bytes frame, Packet& out);
inline Packet parse_packet(Bytes frame) {
  Packet packet;
  parse_packet(frame, packet);
  return packet;
}

// Where a frame that we make up goes: what a session learned from its peer's own frames.
struct LinkHeader {
  MacAddress source;
  MacAddress destination;
  bool tagged = false;
  uint16_t vlan_tci = 0;
};

// Size of the link and IP header that the builders below write in front of the TCP segment or UDP
// datagram.
size_t header_bytes(const LinkHeader& link, const Address& address);

// Write a whole frame into `out`, checksums included; returns its size, 0 if it does not fit or the
// addresses are not of one family. `segment` is a complete TCP segment (header and payload) with any
// checksum field. `segment` and `payload` may lie in `out`.
size_t build_tcp_frame(MutableBytes out, const LinkHeader& link, const Address& source,
                       const Address& destination, Bytes segment);
size_t build_udp_frame(MutableBytes out, const LinkHeader& link, const Endpoint& source,
                       const Endpoint& destination, Bytes payload);

// Recomputes the IPv4 header checksum and the TCP or UDP checksum of a frame whose fields were
// changed in place (addresses are read from the frame). `packet` must describe it (kTcp or kUdp).
// In full, not by difference: a frame from a virtual port may carry a checksum that was left to
// hardware, of the pseudo header alone.
void refresh_checksums(MutableBytes frame, const Packet& packet);

// Makes an echo request (RFC 792, RFC 4443 4.1) its own reply, in place: from the address that was
// asked, `own` the MAC that answers, to whoever asked, in the same VLAN. False, and nothing is changed,
// if the frame is no echo request.
bool answer_echo(MutableBytes frame, const Packet& packet, const MacAddress& own);

// Who has which link-layer address: an ARP message (RFC 826), or a neighbour solicitation or
// advertisement (RFC 4861 4.3, 4.4), which say the same for IPv6. A solicitation or advertisement that
// names no link-layer address has that of its frame. A host that asks whether its own address is free
// has the sender 0.0.0.0 (RFC 5227) or :: (RFC 4862 5.4.2); the reply to it has that target.
struct NeighbourMessage {
  bool is_request = false;
  MacAddress sender_mac;
  Address sender;
  MacAddress target_mac;
  Address target;
};
// Neighbour discovery is believed only from the link itself, with a good checksum (RFC 4861 7.1).
bool parse_neighbour(Bytes frame, const Packet& packet, NeighbourMessage& out);
// A request to kBroadcastMac goes to all that may have the address: in IPv6 to the group of its
// solicited node, also in the Ethernet header. 0 if it does not fit or families are mixed.
size_t build_neighbour_frame(MutableBytes out, const LinkHeader& link, const NeighbourMessage& message);

// The IPv4 half of these.
bool parse_arp(Bytes frame, const Packet& packet, NeighbourMessage& out);
size_t build_arp_frame(MutableBytes out, const LinkHeader& link, const NeighbourMessage& message);

Address solicited_node(const Address& target);   // RFC 4291 2.7.1
MacAddress multicast_mac(const Address& group);  // RFC 2464 7

// What an ICMP or ICMPv6 error quotes (RFC 792, RFC 4443), in the order of the quoted packet, and what
// it says about it. False for anything that is not such an error, or quotes too little to tell.
struct QuotedFlow {
  bool is_tcp = false;
  Endpoint source;
  Endpoint destination;
  TcpSequence sequence;      // of TCP
  bool unreachable = false;  // host, protocol or port: nobody is there
  uint16_t path_mtu = 0;     // "fragmentation needed", "packet too big": what would pass; else 0
};
bool parse_icmp_error(Bytes frame, const Packet& packet, QuotedFlow& out);

// Tells an error that parse_icmp_error took in other terms, in place: its own addresses, and of the
// quoted packet addresses, ports and (TCP) sequence number. IP and ICMP checksums are made anew; that
// of the quoted transport is not: it covers bytes that are not quoted.
void rewrite_icmp_error(MutableBytes frame, const Packet& packet, const Address& source,
                        const Address& destination, const QuotedFlow& quoted);

// Addresses of an IP header in place; both of its family. The checksums are the caller's.
void write_addresses(MutableBytes ip_header, const Address& source, const Address& destination);

}  // namespace midstream::net
