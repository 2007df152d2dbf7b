// RTP of streams that nothing happens to: nearly every packet that passes. It is handled without a look
// at the connection: what must be known of that lies with the stream (MediaPath, Egress), chosen anew
// after whatever has happened to the connection. All that is not as usual takes media_path.cc's way.

#include <algorithm>

#include "dataplane/worker.h"
#include "lib/net/checksum.h"

namespace midstream {

// False if it is not as usual; nothing has changed then.
bool Worker::pass_media(Frame& frame, const FlowTarget& target) {
  StreamState& stream = streams_[target.slot];
  if (stream.path == MediaPath::kWhole || stream.connection != target.connection) return false;
  if (stream.session != target.session || stream.stream != target.stream) return false;
  const MutableBytes packet =
      frame.bytes.subspan(frame.packet.payload_offset, frame.packet.payload_bytes);
  if (rtp::looks_like_rtcp(packet)) return false;
  const auto parsed = rtp::parse_header(packet);
  if (!parsed) return false;
  rtp::Header header = *parsed;
  if (stream.path == MediaPath::kRewrite && !rewrite(frame, stream, header)) return false;
  account(stream, header, packet);
  const Egress& egress = stream.egress;
  const bool known =
      stream.path == MediaPath::kRewrite || (frame.packet.destination_mac == egress.link.destination &&
                                             frame.packet.vlan_tags == (egress.link.tagged ? 1 : 0) &&
                                             vlan_of(frame.packet) == vlan_of(egress.link));
  if (known && egress.nic != frame.port) {
    transmit(frame.mbuf, egress.nic);
  } else {
    bridge(frame);
  }
  return true;
}

// The same as continue_stream and retarget_udp, by difference: the packet's own checksum stays what it
// was worth.
bool Worker::rewrite(Frame& frame, StreamState& stream, rtp::Header& header) {
  const MutableBytes packet =
      frame.bytes.subspan(frame.packet.payload_offset, frame.packet.payload_bytes);
  net::ChecksumPatch patch(frame.bytes, frame.packet, rtp::kFixedHeaderBytes);
  if (stream.phase == StreamPhase::kContinued) {
    if (stream.packets_since_cut < kLatePackets && header.sequence_number < stream.first_after_cut)
      return false;
    if (!stream.continuity.to_client(packet, header)) return false;
    ++stream.packets_since_cut;
  }
  const Egress& egress = stream.egress;
  net::write_addresses(frame.bytes.subspan(frame.packet.l3_offset), egress.source.address,
                       frame.packet.destination.address);
  store_be16(frame.bytes.data() + frame.packet.l4_offset, egress.source.port);
  patch.apply();
  replace_link(frame, egress.link);
  return true;
}

// To be called whenever something has happened to a connection. What control owns is left alone: since
// it was frozen no path is open.
void Worker::choose_paths(const Connection& c) {
  if (c.state == ConnectionState::kFrozen) return;
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    for (uint8_t i = 0; i < rtsp::kMaxStreams; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      StreamState& stream = streams_[c.stream_state[s][i]];
      stream.connection = c.index;
      stream.session = s;
      stream.stream = i;
      stream.path = path_of(c, stream);
      if (stream.path == MediaPath::kWhole) continue;
      const rtsp::Stream& agreed = c.conversation.sessions[s].streams[i];
      stream.egress = {c.to_client, c.client_nic, {c.visible.address, agreed.server_port.rtp}};
    }
  }
}

MediaPath Worker::path_of(const Connection& c, const StreamState& stream) const {
  const rtsp::Stream& agreed = c.conversation.sessions[stream.session].streams[stream.stream];
  if (agreed.channels) return MediaPath::kWhole;
  if (c.state == ConnectionState::kMonitored) return MediaPath::kAccount;
  const bool settled = stream.phase == StreamPhase::kDirect ||
                       (stream.phase == StreamPhase::kContinued && stream.resumed);
  const bool rewritten = c.state == ConnectionState::kSpliced && settled && !stream.skip_number;
  return rewritten ? MediaPath::kRewrite : MediaPath::kWhole;
}

void Worker::close_paths(const Connection& c) {
  for (const auto& session : c.stream_state) {
    for (const auto slot : session) {
      if (slot != kNoStream) streams_[slot].path = MediaPath::kWhole;
    }
  }
}

// Streams note for themselves when their server was heard.
void Worker::note_signs(Connection& c) const {
  for (const auto& session : c.stream_state) {
    for (const auto slot : session) {
      if (slot != kNoStream)
        c.last_server_sign = std::max(c.last_server_sign, streams_[slot].last_forwarded);
    }
  }
}

}  // namespace midstream
