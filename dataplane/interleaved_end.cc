// Ends of connections with media inside: a BYE in the stream is judged before it passes, and with it
// all that comes behind; and what stays of the stream when its server is gone.

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"

namespace midstream {
namespace {

// Of the frame there, whose header has come.
uint32_t frame_size(const Chain& chain, TcpSequence at) {
  std::array<uint8_t, rtsp::kFrameHeaderBytes> head{};
  chain.read(at, head);
  return rtsp::kFrameHeaderBytes + load_be16(&head[2]);
}

}  // namespace

// As hold_bye() for datagrams; what is held is the rest of the byte stream.
bool Worker::holds_bye(Connection& c, const Inside& target, StreamState& stream) {
  Interleaved& il = *interleaved(c);
  stream.said_bye = true;
  if (std::exchange(il.bye_passes, false) || !ending_is_failure(c)) {
    stream.ended = true;
    return false;
  }
  il.bye_held = true;
  judge_bye(c, target.flow.session);
  return true;
}

// Whether a BYE of one of the streams stands anywhere in the bytes, whatever is around it.
bool Worker::names_an_end(const Connection& c, Bytes bytes) const {
  for (const auto& session : c.stream_state) {
    for (const uint32_t slot : session) {
      if (slot == kNoStream || !streams_[slot].continuity.has_client_ssrc()) continue;
      std::array<uint8_t, 8> bye{0x81, 203, 0, 1};  // RFC 3550 6.6, of one source
      store_be32(&bye[4], streams_[slot].continuity.client_ssrc());
      if (std::search(bytes.begin(), bytes.end(), bye.begin(), bye.end()) != bytes.end()) return true;
    }
  }
  return false;
}

bool Worker::holds_units(const Connection& c) const {
  return c.interleaved && interleaved(c)->bye_held;
}

void Worker::hold_segment(Frame& frame, const Connection& c) {
  constexpr size_t kMaxHeldSegments = 256;  // of TCP: what does not fit comes again
  auto& segments = held_byes(c).segments;
  if (segments.size() >= kMaxHeldSegments) return drop(frame.mbuf, Drop::kParkFull);
  segments.push_back({frame.mbuf, frame.port});
}

// Behind a BYE that is held: do the other tracks say it as well?
void Worker::look_ahead(Connection& c) {
  const Interleaved& il = *interleaved(c);
  const Chain& chain = c.spliced ? il.inbox : il.custody;
  TcpSequence at = c.spliced ? c.splice.to_client.released : il.unit;
  std::array<uint8_t, rtsp::kFrameHeaderBytes> head;
  std::array<uint8_t, kMaxReport> packet;
  for (;;) {
    if (chain.read(at, head) < head.size() || head[0] != '$') return;
    const auto header = rtsp::parse_frame_header(head);
    const TcpSequence end = at + (head.size() + header->length);
    if (chain.end_from(at) < end) return;
    const auto target = inside(c, header->channel, c.spliced);
    if (target && target->flow.role == FlowRole::kRtcpToClient && header->length <= packet.size()) {
      const MutableBytes report = MutableBytes(packet).first(header->length);
      chain.read(at + head.size(), report);
      StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
      const bool news = rtp::summarize_rtcp(report).has_bye && !std::exchange(stream.said_bye, true);
      if (news) judge_bye(c, target->flow.session);
      if (c.state == ConnectionState::kFrozen) return;
    }
    at = end;
  }
}

// It was no failure: what was held passes. The connection may be spliced.
void Worker::let_units_go(Connection& c) {
  Interleaved& il = *interleaved(c);
  if (!std::exchange(il.bye_held, false)) return;
  if (c.state == ConnectionState::kMonitored) {
    held_byes(c).passed = c.splice.to_client.custody.end();
    read_units(c);
  } else if (c.state == ConnectionState::kSpliced) {
    il.bye_passes = true;
    pass_units(c, nullptr, make_to_client(c.splice, c.acknowledged(false)));
  }
}

// The client has got the beginning of a report that says BYE, up to `passed`. The rest is here: the BYE
// becomes an empty receiver report, which looks the same but for its first two bytes (RFC 3550 6.4.2,
// 6.6). False if those are with the client.
bool Worker::hide_bye(const Connection& c, TcpSequence passed) {
  constexpr uint8_t kReceiverReport = 201, kBye = 203;
  Chain& custody = interleaved(c)->custody;
  const TcpSequence unit = interleaved(c)->unit;
  const TcpSequence end = unit + frame_size(custody, unit);
  std::array<uint8_t, 4> head;
  for (TcpSequence at = unit + rtsp::kFrameHeaderBytes; at + head.size() <= end;) {
    custody.read(at, head);
    if (head[1] == kBye) {
      if (at < passed) return false;
      const std::array<uint8_t, 2> instead{static_cast<uint8_t>(head[0] & 0xe0), kReceiverReport};
      custody.write(at, instead);
    }
    at += 4u * (load_be16(&head[2]) + 1u);
  }
  return true;
}

// Its server is gone: what of the stream was under way stays, and nothing else.
void Worker::settle_interleaved(Connection& c) {
  Interleaved& il = *interleaved(c);
  tcp::Custody& custody = c.splice.to_client.custody;
  if (!keep_text(c)) {
    c.custody_overflow = true;
    return;
  }
  if (std::exchange(il.bye_held, false)) {
    const TcpSequence passed = later(held_byes(c).passed, custody.begin());
    if (!c.spliced && passed < custody.end()) {
      if (passed > il.unit && hide_bye(c, passed))
        il.unit += read_frame(c, frame_size(il.custody, il.unit));
      custody.shorten(later(passed, il.unit));
      c.server_half.sent = later(custody.end(), il.forwarded);
    }
  }
  il.inbox.clear();
  il.custody.drop_from(custody.end());
  c.from_server.skip_to(custody.end());
  if (!il.half_open && il.unit < custody.end()) {
    if (il.custody.at(il.unit)[0] == '$') {
      il.half_open = true;
    } else if (!c.spliced) {  // half an answer
      std::array<uint8_t, tcp::kReassemblyBytes> text;
      const size_t size = il.custody.read(
          il.unit, MutableBytes(text).first(static_cast<size_t>(custody.end() - il.unit)));
      c.from_server.skip_to(il.unit);
      c.from_server.insert(il.unit, Bytes(text).first(size));
      il.unit = custody.end();
    }
  }
  il.unit_bytes = 0;
  count_kept(c);
}

}  // namespace midstream
