#include "dataplane/worker.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <numeric>

namespace midstream {

WorkerStats& WorkerStats::operator+=(const WorkerStats& other) {
  received += other.received;
  transmitted += other.transmitted;
  polls += other.polls;
  passed += other.passed;
  connections += other.connections;
  garbage += other.garbage;
  custody_bytes += other.custody_bytes;
  custody_buffers += other.custody_buffers;
  custody_let_go += other.custody_let_go;
  not_tracked += other.not_tracked;
  const auto add = [](auto& to, const auto& from) {
    std::transform(std::begin(from), std::end(from), std::begin(to), std::begin(to), std::plus<>());
  };
  add(unprotected, other.unprotected);
  add(drops, other.drops);
  return *this;
}

Worker::Worker(const WorkerOptions& options, Tables& tables, Exchange& exchange, Mailbox& mailbox)
    : options_(options),
      exchange_(exchange),
      mailbox_(mailbox),
      flows_(flow_keys(tables.sizes()), options.numa_node),
      fragments_(options.numa_node),
      stations_(options.numa_node),
      timers_(tables.sizes().connections),
      first_connection_(options.index * tables.sizes().connections),
      first_stream_(options.index * tables.sizes().streams),
      connections_(tables.connections()),
      streams_(tables.streams()),
      held_byes_(tables.sizes().connections),
      interleaved_(tables.sizes().connections),
      parked_(tables.sizes().connections),
      held_(tables.sizes().streams),
      hosts_(options.server_addresses.size()),
      places_(tables.sizes().connections),
      living_(tables.living()),
      custody_(tables.custody()),
      transmit_(options.ports.size()) {
  candidates_.reserve(hosts_.size());
  free_connections_.resize(tables.sizes().connections);
  std::iota(free_connections_.rbegin(), free_connections_.rend(), first_connection_);
  free_streams_.resize(tables.sizes().streams);
  std::iota(free_streams_.rbegin(), free_streams_.rend(), first_stream_);
}

Worker::~Worker() {
  for (HeldByes& held : held_byes_) {
    for (const HeldBye& bye : held.byes) rte_pktmbuf_free(bye.frame);
    for (const Parked& segment : held.segments) rte_pktmbuf_free(segment.frame);
  }
  for (auto* queues : {&parked_, &held_}) {
    for (auto& queue : *queues) {
      for (Parked& parked : queue) rte_pktmbuf_free(parked.frame);
    }
  }
}

bool Worker::poll(Time now) {
  now_ = now;
  bool busy = take_mail();
  busy |= take_passed();
  for (uint16_t port = 0; port < options_.ports.size(); ++port) busy |= receive(port);
  timers_.advance(now, [this](uint32_t entry) { on_timer(connections_[first_connection_ + entry]); });
  flush();
  ++stats_.polls;
  return busy;
}

bool Worker::receive(uint16_t port) {
  if (options_.index >= options_.ports[port].receive_queues) return false;
  rte_mbuf* frames[kBurst];
  const uint16_t count =
      rte_eth_rx_burst(options_.ports[port].id, static_cast<uint16_t>(options_.index), frames, kBurst);
  for (uint16_t i = 0; i < count; ++i) {
    if (i + 1 < count) rte_prefetch0(rte_pktmbuf_mtod(frames[i + 1], void*));
    handle(frames[i], port);
  }
  stats_.received += count;
  return count > 0;
}

bool Worker::take_passed() {
  bool any = false;
  for (unsigned from = 0; from < exchange_.workers(); ++from) {
    for (uint16_t i = 0; i < kBurst; ++i) {
      const auto frame = exchange_.take(from, options_.index);
      if (!frame) break;
      handle(frame->mbuf, static_cast<uint16_t>(frame->port));
      any = true;
    }
  }
  return any;
}

// True if another worker has the frame now.
bool Worker::pass_to_owner(const Frame& frame) {
  if (exchange_.workers() == 1) return false;
  const auto client = client_address(frame.bytes, frame.packet, options_.ports[frame.port].client_side);
  const unsigned owner = client ? owner_of(*client, exchange_.workers()) : options_.index;
  if (owner == options_.index) return false;
  ++stats_.passed;
  if (!exchange_.pass(options_.index, owner, {frame.mbuf, frame.port})) {
    drop(frame.mbuf, Drop::kExchangeFull);
  }
  return true;
}

// The life of a packet: parse, classify, then media, monitor or splice, control, or bridge.
void Worker::handle(rte_mbuf* mbuf, uint16_t port) {
  if (rte_pktmbuf_linearize(mbuf) != 0) return drop(mbuf, Drop::kTooLarge);
  Frame frame{mbuf, port, {}, {rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->pkt_len}};
  frame.packet = net::parse_packet(frame.bytes);
  stations_.learn(frame.packet.source_mac, vlan_of(frame.packet), port, now_);
  if (pass_to_owner(frame)) return;
  if (frame.packet.kind == net::PacketKind::kFragment) return handle_fragment(frame);

  const bool is_tcp = frame.packet.kind == net::PacketKind::kTcp;
  if (is_tcp || frame.packet.kind == net::PacketKind::kUdp) {
    const FlowKey key{
        frame.packet.source, frame.packet.destination, is_tcp ? Protocol::kTcp : Protocol::kUdp, {}};
    if (const auto target = flows_.find(key)) return handle_flow(frame, *target);
    if (!is_tcp && fenced(frame)) return drop(mbuf, Drop::kFenced);
  }
  handle_unknown(frame);
}

void Worker::handle_flow(Frame& frame, const FlowTarget& target) {
  if (target.role == FlowRole::kDiverted) return hand_to_control(frame, ToControl::Kind::kFrame, 0);
  Connection& c = connections_[target.connection];
  // Nothing can be translated any more, and raw it would be the new server's.
  const bool over = c.state == ConnectionState::kClosed && c.spliced;
  if (over && !begins_anew(frame, c)) {
    // Whoever has not heard of its end yet is told again.
    if (target.role <= FlowRole::kControlFromServer) answer_with_reset(frame);
    return drop(frame.mbuf, Drop::kFenced);
  }
  const bool media = target.role >= FlowRole::kRtpToClient && target.role <= FlowRole::kRtcpToServer;
  if (media && c.stream_state[target.session][target.stream] == kNoStream) {  // torn down alone
    return c.spliced ? drop(frame.mbuf, Drop::kFenced) : bridge(frame);
  }
  const bool from_client = target.role == FlowRole::kControlFromClient ||
                           target.role == FlowRole::kRtpToServer ||
                           target.role == FlowRole::kRtcpToServer;
  if (from_client && c.state != ConnectionState::kFrozen) note_next_hop(frame, c);
  switch (target.role) {
    case FlowRole::kControlFromClient:
      if (c.state != ConnectionState::kFrozen && begins_anew(frame, c)) {
        forget(c);
        return handle_unknown(frame);
      }
      [[fallthrough]];
    case FlowRole::kControlFromServer: {
      if (c.state == ConnectionState::kFrozen) {
        return hand_to_control(frame, ToControl::Kind::kConnectionFrame, c.index);
      }
      if (c.state == ConnectionState::kSpliced) return relay(frame, c, from_client);
      if (c.state == ConnectionState::kEnding) return serve_end(frame, c);
      if (c.state == ConnectionState::kHandshake && c.spliced)
        return relay_handshake(frame, c, from_client);
      return monitor(frame, c, from_client);
    }
    case FlowRole::kRtpToClient:
    case FlowRole::kRtcpToClient:
      if (c.state == ConnectionState::kFrozen) return park(frame, c);
      if (target.role == FlowRole::kRtcpToClient) return rtcp_to_client(frame, c, target);
      return rtp_to_client(frame, c, target);
    case FlowRole::kRtpToServer:
    case FlowRole::kRtcpToServer:
      return media_to_server(frame, c, target);
    case FlowRole::kUnknownToClient:
    case FlowRole::kUnknownToServer:
      return pass_unknown(frame, c, target.role == FlowRole::kUnknownToClient);
    case FlowRole::kFenced:
      if (frame.packet.kind == net::PacketKind::kTcp) answer_with_reset(frame);
      return drop(frame.mbuf, Drop::kFenced);
    case FlowRole::kDiverted:
      break;  // above: it is of no connection
  }
}

void Worker::handle_unknown(Frame& frame) {
  const net::Packet& packet = frame.packet;
  if (packet.kind == net::PacketKind::kArp || packet.kind == net::PacketKind::kIcmp) {
    if (answer_neighbour(frame)) return;
  }
  for (const Address& device : options_.device_addresses) {
    if (packet.destination == Endpoint{device, packet.destination.port}) {
      return hand_to_control(frame, ToControl::Kind::kFrame, 0);
    }
  }
  if (packet.kind == net::PacketKind::kTcp) {
    const bool from_client = options_.ports[frame.port].client_side;
    const Endpoint& dialled = from_client ? packet.destination : packet.source;
    for (uint16_t i = 0; i < options_.services.size(); ++i) {
      if (dialled == options_.services[i].endpoint) return to_service(frame, i, from_client);
    }
  }
  if (packet.kind == net::PacketKind::kIcmp && on_icmp(frame)) return;
  if (is_virtual(packet.destination.address)) return to_virtual(frame);
  bridge(frame);
}

}  // namespace midstream
