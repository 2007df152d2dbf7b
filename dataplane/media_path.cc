// RTP and RTCP of followed streams: accounted before a failover, continued in the client's terms after.

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr size_t kMaxRtcp = 1500 + rtp::kRtcpGrowth;

Bytes payload_of(const net::Packet& packet, MutableBytes frame) {
  return Bytes(frame).subspan(packet.payload_offset, packet.payload_bytes);
}

bool known_end(const rtsp::Session& session) { return session.play_end || session.duration; }

}  // namespace

// Who reports: requests of our own are made in its name.
void Worker::note_receiver(StreamState& stream, Bytes report) {
  const rtp::RtcpSummary summary = rtp::summarize_rtcp(report);
  if (summary.valid) stream.receiver_ssrc = summary.sender_ssrc;
}

// `header` and the packet are in the client's terms: what was forwarded just now.
void Worker::account(StreamState& stream, const rtp::Header& header, Bytes packet) {
  const Bytes payload = packet.subspan(header.payload_offset, header.payload_bytes);
  account(stream, header, packet.size(), payload, rtp::payload_hash(payload));
}

void Worker::account(StreamState& stream, const rtp::Header& header, size_t packet_bytes,
                     Bytes payload_begin, uint32_t payload_hash) {
  stream.last_forwarded = now_;
  stream.interval.on_packet(now_);
  stream.position.on_packet(header.sequence_number, header.timestamp, now_);
  // Not by one from before the newest PLAY, which was still on its way: the position ignores it, too.
  stream.started |= stream.position.source() != PositionSource::kStated;
  stream.last.add(header.sequence_number, header.timestamp, payload_hash, header.marker,
                  rtp::precedes_picture(stream.codec, payload_begin));
  stream.continuity.on_forwarded(header, header.payload_bytes);
  stream.published.count(stream.position.shown().ns, packet_bytes);
  if (!stream.published.shows(header.ssrc, stream.position.source()) ||
      now_ - stream.second_start >= 1s)
    publish(stream, header.ssrc);
}

// What changes seldom: whose position it is, what it goes by, and the rate of the last whole second.
void Worker::publish(StreamState& stream, uint32_t ssrc) {
  StreamPosition position = stream.published.read();
  if (now_ - stream.second_start >= 1s) {
    const double seconds = to_seconds(now_ - stream.second_start);
    const auto bytes = static_cast<double>(position.bytes - stream.bytes_at_second);
    stream.bits_per_second = static_cast<uint32_t>(bytes * 8 / seconds);
    stream.bytes_at_second = position.bytes;
    stream.second_start = now_;
  }
  position.bits_per_second = stream.bits_per_second;
  position.ssrc = ssrc;
  position.source = stream.position.source();
  stream.published.write(position);
}

void Worker::rtp_to_client(Frame& frame, Connection& c, const FlowTarget& target) {
  const Bytes packet = payload_of(frame.packet, frame.bytes);
  if (rtp::looks_like_rtcp(packet)) return rtcp_to_client(frame, c, target);
  StreamState& stream = streams_[c.stream_state[target.session][target.stream]];
  if (c.state != ConnectionState::kSpliced) {
    if (c.state == ConnectionState::kMonitored) {
      if (const auto header = rtp::parse_header(packet)) account(stream, *header, packet);
    }
    return bridge(frame);
  }
  if (!continue_stream(c, target, stream, frame)) return;
  const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
  retarget_udp(frame, c.to_client, {c.visible.address, agreed.server_port.rtp},
               {c.client.address, agreed.client_port.rtp});
  transmit(frame.mbuf, c.client_nic);
}

