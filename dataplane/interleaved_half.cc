// The frame that a server left half sent: completed with the bytes of the same packet from the next
// server, or filled up where none comes.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"

namespace midstream {

// No packet of its stream came that could complete it.
void Worker::settle_overdue_half(Connection& c) {
  Interleaved& il = *interleaved(c);
  if (!il.half_open || now_ < il.half_until) return;
  StreamState* const stream = half_stream(c);
  const bool counts = pad_half(c, {});
  if (stream != nullptr) stream->skip_number = counts;
}

// The client has got a sender report, but not all that was to follow it.
void Worker::learn_half_report(Connection& c) {
  const Interleaved& il = *interleaved(c);
  constexpr size_t kMostReport = 28 + 31 * 24;  // RFC 3550 6.4.1
  std::array<uint8_t, rtsp::kFrameHeaderBytes + kMostReport> frame;
  const Bytes sent = Bytes(frame).first(il.custody.read(il.unit, frame));
  if (sent.size() < rtsp::kFrameHeaderBytes + 4) return;
  const auto target = inside(c, sent[1], false);
  const Bytes packet = sent.subspan(rtsp::kFrameHeaderBytes);
  const size_t report = 4u * (load_be16(&packet[2]) + 1u);
  if (!target || target->flow.role != FlowRole::kRtcpToClient || report > packet.size()) return;
  StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
  std::array<uint8_t, kMostReport + rtp::kRtcpGrowth> unused;
  if (!stream.continuity.active())
    stream.continuity.rtcp_to_client(packet.first(report), unused, c.clocks[target->flow.session],
                                     stream.clock_rate);
}

// The channel of the frame that is half sent. Where not even that was sent, any will do: the first
// stream's.
uint8_t Worker::half_channel(const Connection& c) const {
  const Interleaved& il = *interleaved(c);
  if (c.splice.to_client.custody.end() - il.unit >= 2) return il.custody.at(il.unit + 1)[0];
  for (const rtsp::Session& session : c.conversation.sessions) {
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (session.streams[i].channels) return static_cast<uint8_t>(session.streams[i].channels->rtp);
    }
  }
  return 0;
}

// The stream whose packet is half sent; nullptr if it is none of ours, or a report.
StreamState* Worker::half_stream(const Connection& c) {
  const auto target = inside(c, half_channel(c), false);
  if (!target || target->flow.role != FlowRole::kRtpToClient) return nullptr;
  return &streams_[c.stream_state[target->flow.session][target->flow.stream]];
}

// Whether a packet in the client's terms is the one that is half sent.
bool Worker::continues_half(const Connection& c, uint8_t channel, Bytes packet) const {
  const Interleaved& il = *interleaved(c);
  const auto head = rtsp::print_frame_header({channel, static_cast<uint16_t>(packet.size())});
  const auto sent = static_cast<size_t>(c.splice.to_client.custody.end() - il.unit);
  if (sent > head.size() + packet.size()) return false;
  // The timestamp may be off by a tick, and the marker is A's own: what counts is which packet it is.
  constexpr size_t kMarker = 1, kTimestamp = 4, kPayload = 12;  // RFC 3550 5.1
  for (size_t i = 0; i < sent; ++i) {
    const size_t in_packet = i - head.size();
    if (i >= head.size() && (in_packet == kMarker || (in_packet >= kTimestamp && in_packet < kPayload)))
      continue;
    const uint8_t own = i < head.size() ? head[i] : packet[in_packet];
    if (il.custody.at(il.unit + i)[0] != own) return false;
  }
  return true;
}

// The first packet behind the cut is not the one that is half sent: that one is filled up and counts,
// and this one is the next. `packet` is in the client's terms.
void Worker::settle_half(Connection& c, const FlowTarget& target, StreamState& stream,
                         MutableBytes packet, rtp::Header& header) {
  const bool half = c.interleaved && interleaved(c)->half_open && half_stream(c) == &stream;
  if (!half && !stream.skip_number) return;
  const auto& channels = c.conversation.sessions[target.session].streams[target.stream].channels;
  const auto channel = static_cast<uint8_t>(channels->rtp);
  if (half && (continues_half(c, channel, packet) || !pad_half(c, packet))) return;
  stream.skip_number = false;
  stream.continuity.skip_sequence();
  ++c.words.sessions[target.session].streams[target.stream].sequence_offset;
  header.sequence_number += 1;
  rtp::write_header(packet,
                    {header.payload_type, header.sequence_number, header.timestamp, header.ssrc});
}

// Readers take the length literally. The header is one that the client can take; what follows is
// nothing. True if the client counts it as a packet. `like` is the packet in whose place it stands, if
// there is one.
bool Worker::pad_half(Connection& c, Bytes like) {
  Interleaved& il = *interleaved(c);
  const auto sent = static_cast<size_t>(c.splice.to_client.custody.end() - il.unit);
  StreamState* const stream = half_stream(c);
  std::array<uint8_t, rtsp::kFrameHeaderBytes + UINT16_MAX> frame{};
  il.custody.read(il.unit, MutableBytes(frame).first(std::min(sent, rtsp::kFrameHeaderBytes)));
  frame[0] = '$';
  frame[1] = half_channel(c);
  const size_t whole = rtsp::kFrameHeaderBytes + load_be16(&frame[2]);
  const MutableBytes packet =
      MutableBytes(frame).subspan(rtsp::kFrameHeaderBytes, whole - rtsp::kFrameHeaderBytes);
  const bool counts = stream != nullptr && packet.size() >= rtp::kFixedHeaderBytes;
  if (counts && like.size() >= rtp::kFixedHeaderBytes) {
    std::copy_n(like.begin(), rtp::kFixedHeaderBytes, packet.begin());
    packet[0] = 0x80;  // neither padding nor extension nor CSRC
  } else if (counts && stream->last.size() > 0) {
    const rtp::LastPackets::Entry newest = stream->last.newest(0);
    packet[0] = 0x80;
    rtp::write_header(packet, {stream->continuity.client_payload_type(), newest.sequence + 1,
                               newest.timestamp, stream->continuity.client_ssrc()});
  }
  if (stream != nullptr) stream->padded = true;
  il.half_open = false;
  put_in_order(c, Bytes(frame).first(whole).subspan(std::min(sent, whole)));
  put_behind(c);
  return counts;
}

}  // namespace midstream
