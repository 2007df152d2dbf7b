#include <rte_ethdev.h>

#include <cstring>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr size_t kMaxBuilt = 2048;
// Its sender repeats a frame; what the worker itself has to say is said once.
constexpr unsigned kReservedMails = kMailboxEntries / 8;

}  // namespace

void Worker::drop(rte_mbuf* mbuf, Drop reason) {
  ++stats_.drops[static_cast<size_t>(reason)];
  rte_pktmbuf_free(mbuf);
}

void Worker::transmit(rte_mbuf* mbuf, uint16_t port) {
  const bool large = mbuf->pkt_len > options_.ports[port].mtu + size_t{RTE_ETHER_HDR_LEN};
  if (large || fragments_.size_of(mbuf) != nullptr) return transmit_in_pieces(mbuf, port);
  queue(mbuf, port);
}

void Worker::queue(rte_mbuf* mbuf, uint16_t port) {
  TransmitBuffer& buffer = transmit_[port];
  buffer.frames[buffer.count++] = mbuf;
  if (buffer.count == kBurst) flush();
}

void Worker::flush() {
  for (uint16_t port = 0; port < transmit_.size(); ++port) {
    TransmitBuffer& buffer = transmit_[port];
    if (buffer.count == 0) continue;
    const uint16_t sent = rte_eth_tx_burst(
        options_.ports[port].id, static_cast<uint16_t>(options_.index), buffer.frames, buffer.count);
    stats_.transmitted += sent;
    for (uint16_t i = sent; i < buffer.count; ++i) drop(buffer.frames[i], Drop::kTransmitFull);
    buffer.count = 0;
  }
}

void Worker::bridge(Frame& frame) {
  const auto known = stations_.find(frame.packet.destination_mac, vlan_of(frame.packet), now_);
  if (known) {
    if (*known == frame.port) return drop(frame.mbuf, Drop::kHairpin);
    return transmit(frame.mbuf, *known);
  }
  rte_mbuf* original = frame.mbuf;  // the last egress port takes it, the others get copies
  for (uint16_t port = static_cast<uint16_t>(transmit_.size()); port-- > 0;) {
    if (port == frame.port) continue;
    const bool last = port == 0 || (port == 1 && frame.port == 0);
    rte_mbuf* out = last ? original : rte_pktmbuf_copy(original, options_.pool, 0, UINT32_MAX);
    if (out == nullptr) {
      ++stats_.drops[static_cast<size_t>(Drop::kNoMbuf)];
      continue;
    }
    transmit(out, port);
  }
}

void Worker::hand_to_control(Frame& frame, ToControl::Kind kind, uint32_t connection) {
  ToControl mail{};
  mail.kind = kind;
  mail.port = frame.port;
  mail.connection = connection;
  mail.frame = frame.mbuf;
  mail.at = now_;
  if (!mailbox_.has_room_for_control(kReservedMails) || !mailbox_.post(mail))
    drop(frame.mbuf, Drop::kMailboxFull);
}

// ARP and neighbour discovery of and for the device's own addresses is control's. While a server's host
// is silent, the client side's requests for it, probes that are sent to it alone too, are answered with
// the address that it had: no cache has to change.
bool Worker::answer_neighbour(Frame& frame) {
  net::NeighbourMessage arp;
  if (!net::parse_neighbour(frame.bytes, frame.packet, arp)) return false;
  for (const Address& device : options_.device_addresses) {
    if (arp.target != device) continue;
    hand_to_control(frame, ToControl::Kind::kFrame, 0);
    return true;
  }
  const auto mac = mac_for(arp.target, frame.port);
  if (!arp.is_request || !mac) return false;
  rte_mbuf* mbuf = rte_pktmbuf_alloc(options_.pool);
  if (mbuf != nullptr) {
    const net::LinkHeader link{*mac, frame.packet.source_mac, frame.packet.vlan_tags > 0,
                               frame.packet.vlan_tci};
    const net::NeighbourMessage answer{false, *mac, arp.target, arp.sender_mac, arp.sender};
    const MutableBytes room{rte_pktmbuf_mtod(mbuf, uint8_t*), rte_pktmbuf_tailroom(mbuf)};
    rte_pktmbuf_append(mbuf, static_cast<uint16_t>(net::build_neighbour_frame(room, link, answer)));
    transmit(mbuf, frame.port);
  }
  drop(frame.mbuf, Drop::kAnswered);
  return true;
}

