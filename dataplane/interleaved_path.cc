// The stream control monitor of connections with media inside; see interleaved.h. Every segment leaves
// as it came.

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kMaxHeader = 12 + 15 * 4 + 4;  // of RTP, up to the length of its extension

const rtsp::StreamWords& words_of(const Connection& c, uint8_t session, uint8_t stream) {
  return c.words.sessions[session].streams[stream];
}

}  // namespace

// Whose frames come on a channel: of the client's numbers, or of the current server's.
std::optional<Worker::Inside> Worker::inside(const Connection& c, uint8_t channel,
                                             bool of_server) const {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (!session.streams[i].channels || c.stream_state[s][i] == kNoStream) continue;
      const rtsp::PortPair own = *session.streams[i].channels;
      const bool moved = streams_[c.stream_state[s][i]].phase != StreamPhase::kDirect;
      const rtsp::PortPair there = moved ? words_of(c, s, i).server_channels.value_or(own) : own;
      const rtsp::PortPair& named = of_server ? there : own;
      const rtsp::PortPair& other = of_server ? own : there;
      if (channel == named.rtp)
        return Inside{{FlowRole::kRtpToClient, s, i, c.index}, static_cast<uint8_t>(other.rtp)};
      if (channel == named.rtcp)
        return Inside{{FlowRole::kRtcpToClient, s, i, c.index}, static_cast<uint8_t>(other.rtcp)};
    }
  }
  return std::nullopt;
}

// The first stream inside was set up: from now on the bytes are kept by reference.
void Worker::begin_interleaved(Connection& c) {
  if (c.interleaved) return;
  c.interleaved = true;
  interleaved(c) = std::make_unique<Interleaved>();
  Interleaved& il = *interleaved(c);
  keep_text(c);
  const bool spliced = c.spliced;
  const TcpSequence end = c.splice.to_client.custody.end();
  il.unit = spliced ? end : c.from_server.next_read();
  il.lost_until = end;
  il.forwarded = c.server_half.sent;
  c.splice.to_client.least_window = 1;  // frames need not be whole to pass
  bool kept = c.splice.to_client.custody.text().empty();
  c.from_server.for_each_part([&](TcpSequence sequence, Bytes bytes) {
    kept &= keep_copy(spliced ? il.inbox : il.custody, sequence, bytes);
  });
  if (!spliced)
    c.splice.to_client.custody.extend(static_cast<uint32_t>(il.custody.end_from(end) - end));
  c.from_server.skip_to(c.from_server.next_expected());
  count_kept(c);
  if (kept) return;
  spliced ? abandon(c) : mark_unprotected(c, rtsp::Unprotected::kMessageTooLarge);
}

void Worker::end_interleaved(Connection& c) {
  if (!c.interleaved) return;
  Interleaved& il = *interleaved(c);
  il.custody.clear();
  il.inbox.clear();
  for (rte_mbuf* mbuf : std::exchange(il.behind, {})) rte_pktmbuf_free(mbuf);
  count_kept(c);
  c.interleaved = false;
  interleaved(c).reset();
}

// Text that was put into custody goes where the media is. False if there is no buffer for it now:
// nothing may be kept behind it until there is.
bool Worker::keep_text(Connection& c) {
  tcp::Custody& custody = c.splice.to_client.custody;
  const Bytes text = custody.text();
  if (!c.interleaved || text.empty()) return true;
  if (!keep_copy(interleaved(c)->custody, custody.end() - text.size(), text)) return false;
  custody.text_taken();
  return true;
}

// All of it, or nothing.
bool Worker::keep_copy(Chain& chain, TcpSequence sequence, Bytes bytes) {
  const TcpSequence begin = sequence;
  while (!bytes.empty()) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(options_.pool);
    if (mbuf == nullptr) {
      drop(mbuf, Drop::kNoMbuf);
      chain.drop_from(begin);
      return false;
    }
    const size_t size = std::min<size_t>(bytes.size(), rte_pktmbuf_tailroom(mbuf));
    auto* data = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(size)));
    std::copy_n(bytes.begin(), size, data);
    chain.add(sequence, mbuf, {data, size});
    rte_pktmbuf_free(mbuf);  // the chain has its own reference
    sequence += size;
    bytes = bytes.subspan(size);
  }
  return true;
}