// Puts one packet of the new server into the client's terms. False if it was dropped.
bool Worker::continue_stream(Connection& c, const FlowTarget& target, StreamState& stream,
                             Frame& frame) {
  const MutableBytes packet =
      frame.bytes.subspan(frame.packet.payload_offset, frame.packet.payload_bytes);
  const auto parsed = rtp::parse_header(packet);
  if (!parsed) return drop(frame.mbuf, Drop::kMalformed), false;
  rtp::Header header = *parsed;
  if (stream.phase == StreamPhase::kWaiting) return hold(frame, c, target), false;
  if (stream.phase == StreamPhase::kCutting && !find_cut(c, target, stream, frame, header))
    return false;
  if (stream.phase == StreamPhase::kContinued) {
    if (stream.packets_since_cut < kLatePackets && header.sequence_number < stream.first_after_cut) {
      return drop(frame.mbuf, Drop::kAlreadyDelivered), false;
    }
    ++stream.packets_since_cut;
    if (!stream.continuity.to_client(packet, header))
      return drop(frame.mbuf, Drop::kWrongSource), false;
    settle_half(c, target, stream, packet, header);
  }
  const Time last_of_old = stream.last_forwarded;
  account(stream, header, packet);
  if (!std::exchange(stream.resumed, true)) report_resumed(c, target, stream, last_of_old);
  return true;
}

// Of the streams that the new server has said BYE for before it sent anything new.
void Worker::tell_ends(Connection& c) {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    for (uint8_t i = 0; i < rtsp::kMaxStreams; ++i) {
      const uint32_t slot = c.stream_state[s][i];
      if (slot == kNoStream || streams_[slot].phase != StreamPhase::kCutting) continue;
      if (!streams_[slot].said_bye || std::exchange(streams_[slot].ended, true)) continue;
      const FlowTarget target{FlowRole::kRtpToClient, s, i, c.index};
      if (streams_[slot].finder.accept())
        fix_cut(c, target, streams_[slot]);  // what was held goes first
      tell_end(c, target, streams_[slot]);
    }
  }
}

// The new server says BYE before it sent anything new: the old one had delivered all there was. Its
// report could not be translated, so this one says no more than who it is and the end (RFC 3550 6.1: a
// compound packet begins with a report, here an empty one, and has a CNAME if it is known).
void Worker::tell_end(Connection& c, const FlowTarget& target, const StreamState& stream) {
  std::array<uint8_t, kMaxRtcp> bye;
  const size_t size = rtp::write_bye(bye, stream.continuity.client_ssrc(),
                                     c.clocks[target.session].client_cname.view());
  const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
  if (agreed.channels) {
    put_inside(c, static_cast<uint8_t>(agreed.channels->rtcp), Bytes(bye).first(size));
    return send_origin(c, true);
  }
  send_udp(c.to_client, c.client_nic, {c.visible.address, agreed.server_port.rtcp},
           {c.client.address, agreed.client_port.rtcp}, Bytes(bye).first(size));
}

void Worker::rtcp_to_client(Frame& frame, Connection& c, const FlowTarget& target) {
  const Bytes packet = payload_of(frame.packet, frame.bytes);
  StreamState& stream = streams_[c.stream_state[target.session][target.stream]];
  const bool followed = c.state == ConnectionState::kMonitored || c.state == ConnectionState::kSpliced;
  const rtp::RtcpSummary summary = rtp::summarize_rtcp(packet);
  if (!followed || (!summary.valid && c.state == ConnectionState::kMonitored)) return bridge(frame);
  c.last_server_sign = now_;
  if (summary.sender_time) {
    stream.server_time = summary.sender_time;
    settle_doubts(c, target.session);
  }
  if (stream.phase == StreamPhase::kWaiting) return drop(frame.mbuf, Drop::kFrozen);
  // No more content will come to overrule the timestamps. But the next server's can, if there is to be
  // one.
  const bool fails =
      summary.has_bye && known_end(c.conversation.sessions[target.session]) && ending_is_failure(c);
  if (stream.phase == StreamPhase::kCutting && summary.has_bye &&
      !(fails && stream.finder.proposal_in_doubt()) && stream.finder.accept())
    fix_cut(c, target, stream);
  if (stream.phase == StreamPhase::kCutting) {
    stream.said_bye |= summary.has_bye;
    if (fails) {
      suspect(c, Cause::kBye);
    } else if (summary.has_bye) {
      tell_ends(c);
    }
    return drop(frame.mbuf, Drop::kAlreadyDelivered);
  }

  uint8_t buffer[kMaxRtcp];
  const size_t size =
      stream.continuity.rtcp_to_client(packet, buffer, c.clocks[target.session], stream.clock_rate);
  if (c.state == ConnectionState::kSpliced) {
    // A stream that was set up after the failover knows no other server: only addresses change.
    const Bytes out = stream.continuity.active() ? Bytes(buffer, size) : packet;
    if (out.empty()) return drop(frame.mbuf, Drop::kMalformed);
    const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
    if (agreed.channels) {
      stream.said_bye |= summary.has_bye;  // that it may pass was judged before
      put_inside(c, static_cast<uint8_t>(agreed.channels->rtcp), out);
      return rte_pktmbuf_free(frame.mbuf);
    }
    const bool muxed = target.role == FlowRole::kRtpToClient;
    rte_mbuf* const built =
        build_udp(c.to_client, c.client_nic,
                  {c.visible.address, muxed ? agreed.server_port.rtp : agreed.server_port.rtcp},
                  {c.client.address, muxed ? agreed.client_port.rtp : agreed.client_port.rtcp}, out);
    rte_pktmbuf_free(frame.mbuf);
    if (built == nullptr) return;
    frame.mbuf = built;
    frame.bytes = {rte_pktmbuf_mtod(built, uint8_t*), built->pkt_len};
  }
  stream.said_bye |= summary.has_bye;
  if (summary.has_bye && ending_is_failure(c)) return hold_bye(frame, c, target);
  if (c.state == ConnectionState::kSpliced) return transmit(frame.mbuf, c.client_nic);
  bridge(frame);
}