// Whose address the switch answers for on that port, and what it says: its own MAC for a virtual
// address, on every port; a silent host's, which nobody else would give, where clients are.
std::optional<MacAddress> Worker::mac_for(const Address& address, uint16_t port) const {
  if (is_virtual(address)) return options_.ports[port].mac;
  for (size_t i = 0; i < hosts_.size() && options_.ports[port].client_side; ++i) {
    if (hosts_[i].silent && address == options_.server_addresses[i]) return hosts_[i].mac;
  }
  return std::nullopt;
}

void Worker::send_segment(Connection& c, bool to_client, const tcp::Segment& segment) {
  if (to_client && c.held) return;  // nobody is there
  uint8_t bytes[kMaxBuilt];
  tcp::Segment out = segment;
  out.source_port = to_client ? c.visible.port : c.client.port;
  out.destination_port = to_client ? c.client.port : c.server_endpoint.port;
  const size_t size = tcp::write_segment(out, bytes);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(options_.pool);
  if (mbuf == nullptr || size == 0) return drop(mbuf, Drop::kNoMbuf);
  const MutableBytes room{rte_pktmbuf_mtod(mbuf, uint8_t*), rte_pktmbuf_tailroom(mbuf)};
  const Address& source = to_client ? c.visible.address : c.client.address;
  const Address& destination = to_client ? c.client.address : c.server_endpoint.address;
  const size_t frame_bytes = net::build_tcp_frame(room, to_client ? c.to_client : c.to_server, source,
                                                  destination, Bytes(bytes, size));
  if (frame_bytes == 0) return drop(mbuf, Drop::kTooLarge);
  rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame_bytes));
  transmit(mbuf, to_client ? c.client_nic : c.server_nic);
}

void Worker::send_udp(const net::LinkHeader& link, uint16_t port, const Endpoint& source,
                      const Endpoint& destination, Bytes payload) {
  if (rte_mbuf* mbuf = build_udp(link, port, source, destination, payload)) transmit(mbuf, port);
}

// A new link header in front of the same packet. A priority that the frame came with stays (IEEE 802.1Q
// 6.9.3): whose packet it is gives it, not where it goes.
void Worker::replace_link(Frame& frame, net::LinkHeader link) {
  constexpr uint16_t kPriorityBits = 0xf000;  // and drop eligibility
  const net::Packet& packet = frame.packet;
  if (packet.vlan_tags > 0) {
    link.vlan_tci =
        static_cast<uint16_t>((link.vlan_tci & ~kPriorityBits) | (packet.vlan_tci & kPriorityBits));
  }
  rte_pktmbuf_adj(frame.mbuf, packet.l3_offset);
  const size_t link_bytes = RTE_ETHER_HDR_LEN + (link.tagged ? RTE_VLAN_HLEN : 0);
  auto* out =
      reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(frame.mbuf, static_cast<uint16_t>(link_bytes)));
  std::memcpy(out, link.destination.octets.data(), 6);
  std::memcpy(out + 6, link.source.octets.data(), 6);
  if (link.tagged) {
    store_be16(out + 12, net::kEtherTypeVlan);
    store_be16(out + 14, link.vlan_tci);
  }
  store_be16(out + link_bytes - 2, packet.ether_type);
}

// New addresses, ports and link header for a UDP packet whose size stays, in place.
void Worker::retarget_udp(Frame& frame, const net::LinkHeader& link, const Endpoint& source,
                          const Endpoint& destination) {
  const net::Packet& packet = frame.packet;
  net::write_addresses(frame.bytes.subspan(packet.l3_offset), source.address, destination.address);
  store_be16(frame.bytes.data() + packet.l4_offset, source.port);
  store_be16(frame.bytes.data() + packet.l4_offset + 2, destination.port);
  net::refresh_checksums(frame.bytes, packet);
  replace_link(frame, link);
}

}  // namespace midstream
