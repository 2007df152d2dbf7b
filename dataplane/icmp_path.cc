// ICMP errors belong to the flow of the packet that they quote, and are told in the terms of the one
// who has sent it. Example after a failover: a router on the clients' side cannot pass on what it got
// from 10.99.0.2:554 (the address that the client dialled) and says so to 10.99.0.2; the packet was
// made out of one of b's, so b is told, about 10.99.0.3:554 and a sequence number of its own.

#include <algorithm>

#include "dataplane/worker.h"

namespace midstream {
namespace {

// Less is no answer of a router but an attack: what Linux believes at the least (min_pmtu), and what
// every IPv6 link must carry (RFC 8200 5).
constexpr uint16_t kLeastIpv4Mtu = 552;
constexpr uint16_t kLeastIpv6Mtu = 1280;

bool is_control(const FlowTarget& target) {
  return target.role == FlowRole::kControlFromClient || target.role == FlowRole::kControlFromServer;
}

bool is_rtcp(const FlowTarget& target) {
  return target.role == FlowRole::kRtcpToServer || target.role == FlowRole::kRtcpToClient;
}

uint16_t port_of(const rtsp::PortPair& ports, const FlowTarget& target) {
  return is_rtcp(target) ? ports.rtcp : ports.rtp;
}

}  // namespace

// True if it was about a packet of a followed flow, and has been dealt with.
bool Worker::on_icmp(Frame& frame) {
  net::QuotedFlow quoted;
  if (!net::parse_icmp_error(frame.bytes, frame.packet, quoted)) return false;
  // Known by the way back: from the client it is the same for good, from a server it says which one.
  const FlowKey way_back{
      quoted.destination, quoted.source, quoted.is_tcp ? Protocol::kTcp : Protocol::kUdp, {}};
  const auto target = flows_.find(way_back);
  const bool from_server = !options_.ports[frame.port].client_side;
  // A server that was left, about a report that was still under way to it.
  if (!target && from_server && flows_.find({{}, quoted.source, Protocol::kUdp, {}}))
    return drop(frame.mbuf, Drop::kFenced), true;
  if (!target || quoted.source.address != frame.packet.destination.address) return false;
  const bool followed = target->role <= FlowRole::kRtcpToServer;
  if (target->role == FlowRole::kDiverted) return drop(frame.mbuf, Drop::kFenced), true;
  Connection& c = connections_[target->connection];
  const bool translated = c.state == ConnectionState::kSpliced;
  if (c.state == ConnectionState::kFrozen) {
    drop(frame.mbuf, Drop::kFrozen);
  } else if (!followed || (c.spliced && !translated)) {  // not ours to tell, or nobody's any more
    c.spliced || target->role == FlowRole::kFenced ? drop(frame.mbuf, Drop::kFenced) : bridge(frame);
  } else if (!from_server) {
    icmp_to_server(frame, c, *target, quoted);
  } else {
    icmp_to_client(frame, c, *target, quoted);
  }
  return true;
}

// About a packet that went to the client.
void Worker::icmp_to_server(Frame& frame, Connection& c, const FlowTarget& target,
                            net::QuotedFlow& quoted) {
  note_path_mtu(c, true, quoted);
  if (c.state != ConnectionState::kSpliced) return bridge(frame);
  quoted.source = c.server_endpoint;
  if (is_control(target)) {
    const tcp::Direction& direction = c.splice.to_client;
    quoted.sequence = direction.edits.to_input(quoted.sequence);
    if (quoted.sequence < direction.input_base) return drop(frame.mbuf, Drop::kOwnPacket);
  } else {
    const uint32_t slot = c.stream_state[target.session][target.stream];
    if (slot == kNoStream) return drop(frame.mbuf, Drop::kFenced);
    const bool direct = streams_[slot].phase == StreamPhase::kDirect;
    quoted.source.port =
        port_of(direct ? c.conversation.sessions[target.session].streams[target.stream].server_port
                       : c.words.sessions[target.session].streams[target.stream].server_port,
                target);
  }
  net::rewrite_icmp_error(frame.bytes, frame.packet, frame.packet.source.address,
                          c.server_endpoint.address, quoted);
  replace_link(frame, c.to_server);
  transmit(frame.mbuf, c.server_nic);
}

// About a packet that went to a server. Perhaps that server is gone: then control asks it, and the
// client hears nothing.
void Worker::icmp_to_client(Frame& frame, Connection& c, const FlowTarget& target,
                            net::QuotedFlow& quoted) {
  const bool translated = c.state == ConnectionState::kSpliced;
  if (translated && quoted.destination.address != c.server_endpoint.address) {
    return drop(frame.mbuf, Drop::kFenced);
  }
  if (quoted.unreachable && ending_is_failure(c)) {
    suspect(c, Cause::kIcmp);
    return drop(frame.mbuf, Drop::kHeldEnding);
  }
  note_path_mtu(c, false, quoted);
  if (!translated) return bridge(frame);
  quoted.destination = c.visible;
  if (is_control(target)) {
    const tcp::Direction& direction = c.splice.to_server;
    quoted.sequence = direction.edits.to_input(quoted.sequence);
    if (quoted.sequence < direction.input_base) return drop(frame.mbuf, Drop::kOwnPacket);
  } else {
    quoted.destination.port =
        port_of(c.conversation.sessions[target.session].streams[target.stream].server_port, target);
  }
  const Address& teller = frame.packet.source.address;  // a router's address is its own affair
  const Address source = teller == c.server_endpoint.address ? c.visible.address : teller;
  net::rewrite_icmp_error(frame.bytes, frame.packet, source, c.client.address, quoted);
  replace_link(frame, c.to_client);
  transmit(frame.mbuf, c.client_nic);
}

// What the switch originates or cuts anew must pass, too. A sequence number that is not outstanding was
// guessed (RFC 5927 4).
void Worker::note_path_mtu(Connection& c, bool to_client, const net::QuotedFlow& quoted) {
  if (quoted.path_mtu == 0) return;
  const TcpHalf& receiver = to_client ? c.client_half : c.server_half;
  const TcpHalf& sender = to_client ? c.server_half : c.client_half;
  const bool spliced = c.state == ConnectionState::kSpliced;
  tcp::Direction& direction = c.splice.direction(to_client);
  const TcpSequence end = spliced ? direction.edits.to_output(direction.released) : sender.sent;
  if (quoted.is_tcp && (quoted.sequence < receiver.acknowledged || quoted.sequence > end)) return;
  const uint16_t least = c.client.address.is_v4() ? kLeastIpv4Mtu : kLeastIpv6Mtu;
  uint16_t& learned = to_client ? c.path_mtu_to_client : c.path_mtu_to_server;
  const uint16_t mtu = std::max(quoted.path_mtu, least);
  if (learned != 0 && learned <= mtu) return;
  learned = mtu;
  if (!spliced || !quoted.is_tcp || !direction.custody.origin_outstanding()) return;
  direction.custody.send_again();
  send_origin(c, to_client);
}

}  // namespace midstream
