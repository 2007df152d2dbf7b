// The server's bytes on a spliced connection with media inside, unit by unit; see interleaved.h. Here:
// end to end. What must be put in order first is in interleaved_join.cc.

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kMaxTranslated = 1024;  // RTCP; larger ones pass (tcp::kMaxInsertedBytes)

}  // namespace

Worker::Exit Worker::relay_interleaved(Frame& frame, Connection& c, const tcp::Segment& in) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  tcp::Segment out = translate_to_client(c.splice, in);
  out.flags.fin = false;
  bool answered = repeat_kept(c, in, out);

  const TcpSequence expected = c.from_server.next_expected();
  const TcpSequence before = forward.released;
  const auto skip = static_cast<size_t>(
      std::clamp<int64_t>(forward.released - in.sequence, 0, static_cast<int64_t>(in.payload.size())));
  const size_t at = static_cast<size_t>(in.payload.data() - frame.bytes.data()) + skip;
  const bool room = il.inbox.pieces() < kMaxCustodyPieces && kept_ < options_.max_kept;
  const uint32_t fresh = !room || in.payload.empty()
                             ? 0
                             : il.inbox.add(in.sequence + skip, frame.mbuf,
                                            frame.bytes.subspan(at, in.payload.size() - skip));
  c.from_server.skip_to(il.inbox.end_from(forward.released));
  const bool arrived = c.from_server.next_expected() != expected;
  answered |= pass_units(c, &frame, out);
  if (il.bye_held && c.state == ConnectionState::kSpliced) look_ahead(c);
  if (c.state != ConnectionState::kSpliced) return Exit::kConsumed;

  if (in.flags.fin && in.end() - 1 == c.from_server.next_expected()) return take_fin(c, in, out);
  if (fresh > 0 && !arrived) {
    tell_hole(c, in);
    answered = true;
  } else if (arrived && !il.bye_held && (c.joining || forward.released == before)) {
    // While joining the switch is the server's peer. And it becomes that if all that came waits for the
    // rest of its unit: a sender that sends no more before it hears that this has arrived (a small
    // window, Nagle's algorithm) would never send the rest.
    begin_joining(c);
    // What is the server's own again it repeats itself: the last unit, if that is not whole yet.
    const bool whole = all_cut(c) && forward.custody.all_sent() && forward.released != before;
    forward.input_base =
        later(forward.input_base, whole ? forward.released : c.from_server.next_expected());
    acknowledge_sender(c, false);
    if (whole) pass_units(c, nullptr, made_segment(c, true));
    if (c.state != ConnectionState::kSpliced) return Exit::kConsumed;
    if (c.joining) opens_again(c);  // what it was told just now
  }
  const tcp::Direction& backward = c.splice.to_server;
  const bool hidden = backward.edits.to_input(in.acknowledgement) <= backward.input_base &&
                      backward.custody.origin_outstanding();
  if (!answered && !hidden) {
    out.sequence = forward.custody.end();
    send_segment(c, true, out);
  }
  return Exit::kConsumed;
}

Worker::Exit Worker::take_fin(Connection& c, const tcp::Segment& in, tcp::Segment out) {
  const bool held = interleaved(c)->bye_held;
  if (ending_is_failure(c)) {
    freeze(c, Cause::kFin);
    return Exit::kHeld;
  }
  if (teardown_is_ours(c)) {
    end_for_client(c);
    return Exit::kHeld;
  }
  if (held) return Exit::kHeld;  // it comes again
  pass_rest(c, in.end() - 1, out);
  if (c.state != ConnectionState::kSpliced) return Exit::kConsumed;
  c.server_half.fin = true;
  out.flags.fin = true;
  out.sequence = c.splice.to_client.custody.end();
  if (c.joining) {  // behind what the switch has to send
    c.splice.to_client.custody.originate_fin(now_);
    send_origin(c, true);
  } else {
    send_segment(c, true, out);
  }
  c.splice.to_client.released = in.end() - 1;
  note_both_finished(c);
  return Exit::kConsumed;
}

// The stream has come to its end before the unit has: the client gets what there is.
void Worker::pass_rest(Connection& c, TcpSequence end, const tcp::Segment& out) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  if (il.half_open) pad_half(c, {});
  if (forward.released >= end) return;
  il.inbox.move_to(il.custody, forward.released, end, forward.custody.end());
  forward.custody.extend(static_cast<uint32_t>(end - forward.released));
  forward.released = end;
  il.unit = forward.custody.end();
  if (!c.joining) return emit_passed(c, nullptr, out);
  take_over(c);
}

