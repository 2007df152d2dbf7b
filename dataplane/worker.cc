#include "dataplane/worker.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <cstddef>
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

namespace {

// Of any other packet it is nobody's: that protocol is none.
void write_key(const net::Packet& packet, FlowKey& key) {
  const bool udp = packet.kind == net::PacketKind::kUdp, tcp = packet.kind == net::PacketKind::kTcp;
  key.source = packet.source;
  key.destination = packet.destination;
  key.protocol = udp ? Protocol::kUdp : tcp ? Protocol::kTcp : Protocol::kNone;
}

// Of a stream, what an ordinary packet asks.
constexpr size_t kHotBytes = offsetof(StreamState, egress);

}  // namespace

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
  busy |= leave_servers();
  busy |= take_passed();
  for (uint16_t port = 0; port < options_.ports.size(); ++port) busy |= receive(port);
  timers_.advance(now, [this](uint32_t entry) {
    Connection& c = connections_[first_connection_ + entry];
    on_timer(c);
    choose_paths(c);
  });
  flush();
  ++stats_.polls;
  return busy;
}

bool Worker::receive(uint16_t port) {
  if (options_.index >= options_.ports[port].receive_queues) return false;
  rte_mbuf* frames[kBurst];
  Parked arrived[kBurst];
  const uint16_t count =
      rte_eth_rx_burst(options_.ports[port].id, static_cast<uint16_t>(options_.index), frames, kBurst);
  for (uint16_t i = 0; i < count; ++i) {
    rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
    arrived[i] = {frames[i], port};
  }
  handle_burst(arrived, count);
  stats_.received += count;
  return count > 0;
}

bool Worker::take_passed() {
  bool any = false;
  for (unsigned from = 0; from < exchange_.workers(); ++from) {
    Parked arrived[kBurst];
    uint16_t count = 0;
    while (count < kBurst) {
      const auto frame = exchange_.take(from, options_.index);
      if (!frame) break;
      arrived[count++] = {frame->mbuf, static_cast<uint16_t>(frame->port)};
    }
    handle_burst(arrived, count);
    any |= count > 0;
  }
  return any;
}

// Every step for all frames before the next one, so that what the tables hold is on its way into the
// cache while others are looked at.
void Worker::handle_burst(const Parked* arrived, uint16_t count) {
  static_assert(kBurst <= FlowTable::kMaxLookups);
  Burst& b = burst_;
  uint16_t here = 0;
  for (uint16_t i = 0; i < count; ++i)
    if (begin(b.frames[here], arrived[i])) ++here;
  for (uint16_t i = 0; i < here; ++i) write_key(b.frames[i].packet, b.keys[i]);
  const uint64_t found = flows_.find(b.keys.data(), here, b.targets.data());
  const uint64_t version = flows_.version();
  for (uint16_t i = 0; i < here; ++i) {
    if ((found >> i & 1) != 0) prefetch(b.targets[i]);
  }
  for (uint16_t i = 0; i < here; ++i) {
    if (flows_.version() != version) {  // by a frame before it
      const auto target = flows_.find(b.keys[i]);
      dispatch(b.frames[i], target ? &*target : nullptr);
    } else {
      dispatch(b.frames[i], (found >> i & 1) != 0 ? &b.targets[i] : nullptr);
    }
  }
}

void Worker::prefetch(const FlowTarget& target) const {
  if (!is_media(target.role)) return;
  const auto* stream = reinterpret_cast<const uint8_t*>(&streams_[target.slot]);
  for (size_t line = 0; line < kHotBytes; line += RTE_CACHE_LINE_SIZE) rte_prefetch0(stream + line);
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

// The life of a packet: begin, find its flow, then media, monitor or splice, control, or bridge. False
// if it is not this worker's, or nobody's.
bool Worker::begin(Frame& frame, const Parked& arrived) {
  rte_mbuf* const mbuf = arrived.frame;
  if (mbuf->nb_segs > 1 && rte_pktmbuf_linearize(mbuf) != 0) return drop(mbuf, Drop::kTooLarge), false;
  frame.mbuf = mbuf;
  frame.port = arrived.port;
  frame.bytes = {rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->pkt_len};
  net::parse_packet(frame.bytes, frame.packet);
  stations_.learn(frame.packet.source_mac, vlan_of(frame.packet), frame.port, now_);
  return !pass_to_owner(frame);
}

void Worker::handle(rte_mbuf* mbuf, uint16_t port) {
  Frame frame;
  if (!begin(frame, {mbuf, port})) return;
  FlowKey key;
  write_key(frame.packet, key);
  const auto target = flows_.find(key);
  dispatch(frame, target ? &*target : nullptr);
}

void Worker::dispatch(Frame& frame, const FlowTarget* target) {
  if (target != nullptr) {
    if (target->role == FlowRole::kRtpToClient && pass_media(frame, *target)) return;
    return handle_flow(frame, *target);
  }
  if (frame.packet.kind == net::PacketKind::kFragment) return handle_fragment(frame);
  if (frame.packet.kind == net::PacketKind::kUdp && fenced(frame))
    return drop(frame.mbuf, Drop::kFenced);
  handle_unknown(frame);
}

// What happens to a connection may change which way its media goes.
void Worker::handle_flow(Frame& frame, const FlowTarget& target) {
  const uint64_t connection = target.connection;
  serve_flow(frame, target);
  if (connection != kNoConnection) choose_paths(connections_[connection]);
}

void Worker::serve_flow(Frame& frame, const FlowTarget& target) {
  if (target.role == FlowRole::kDiverted) return hand_to_control(frame, ToControl::Kind::kFrame, 0);
  Connection& c = connections_[target.connection];
  // Nothing can be translated any more, and raw it would be the new server's.
  const bool over = c.state == ConnectionState::kClosed && c.spliced;
  if (over && !begins_anew(frame, c)) {
    // Whoever has not heard of its end yet is told again.
    if (target.role <= FlowRole::kControlFromServer) answer_with_reset(frame);
    return drop(frame.mbuf, Drop::kFenced);
  }
  if (is_media(target.role) &&
      c.stream_state[target.session][target.stream] == kNoStream) {  // torn down alone
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
