// Fragments in, fragments out (fragments.h).

#include <rte_ether.h>

#include <algorithm>

#include "dataplane/worker.h"

namespace midstream {

void Worker::handle_fragment(Frame& frame) {
  net::Fragment fragment;
  if (!net::parse_fragment(frame.bytes, frame.packet, fragment)) return bridge(frame);
  const bool tcp = fragment.protocol == static_cast<uint8_t>(Protocol::kTcp);
  const bool ports = tcp || fragment.protocol == static_cast<uint8_t>(Protocol::kUdp);
  const FlowKey key{fragment.source, fragment.destination, tcp ? Protocol::kTcp : Protocol::kUdp, {}};
  const bool followed = ports && (fragment.first ? is_followed(key) : may_be_followed(fragment));
  if (!fragments_.wants(fragment, followed, now_)) return bridge(frame);
  rte_mbuf* const whole = fragments_.add(frame.mbuf, frame.packet, fragment, now_);
  stats_.drops[static_cast<size_t>(Drop::kFragments)] += fragments_.take_lost();
  if (whole != nullptr) handle(whole, frame.port);
}

// Also as media that a server which was left still sends (fenced()).
bool Worker::is_followed(const FlowKey& key) const {
  return flows_.find(key) || flows_.find({{}, key.destination, Protocol::kUdp, {}});
}

bool Worker::may_be_followed(const net::Fragment& fragment) const {
  const auto is = [&](const Address& address) {
    return address == fragment.source.address || address == fragment.destination.address;
  };
  return std::ranges::any_of(options_.server_addresses, is) ||
         std::ranges::any_of(options_.services, is,
                             [](const WorkerService& s) { return s.endpoint.address; });
}

// A frame that is longer than the port takes, or that came in pieces. Nobody but the source may cut an
// IPv6 packet, or an IPv4 packet that says so (RFC 8200 4.5, RFC 791 2.3); what came in pieces may
// leave in pieces.
void Worker::transmit_in_pieces(rte_mbuf* mbuf, uint16_t port) {
  const Bytes frame{rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len};
  const net::Packet packet = net::parse_packet(frame);
  const size_t mtu = options_.ports[port].mtu;
  const net::FragmentSize* const mark = fragments_.size_of(mbuf);
  if (mark == nullptr && mbuf->pkt_len <= mtu + packet.l3_offset) return queue(mbuf, port);
  net::FragmentSize size{mtu, 0};
  if (mark != nullptr) {
    size = {std::min(mtu, mark->packet_bytes), mark->identification};
    if (mbuf->pkt_len <= size.packet_bytes + packet.l3_offset) return queue(mbuf, port);
  } else if (packet.ether_type == net::kEtherTypeIpv4 && mbuf->nb_segs == 1) {
    const uint8_t* const ip = frame.data() + packet.l3_offset;
    if ((ip[6] & 0x40) != 0) return drop(mbuf, Drop::kTooLarge);
    size.identification = load_be16(ip + 4);
  } else {
    return drop(mbuf, Drop::kTooLarge);
  }
  if (cut(frame, packet, size, port)) return rte_pktmbuf_free(mbuf);
  drop(mbuf, Drop::kTooLarge);
}

// False if it cannot be cut at all.
bool Worker::cut(Bytes frame, const net::Packet& packet, const net::FragmentSize& size, uint16_t port) {
  for (size_t position = 0;;) {
    rte_mbuf* const piece = rte_pktmbuf_alloc(options_.pool);
    if (piece == nullptr) {
      ++stats_.drops[static_cast<size_t>(Drop::kNoMbuf)];
      return true;
    }
    const MutableBytes room{rte_pktmbuf_mtod(piece, uint8_t*), rte_pktmbuf_tailroom(piece)};
    const size_t bytes = net::write_fragment(frame, packet, size, position, room);
    if (bytes == 0) {
      rte_pktmbuf_free(piece);
      return position > 0;
    }
    rte_pktmbuf_append(piece, static_cast<uint16_t>(bytes));
    queue(piece, port);
  }
}

// A datagram of ours; one that the port does not take whole is marked to leave in pieces. nullptr, and
// counted, if there is no buffer or no room.
rte_mbuf* Worker::build_udp(const net::LinkHeader& link, uint16_t port, const Endpoint& source,
                            const Endpoint& destination, Bytes payload) {
  const size_t mtu = options_.ports[port].mtu;
  const size_t l3 = RTE_ETHER_HDR_LEN + (link.tagged ? RTE_VLAN_HLEN : 0u);
  const size_t packet_bytes = net::header_bytes(link, source.address) - l3 + 8 + payload.size();
  const bool large = packet_bytes > mtu;
  rte_mbuf* const mbuf = large ? fragments_.make({mtu, fragments_.next_identification()})
                               : rte_pktmbuf_alloc(options_.pool);
  if (mbuf == nullptr) return drop(mbuf, Drop::kNoMbuf), nullptr;
  const MutableBytes room{rte_pktmbuf_mtod(mbuf, uint8_t*), rte_pktmbuf_tailroom(mbuf)};
  const size_t size = net::build_udp_frame(room, link, source, destination, payload);
  if (size == 0) return drop(mbuf, Drop::kTooLarge), nullptr;
  rte_pktmbuf_append(mbuf, static_cast<uint16_t>(size));
  if (large && source.address.is_v4()) room[l3 + 6] = 0;  // RFC 791 3.1: it may be fragmented
  return mbuf;
}

}  // namespace midstream
