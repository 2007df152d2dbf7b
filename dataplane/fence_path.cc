// What a server that was left still sends, and what still comes for a connection that is over.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"

namespace midstream {

// From now on nothing that this server sends reaches the client. Its media flows are forgotten, so that
// a session may move for ever, and any server may be its server again, at the same ports too: what is
// left stands for every media flow of a server toward the client's port that is not known by itself.
void Worker::fence_server(Connection& c, const Address& server) {
  for (uint8_t i = c.key_count; i-- > 0;) {
    const FlowKey key = c.keys[i];
    const auto target = flows_.find(key);
    if (key.source.address != server || !target || target->connection != c.index) continue;
    if (key.protocol == Protocol::kUdp) {
      flows_.remove(key);
      c.keys[i] = c.keys[--c.key_count];
    } else if (!flows_.put(key, {FlowRole::kFenced, 0, 0, c.index})) {
      ++stats_.not_tracked;
    }
  }
  for (const rtsp::Session& session : c.conversation.sessions) {
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (session.streams[i].channels) continue;
      const rtsp::PortPair& ports = session.streams[i].client_port;
      for (const uint16_t port : {ports.rtp, ports.rtcp}) {
        const FlowKey key{{}, {c.client.address, port}, Protocol::kUdp, {}};
        if (!learn_flow(c, key, {FlowRole::kFenced, 0, 0, c.index})) ++stats_.not_tracked;
      }
    }
  }
}

// Media of a server that is not, or no longer, the one of its client's session.
bool Worker::fenced(const Frame& frame) const {
  const net::Packet& packet = frame.packet;
  return !options_.ports[frame.port].client_side &&
         flows_.find({{}, packet.destination, Protocol::kUdp, {}}) &&
         std::ranges::find(options_.server_addresses, packet.source.address) !=
             options_.server_addresses.end();
}

// Whoever still believes in a connection that is none any more is told, at the number that it names
// (RFC 9293 3.5.2): a server that was left and lives ends the session with it, UDP too.
void Worker::answer_with_reset(const Frame& frame) {
  const net::Packet& packet = frame.packet;
  tcp::Segment in;
  if (packet.kind != net::PacketKind::kTcp) return;
  const Bytes bytes = Bytes(frame.bytes).subspan(packet.l4_offset);
  if (!tcp::parse_segment(bytes, in) || in.flags.rst) return;
  tcp::Segment out;
  out.source_port = packet.destination.port;
  out.destination_port = packet.source.port;
  out.flags.rst = true;
  out.sequence = in.acknowledgement;
  if (!in.flags.ack) {  // names no number: it is given the next one
    out.flags.ack = true;
    out.sequence = {};
    out.acknowledgement = in.end();
  }
  std::array<uint8_t, 60> segment;
  const size_t size = tcp::write_segment(out, segment);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(options_.pool);
  if (mbuf == nullptr) return drop(mbuf, Drop::kNoMbuf);
  const MutableBytes room{rte_pktmbuf_mtod(mbuf, uint8_t*), rte_pktmbuf_tailroom(mbuf)};
  const net::LinkHeader link{packet.destination_mac, packet.source_mac, packet.vlan_tags > 0,
                             packet.vlan_tci};
  const size_t frame_bytes = net::build_tcp_frame(room, link, packet.destination.address,
                                                  packet.source.address, Bytes(segment).first(size));
  rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame_bytes));
  transmit(mbuf, frame.port);
}

// A SYN on a 4-tuple whose connection is over.
bool Worker::begins_anew(const Frame& frame, const Connection& c) const {
  const net::Packet& packet = frame.packet;
  tcp::Segment segment;
  if (packet.kind != net::PacketKind::kTcp || packet.source != c.client ||
      !tcp::parse_segment(Bytes(frame.bytes).subspan(packet.l4_offset), segment) ||
      !segment.flags.syn || segment.flags.ack) {
    return false;
  }
  const bool another =
      c.state == ConnectionState::kUnprotected && segment.sequence != c.client_half.initial;
  return c.closed_at != Time{} || another;
}

}  // namespace midstream