// Passes on what can be; true if anything left. `frame` brought the newest bytes, if there is one.
bool Worker::pass_units(Connection& c, Frame* frame, const tcp::Segment& out) {
  Interleaved& il = *interleaved(c);
  const TcpSequence sent = c.splice.to_client.custody.end();
  bool any = false;
  if (!keep_text(c)) return false;
  while (c.state == ConnectionState::kSpliced && !il.bye_held) {
    if (c.joining && joined(c)) leave_joining(c);
    if (!(c.joining ? join_unit(c) : pass_unit(c))) break;
    any = true;
  }
  if (c.state != ConnectionState::kSpliced) return any;
  if (c.joining) {
    send_origin(c, true);
  } else {
    emit_passed(c, frame, out);
  }
  let_acknowledged_go(c);
  return any && c.splice.to_client.custody.end() != sent;
}

// One unit, or as much of it as there is.
bool Worker::pass_unit(Connection& c) {
  Interleaved& il = *interleaved(c);
  const tcp::Custody& custody = c.splice.to_client.custody;
  const TcpSequence at = c.splice.to_client.released;
  const auto there = static_cast<uint32_t>(il.inbox.end_from(at) - at);
  if (there == 0) return false;
  if (il.unit_bytes > 0) {
    pass_bytes(c, std::min(there, il.unit_bytes - static_cast<uint32_t>(custody.end() - il.unit)));
    return true;
  }
  il.unit = custody.end();
  if (il.inbox.at(at)[0] != '$') return pass_message(c, there);
  std::array<uint8_t, rtsp::kFrameHeaderBytes + rtp::kFixedHeaderBytes> head;
  const MutableBytes begin = MutableBytes(head).first(il.inbox.read(at, head));
  if (begin.size() < rtsp::kFrameHeaderBytes) return false;
  const rtsp::FrameHeader header = *rtsp::parse_frame_header(begin);
  const uint32_t whole = rtsp::kFrameHeaderBytes + uint32_t{header.length};
  const auto target = inside(c, header.channel, true);
  if (target && !c.only_passes()) {
    StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
    const bool opens = stream.phase == StreamPhase::kWaiting || stream.phase == StreamPhase::kCutting;
    if (opens) return begin_joining(c), join_unit(c);
    if (target->flow.role == FlowRole::kRtcpToClient)
      return pass_report(c, *target, stream, whole, there);
    if (begin.size() < std::min<size_t>(whole, head.size())) return false;
    begin[1] = target->channel;
    const MutableBytes packet = begin.subspan(rtsp::kFrameHeaderBytes);
    if (auto rtp = rtp::parse_fixed_header(packet)) {
      stream.continuity.to_client(packet, *rtp);
      ++stream.packets_since_cut;
    }
    il.inbox.write(at, begin);
  }
  il.unit_bytes = whole;
  pass_bytes(c, std::min(there, whole));
  return true;
}

// Of the frame that began at `unit`; at its end it is accounted.
void Worker::pass_bytes(Connection& c, uint32_t size) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  il.inbox.move_to(il.custody, forward.released, forward.released + size, forward.custody.end());
  forward.custody.extend(size);
  forward.released += size;
  const auto passed = static_cast<uint32_t>(forward.custody.end() - il.unit);
  if (passed < il.unit_bytes) return;
  const TcpSequence begin = il.unit;
  il.unit = forward.custody.end();
  il.unit_bytes = 0;
  const auto target = inside(c, il.custody.at(begin + 1)[0], false);
  if (!target || target->flow.role != FlowRole::kRtpToClient || c.only_passes()) return;
  StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
  const Time last_of_old = stream.last_forwarded;
  account_frame(c, stream, begin + rtsp::kFrameHeaderBytes, passed - rtsp::kFrameHeaderBytes);
  if (!std::exchange(stream.resumed, true)) report_resumed(c, target->flow, stream, last_of_old);
}