// SRTP, MPEG-TS and the like on a connection that another server answers than the dialled one.
void Worker::pass_unknown(Frame& frame, Connection& c, bool to_client) {
  (to_client ? c.last_server_sign : c.last_client_sign) = now_;
  const Endpoint source = frame.packet.source, destination = frame.packet.destination;
  if (to_client) {
    retarget_udp(frame, c.to_client, {c.visible.address, source.port}, destination);
  } else {
    retarget_udp(frame, c.to_server, source, {c.server_endpoint.address, destination.port});
  }
  transmit(frame.mbuf, to_client ? c.client_nic : c.server_nic);
}

// What the client sends into a stream: openings for firewalls, receiver reports, feedback.
void Worker::media_to_server(Frame& frame, Connection& c, const FlowTarget& target) {
  const bool unserved = c.state == ConnectionState::kFrozen || c.state == ConnectionState::kEnding;
  if (unserved) return drop(frame.mbuf, Drop::kFrozen);
  c.last_client_sign = now_;
  StreamState& stream = streams_[c.stream_state[target.session][target.stream]];
  if (target.role == FlowRole::kRtcpToServer)
    note_receiver(stream, payload_of(frame.packet, frame.bytes));
  if (c.state != ConnectionState::kSpliced) return bridge(frame);
  const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
  const bool direct = stream.phase == StreamPhase::kDirect;
  const rtsp::PortPair& ports =
      direct ? agreed.server_port : c.words.sessions[target.session].streams[target.stream].server_port;
  const Bytes packet = payload_of(frame.packet, frame.bytes);
  const Endpoint& from = frame.packet.source;
  const bool rtcp = target.role == FlowRole::kRtcpToServer || rtp::looks_like_rtcp(packet);
  const Endpoint to{c.server_endpoint.address,
                    target.role == FlowRole::kRtcpToServer ? ports.rtcp : ports.rtp};
  if (!rtcp || direct) {
    retarget_udp(frame, c.to_server, Endpoint(from), to);
    return transmit(frame.mbuf, c.server_nic);
  }
  if (stream.phase != StreamPhase::kContinued) return drop(frame.mbuf, Drop::kFrozen);
  uint8_t out[kMaxRtcp];
  const size_t size = stream.continuity.rtcp_to_server(packet, out);
  if (size == 0) return drop(frame.mbuf, Drop::kMalformed);
  send_udp(c.to_server, c.server_nic, from, to, Bytes(out, size));
  rte_pktmbuf_free(frame.mbuf);
}

}  // namespace midstream