void Worker::count_kept(Connection& c) {
  Interleaved& il = *interleaved(c);
  const size_t pieces = il.custody.pieces() + il.inbox.pieces() + il.behind.size();
  const auto bytes = static_cast<uint32_t>(il.custody.bytes() + il.inbox.bytes());
  kept_ += pieces - il.counted;
  stats_.custody_buffers += pieces - il.counted;
  il.counted = pieces;
  std::atomic<uint32_t>& shown = custody_[c.index];
  stats_.custody_bytes += uint64_t{bytes} - shown.load(std::memory_order_relaxed);
  shown.store(bytes, std::memory_order_relaxed);
}

// What has been acknowledged goes, but for the unit that has not ended.
void Worker::let_acknowledged_go(Connection& c) {
  Interleaved& il = *interleaved(c);
  const tcp::Custody& custody = c.splice.to_client.custody;
  il.custody.drop_before(earlier(custody.begin(), il.unit));
  if (c.custody_overflow && custody.begin() >= il.lost_until) c.custody_overflow = false;
  count_kept(c);
}

void Worker::bound_custody(Connection& c) {
  Interleaved& il = *interleaved(c);
  const auto over = [&] {
    return il.custody.bytes() > kMaxCustodyBytes || il.custody.pieces() > kMaxCustodyPieces ||
           kept_ > options_.max_kept;
  };
  if (!over()) return;
  il.custody.drop_before(il.unit);
  il.lost_until = il.unit;
  c.custody_overflow = c.splice.to_client.custody.begin() < il.unit;
  ++stats_.custody_let_go;
  count_kept(c);
  if (over()) mark_unprotected(c, rtsp::Unprotected::kMessageTooLarge);  // behind a hole that stays
}

// Data of the server on a monitored connection. True if the frame is held: it says BYE.
bool Worker::monitor_interleaved(Frame& frame, Connection& c, const tcp::Segment& segment) {
  Interleaved& il = *interleaved(c);
  tcp::Custody& custody = c.splice.to_client.custody;
  // Behind a hole nothing can be judged. It comes again.
  if (segment.sequence > custody.end() && names_an_end(c, segment.payload) && ending_is_failure(c))
    return true;
  const TcpSequence kept = earlier(custody.begin(), il.unit);
  const auto skip = static_cast<size_t>(
      std::clamp<int64_t>(kept - segment.sequence, 0, static_cast<int64_t>(segment.payload.size())));
  const size_t at = static_cast<size_t>(segment.payload.data() - frame.bytes.data()) + skip;
  const MutableBytes bytes = frame.bytes.subspan(at, segment.payload.size() - skip);
  il.custody.add(segment.sequence + skip, frame.mbuf, bytes);
  const TcpSequence before = custody.end();
  custody.extend(static_cast<uint32_t>(il.custody.end_from(before) - before));
  c.from_server.skip_to(custody.end());
  count_kept(c);
  if (!il.bye_held) {
    held_byes(c).passed = before;
    read_units(c);
  }
  if (c.interleaved && interleaved(c)->bye_held) look_ahead(c);
  if (c.state == ConnectionState::kFrozen) return true;
  if (!c.interleaved) return false;  // not to be protected after all
  if (il.bye_held) return true;
  il.forwarded = later(il.forwarded, segment.sequence + segment.payload.size());
  let_acknowledged_go(c);
  bound_custody(c);
  return false;
}

// Frames and messages that are whole.
void Worker::read_units(Connection& c) {
  Interleaved& il = *interleaved(c);
  while (c.state == ConnectionState::kMonitored && !il.bye_held) {
    const auto size = static_cast<size_t>(c.splice.to_client.custody.end() - il.unit);
    if (size == 0) return;
    const size_t taken = il.custody.at(il.unit)[0] == '$' ? read_frame(c, size) : read_message(c, size);
    if (taken == 0 || !c.interleaved) return;
    il.unit += taken;
  }
}

// The frame at `unit`, of which `size` bytes are there; returns what was taken, 0 if it is not whole.
size_t Worker::read_frame(Connection& c, size_t size) {
  Interleaved& il = *interleaved(c);
  std::array<uint8_t, rtsp::kFrameHeaderBytes> head;
  if (il.custody.read(il.unit, head) < head.size()) return 0;
  const rtsp::FrameHeader header = *rtsp::parse_frame_header(head);
  const size_t whole = head.size() + header.length;
  if (size < whole) return 0;
  const auto target = inside(c, header.channel, false);
  if (!target) return whole;
  StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
  if (target->flow.role == FlowRole::kRtpToClient) {
    account_frame(c, stream, il.unit + head.size(), header.length);
  } else if (!learn_report(c, *target, stream, il.unit + head.size(), header.length)) {
    return 0;
  }
  return whole;
}