// Its size may change, so it is passed whole.
bool Worker::pass_report(Connection& c, const Inside& target, StreamState& stream, uint32_t whole,
                         uint32_t there) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  if (there < whole) return false;
  std::array<uint8_t, kMaxTranslated> packet;
  std::array<uint8_t, rtsp::kFrameHeaderBytes + kMaxTranslated + rtp::kRtcpGrowth> text;
  static_assert(sizeof text <= tcp::kMaxInsertedBytes + 512);
  const size_t size = whole - rtsp::kFrameHeaderBytes;
  const Bytes bytes =
      Bytes(packet).first(il.inbox.read(forward.released + rtsp::kFrameHeaderBytes,
                                        MutableBytes(packet).first(std::min(size, packet.size()))));
  const rtp::RtcpSummary summary = rtp::summarize_rtcp(bytes);
  if (bytes.size() < size || !summary.valid) {
    il.unit_bytes = whole;
    return pass_bytes(c, whole), true;
  }
  c.last_server_sign = now_;
  if (summary.sender_time) stream.server_time = summary.sender_time;
  if (summary.has_bye && holds_bye(c, target, stream)) return false;
  const size_t translated =
      stream.continuity.rtcp_to_client(bytes, MutableBytes(text).subspan(rtsp::kFrameHeaderBytes),
                                       c.clocks[target.flow.session], stream.clock_rate);
  if (!stream.continuity.active()) {
    il.unit_bytes = whole;
    return pass_bytes(c, whole), true;
  }
  const size_t frame = translated == 0 ? 0 : rtsp::kFrameHeaderBytes + translated;
  std::ranges::copy(rtsp::print_frame_header({target.channel, static_cast<uint16_t>(translated)}),
                    text.begin());
  if (frame == whole) {
    il.inbox.write(forward.released, Bytes(text).first(frame));
    il.unit_bytes = whole;
    return pass_bytes(c, whole), true;
  }
  const bool fits = frame <= tcp::kMaxInsertedBytes && forward.edits.has_room(1, frame);
  if (!fits || !forward.edits.add(forward.released, whole, as_text(Bytes(text).first(frame))))
    return begin_joining(c), true;
  replace_unit(c, whole, Bytes(text).first(frame));
  return true;
}

// The next `whole` bytes of the inbox have become `text`.
void Worker::replace_unit(Connection& c, uint32_t whole, Bytes text) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  forward.released += whole;
  il.inbox.drop_before(forward.released);
  put_in_order(c, text);
}

// A message; in either mode.
bool Worker::pass_message(Connection& c, uint32_t there) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  std::array<uint8_t, tcp::kReassemblyBytes> text;
  const Bytes bytes = Bytes(text).first(
      il.inbox.read(forward.released, MutableBytes(text).first(std::min<size_t>(there, text.size()))));
  rtsp::Message message;
  const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
  if (parsed.status == rtsp::ParseStatus::kNeedMore && bytes.size() < text.size()) return false;
  if (parsed.status != rtsp::ParseStatus::kDone) {
    const auto skipped = static_cast<uint32_t>(skip_garbage(c, bytes));
    replace_unit(c, skipped, bytes.first(skipped));
    return true;
  }
  const auto whole = static_cast<uint32_t>(parsed.bytes);
  if (is_own_answer(c, message)) {
    if (!take_out_answer(c, forward.released, message)) return begin_joining(c), true;
    il.inbox.drop_before(forward.released);
    return true;
  }
  rtsp::Replacements edits;
  uint8_t opened = rtsp::kNoSession;
  if (!translate(c, false, message, bytes.first(whole), edits, opened)) return begin_joining(c), true;
  if (opened != rtsp::kNoSession) begin_joining(c);
  const TcpSequence begin = forward.released;
  for (uint8_t i = 0; i < edits.count; ++i) {
    const rtsp::Replacement& edit = edits.items[i];
    if (!forward.edits.add(begin + edit.offset, edit.length, edits.text_of(edit))) break;
  }
  std::array<uint8_t, tcp::kInsertedRoom + tcp::kReassemblyBytes> translated;
  const size_t size = forward.edits.apply(begin, bytes.first(whole), translated);
  replace_unit(c, whole, Bytes(translated).first(size));
  if (c.joining) take_over(c);
  note_answer(c, Bytes(translated).first(size));
  if (opened != rtsp::kNoSession) release_opened(c, opened);
  return true;
}

}  // namespace midstream
