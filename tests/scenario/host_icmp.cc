// ICMP and ICMPv6 of a host: echo, unreachable ports. Headers of our own: little of it is anything that
// the product builds.
#include "tests/scenario/host.h"

namespace midstream::scenario {
namespace {

// RFC 792, RFC 4443.
struct Types {
  uint8_t echo_request, echo_reply, unreachable, port_unreachable;
};
constexpr Duration kRouterDelay = 10us;
constexpr Types kIcmp{8, 0, 3, 3}, kIcmpv6{128, 129, 1, 4};

const Types& types_of(const Address& address) { return address.is_v4() ? kIcmp : kIcmpv6; }

void write_ipv4(ByteWriter& w, Address source, Address destination, size_t bytes) {
  w.u16(0x4500);
  w.u16(static_cast<uint16_t>(20 + bytes));
  w.u32(0);
  w.u16(0x4001);  // TTL 64, ICMP
  w.u16(0);
  w.u32(source.v4_value());
  w.u32(destination.v4_value());
}

void write_ipv6(ByteWriter& w, Address source, Address destination, size_t bytes) {
  w.u32(0x60000000);
  w.u16(static_cast<uint16_t>(bytes));
  w.u16(0x3a40);  // ICMPv6, hop limit 64
  w.bytes(source.octets);
  w.bytes(destination.octets);
}

}  // namespace

void Host::send_icmp(Address destination, Bytes message) {
  const bool v4 = address_.is_v4();
  const size_t l3 = vlan_ ? 18 : 14, l4 = l3 + (v4 ? 20 : 40);
  Frame frame(l4 + message.size());
  std::copy(mac_.octets.begin(), mac_.octets.end(), frame.begin() + 6);
  ByteWriter w(MutableBytes(frame).subspan(12));
  if (vlan_) w.u32(uint32_t{net::kEtherTypeVlan} << 16 | *vlan_);
  w.u16(v4 ? net::kEtherTypeIpv4 : net::kEtherTypeIpv6);
  (v4 ? write_ipv4 : write_ipv6)(w, address_, destination, message.size());
  w.bytes(message);
  const auto checksum = [&](size_t begin, size_t end, size_t at, uint32_t sum) {
    store_be16(&frame[at], 0);
    store_be16(&frame[at],
               static_cast<uint16_t>(~ones_complement(Bytes(frame).subspan(begin, end - begin), sum)));
  };
  if (v4) checksum(l3, l4, l3 + 10, 0);
  const uint32_t pseudo = v4 ? 0 : pseudo_header(net::parse_packet(frame), 58, message.size());
  checksum(l4, frame.size(), l4 + 2, pseudo);
  send_ip(destination, std::move(frame));
}

void Host::send_port_unreachable(const Frame& frame, const net::Packet& p) {
  if (p.destination_mac.is_group()) return;
  const Bytes quoted = Bytes(frame).subspan(p.l3_offset, size_t{p.payload_offset} - p.l3_offset);
  Frame message(8);
  message[0] = types_of(address_).unreachable;
  message[1] = types_of(address_).port_unreachable;
  message.insert(message.end(), quoted.begin(), quoted.end());
  send_icmp(p.source.address, message);
}

void Host::ping(Address destination) {
  const Frame request{types_of(address_).echo_request, 0, 0, 0, 0, 1, 0, 1, 'p', 'i', 'n', 'g'};
  send_icmp(destination, request);
}

void Host::on_icmp(const Frame& frame, const net::Packet& p) {
  const size_t end = size_t{p.payload_offset} + p.payload_bytes;
  const Bytes message = Bytes(frame).first(end).subspan(p.l4_offset);
  const uint32_t pseudo = address_.is_v4() ? 0 : pseudo_header(p, 58, message.size());
  if (ones_complement(message, pseudo) != 0xffff) parts_.violations.add(name_, "wrong ICMP checksum");
  net::QuotedFlow quoted;
  if (net::parse_icmp_error(frame, p, quoted)) icmp_errors_.push_back(quoted);
  if (message[0] == types_of(address_).echo_reply) ++pings_answered_;
  if (message[0] != types_of(address_).echo_request) return;
  Frame reply(message.begin(), message.end());
  reply[0] = types_of(address_).echo_reply;
  send_icmp(p.source.address, reply);
}

// --- a router ---

void Host::route_to(Host& other) {
  forward_ = [this, &other](const Frame& frame, const net::Packet& p) {
    const bool v4 = p.destination.address.is_v4();
    const Bytes ip = Bytes(frame).subspan(p.l3_offset);
    const auto link = other.link();
    const size_t l3 = link.tagged ? 18 : 14;
    Frame out(l3 + ip.size());
    std::copy(other.mac_.octets.begin(), other.mac_.octets.end(), out.begin() + 6);
    ByteWriter w(MutableBytes(out).subspan(12));
    if (link.tagged) w.u32(uint32_t{net::kEtherTypeVlan} << 16 | link.vlan_tci);
    w.u16(p.ether_type);
    w.bytes(ip);
    --out[l3 + (v4 ? 8 : 7)];  // TTL, hop limit
    if (v4) {
      const MutableBytes header = MutableBytes(out).subspan(l3, size_t{ip[0] & 0xfu} * 4);
      store_be16(&header[10], 0);
      store_be16(&header[10], static_cast<uint16_t>(~ones_complement(header)));
    }
    timeline().after(kRouterDelay,
                     [&other, to = p.destination.address, out] { other.send_ip(to, out); });
  };
}

}  // namespace midstream::scenario