// A packet that lies in custody, in the client's terms.
void Worker::account_frame(Connection& c, StreamState& stream, TcpSequence begin, size_t size) {
  const Chain& custody = interleaved(c)->custody;
  const Bytes run = custody.at(begin);
  if (run.size() >= size) {
    if (const auto header = rtp::parse_header(run.first(size)))
      account(stream, *header, run.first(size));
    return;
  }
  // In several buffers. Padding is rare, and what it means stands in the last byte.
  std::array<uint8_t, kMaxHeader> head;
  const Bytes first =
      Bytes(head).first(custody.read(begin, MutableBytes(head).first(std::min(size, head.size()))));
  auto header = rtp::parse_fixed_header(first);
  if (!header) return;
  size_t offset = rtp::kFixedHeaderBytes + 4u * (first[0] & 0x0F);
  if ((first[0] & 0x10) != 0 && offset + 4 <= first.size())
    offset += 4 + 4u * load_be16(&first[offset + 2]);
  const size_t padding = (first[0] & 0x20) != 0 ? custody.at(begin + (size - 1))[0] : 0;
  if (offset + padding > size) return;
  header->payload_offset = static_cast<uint16_t>(offset);
  header->payload_bytes = static_cast<uint16_t>(size - offset - padding);
  rtp::PayloadHash hash(header->payload_bytes);
  for (size_t done = 0; done < header->payload_bytes;) {
    const Bytes part = custody.at(begin + (offset + done));
    const size_t n = std::min<size_t>(part.size(), header->payload_bytes - done);
    hash.add(part.first(n));
    done += n;
  }
  const Bytes begins = size > offset ? Bytes(custody.at(begin + offset)) : Bytes{};
  account(stream, *header, size, begins, hash.result());
}

// False if it says BYE and that may be a failure: it is held.
bool Worker::learn_report(Connection& c, const Inside& target, StreamState& stream, TcpSequence begin,
                          size_t size) {
  Interleaved& il = *interleaved(c);
  std::array<uint8_t, kMaxReport> packet;
  if (size > packet.size()) return true;
  const Bytes bytes = Bytes(packet).first(il.custody.read(begin, MutableBytes(packet).first(size)));
  const rtp::RtcpSummary summary = rtp::summarize_rtcp(bytes);
  if (!summary.valid) return true;
  c.last_server_sign = now_;
  if (summary.sender_time) stream.server_time = summary.sender_time;
  const bool with_client =
      c.state == ConnectionState::kMonitored && begin + size <= held_byes(c).passed;  // it was let go
  if (summary.has_bye && !with_client && holds_bye(c, target, stream)) return false;
  std::array<uint8_t, kMaxReport + rtp::kRtcpGrowth> unused;  // it learns from what passes
  stream.continuity.rtcp_to_client(bytes, unused, c.clocks[target.flow.session], stream.clock_rate);
  return true;
}

// The message at `unit`.
size_t Worker::read_message(Connection& c, size_t size) {
  Interleaved& il = *interleaved(c);
  std::array<uint8_t, tcp::kReassemblyBytes> text;
  const Bytes bytes = Bytes(text).first(
      il.custody.read(il.unit, MutableBytes(text).first(std::min(size, text.size()))));
  rtsp::Message message;
  const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
  const bool too_long = bytes.size() == text.size();
  if (parsed.status == rtsp::ParseStatus::kNeedMore && !too_long) return 0;
  if (parsed.status != rtsp::ParseStatus::kDone) return skip_garbage(c, bytes);
  apply_change(c, rtsp::on_server_message(c.conversation, message));
  return parsed.bytes;
}

// Neither frame nor message: passes, and reading goes on where either may begin.
size_t Worker::skip_garbage(const Connection& c, Bytes bytes) {
  rtsp::ChannelSet channels;
  for (const rtsp::Session& session : c.conversation.sessions) {
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (!session.streams[i].channels) continue;
      channels.set(session.streams[i].channels->rtp);
      channels.set(session.streams[i].channels->rtcp);
    }
  }
  const size_t skipped = 1 + rtsp::resynchronise(bytes.subspan(1), channels);
  stats_.garbage += skipped;
  return skipped;
}

}  // namespace midstream
