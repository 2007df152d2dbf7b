// The stream control monitor: follows connections that nothing is changed in. Every frame leaves as
// it came; only endings that are failures are held back.

#include <algorithm>

#include "dataplane/worker.h"
#include "lib/rtsp/foreign.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

Bytes segment_bytes(const net::Packet& packet, MutableBytes frame) {
  const size_t end = packet.payload_offset + packet.payload_bytes;
  return Bytes(frame).subspan(packet.l4_offset, end - packet.l4_offset);
}

// Of the server's bytes those that were lost before us have not been seen by anybody; the client says
// its own again.
void note_half(TcpHalf& half, const tcp::Segment& segment, bool from_client) {
  if (from_client || !segment.payload.empty())
    half.sent = later(half.sent, segment.sequence + segment.payload.size());
  if (segment.flags.ack) half.acknowledged = later(half.acknowledged, segment.acknowledgement);
  note_sack(half, segment);
  if (!segment.flags.syn) half.window = segment.window;
  if (segment.timestamps)
    half.newest_timestamp = later(half.newest_timestamp, segment.timestamps->value);
}

}  // namespace

void Worker::note_handshake(const Frame& frame, Connection& c, const tcp::Segment& segment,
                            bool from_client) {
  TcpHalf& half = from_client ? c.client_half : c.server_half;
  half = TcpHalf{};
  half.initial = segment.sequence;
  half.sent = segment.end();
  half.acknowledged = segment.acknowledgement;
  half.window = segment.window;
  half.mss = segment.mss.value_or(half.mss);
  half.window_scale = segment.window_scale;
  half.sack_permitted = segment.sack_permitted;
  half.has_timestamps = segment.timestamps.has_value();
  if (segment.timestamps) half.newest_timestamp = segment.timestamps->value;
  if (from_client) {
    c.from_client.reset(segment.sequence + 1);
    return;
  }
  c.client_half.acknowledged = segment.sequence;  // its SYN could not name any: a place to count from
  c.from_server.reset(segment.sequence + 1);
  c.splice.to_client.custody.reset(segment.sequence + 1);
  const net::Packet& packet = frame.packet;
  c.to_server = {c.to_client.destination, packet.source_mac, packet.vlan_tags > 0, packet.vlan_tci};
  c.server_nic = frame.port;
  if (c.state == ConnectionState::kHandshake && !c.spliced) c.state = ConnectionState::kMonitored;
}

// Every way through here ends with the frame bridged as it came, or held because it is an ending.
void Worker::monitor(Frame& frame, Connection& c, bool from_client) {
  tcp::Segment segment;
  if (c.state == ConnectionState::kClosed ||
      !tcp::parse_segment(segment_bytes(frame.packet, frame.bytes), segment)) {
    return bridge(frame);
  }
  // An ending is no sign of life: detection is measured from the last one.
  if (from_client) c.last_client_sign = now_;
  if (!from_client && !segment.flags.fin && !segment.flags.rst) c.last_server_sign = now_;

  // Its process is gone, and heartbeats have not found out yet.
  if (c.state == ConnectionState::kHandshake && !from_client && refuses(c, segment) &&
      try_another_server(c)) {
    return drop(frame.mbuf, Drop::kAnswered);
  }
  bool held = false;
  if (c.state == ConnectionState::kUnprotected) {
    (from_client ? c.client_half : c.server_half).fin |= segment.flags.fin;
    if (segment.flags.rst) note_closed(c);
    note_both_finished(c);
  } else if (segment.flags.syn) {
    // One that comes again when the connection is under way tells nothing new.
    const TcpHalf& half = from_client ? c.client_half : c.server_half;
    const bool again = c.state != ConnectionState::kHandshake && half.initial == segment.sequence;
    if (from_client == !segment.flags.ack && !again) note_handshake(frame, c, segment, from_client);
  } else if (segment.flags.rst) {
    held = monitor_reset(c, segment, from_client);
  } else if (bypassed(c, segment, from_client)) {
    mark_unprotected(c, rtsp::Unprotected::kOneSided);
  } else {
    if (!from_client && c.interleaved) {
      note_half(c.server_half, segment, false);
      held = !segment.payload.empty() && monitor_interleaved(frame, c, segment);
    } else {
      monitor_stream(c, segment, from_client);
    }
    held |= segment.flags.fin && c.state == ConnectionState::kMonitored &&
            monitor_fin(c, segment, from_client);
    if (held && holds_units(c)) return hold_segment(frame, c);
  }
  if (held) return drop(frame.mbuf, Drop::kHeldEnding);
  bridge(frame);
}

// A side acknowledges, in order, what we have never seen go there: one direction takes another way. A
// FIN is one more than the data.
bool Worker::bypassed(const Connection& c, const tcp::Segment& segment, bool from_client) const {
  if (!segment.flags.ack) return false;
  if (c.state == ConnectionState::kHandshake) return from_client;
  const tcp::Reassembly& own = from_client ? c.from_client : c.from_server;
  const TcpHalf& other = from_client ? c.server_half : c.client_half;
  return segment.sequence == own.next_expected() && segment.acknowledgement > other.sent + 1;
}

// RFC 5961 3.2: in effect only at RCV.NXT. The client's may lie behind ours, if what we saw was lost on
// its way to it.
bool Worker::monitor_reset(Connection& c, const tcp::Segment& segment, bool from_client) {
  const tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  const bool at_ours = segment.sequence == stream.next_expected();
  const bool at_client = !from_client && segment.sequence >= c.client_half.acknowledged &&
                         segment.sequence <= stream.next_expected();
  if (!at_ours && !at_client) {
    // What came before it was lost; or it answers what the client had said a while ago, from a host
    // that knows of no such connection. The client would ask the server whether it means it, or take
    // no notice: we ask.
    if (from_client || !ending_is_failure(c)) return false;
    suspect(c, Cause::kReset);
    return true;
  }
  if (!from_client && ending_is_failure(c)) {
    freeze(c, Cause::kReset);
    return true;
  }
  if (!from_client && teardown_is_ours(c)) {
    end_for_client(c);
    return true;
  }
  note_closed(c);
  return false;
}

void Worker::monitor_stream(Connection& c, const tcp::Segment& segment, bool from_client) {
  tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  tcp::Custody& custody = c.splice.to_client.custody;
  note_half(from_client ? c.client_half : c.server_half, segment, from_client);
  if (from_client) {
    custody.acknowledge(segment.acknowledgement, false, now_);
    if (c.interleaved) {
      let_acknowledged_go(c);
    } else if (c.custody_overflow && segment.acknowledgement == c.from_server.next_expected()) {
      custody.reset(segment.acknowledgement);
      c.custody_overflow = false;
    }
  }
  const TcpSequence before = stream.next_expected();
  stream.insert(segment.sequence, segment.payload);
  const auto fresh = static_cast<size_t>(stream.next_expected() - before);
  if (fresh == 0) return;
  if (!from_client) c.custody_overflow |= !custody.append(stream.readable().last(fresh));
  read_messages(c, from_client);
}

bool Worker::monitor_fin(Connection& c, const tcp::Segment& segment, bool from_client) {
  const tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  const bool in_order = segment.end() - 1 == stream.next_expected();
  if (!from_client && ending_is_failure(c)) {  // also one that comes before its data does again
    if (in_order) freeze(c, Cause::kFin);
    return true;
  }
  if (!from_client && in_order && teardown_is_ours(c)) {
    end_for_client(c);
    return true;
  }
  (from_client ? c.client_half : c.server_half).fin |= in_order;
  note_both_finished(c);
  return false;
}

void Worker::note_closed(Connection& c) {
  // Media that nobody asked to end may outlive it.
  const bool may_play_on = std::ranges::any_of(c.conversation.sessions, [](const rtsp::Session& s) {
    return !s.id.empty() && s.state == rtsp::PlayState::kPlaying && !s.teardown_requested;
  });
  if (!may_play_on) c.state = ConnectionState::kClosed;
  c.closed_at = now_;
  report(c);
}

void Worker::note_both_finished(Connection& c) {
  if (!c.client_half.fin || !c.server_half.fin || c.closed_at != Time{}) return;
  c.closed_at = now_;  // the last acknowledgements still pass, translated where they must be
  report(c);
}

void Worker::mark_unprotected(Connection& c, rtsp::Unprotected reason) {
  if (c.conversation.unprotected == rtsp::Unprotected::kNone) c.conversation.unprotected = reason;
  // A spliced connection must be translated to its end, whatever it comes to carry.
  if (!c.spliced) {
    c.state = ConnectionState::kUnprotected;
    end_interleaved(c);
  }
  ++stats_.unprotected[static_cast<size_t>(c.conversation.unprotected)];
  report(c);
}

void Worker::read_messages(Connection& c, bool from_client) {
  tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  while (!stream.readable().empty() && c.state == ConnectionState::kMonitored) {
    const Bytes bytes = stream.readable();
    if (const size_t frame = from_client ? client_frame(c, bytes) : 0) {
      if (frame > bytes.size()) {
        if (stream.full()) mark_unprotected(c, rtsp::Unprotected::kMessageTooLarge);
        return;
      }
      note_client_frame(c, bytes.first(frame));
      stream.consume(frame);
      continue;
    }
    if (rtsp::starts_interleaved(bytes)) return mark_unprotected(c, rtsp::Unprotected::kNotRtsp);
    rtsp::Message message;
    const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) {
      if (stream.full()) mark_unprotected(c, rtsp::Unprotected::kMessageTooLarge);
      return;
    }
    if (parsed.status == rtsp::ParseStatus::kBad) {
      if (!c.conversation.any_playing()) return mark_unprotected(c, rtsp::foreign_protocol(bytes));
      stream.consume(parsed.bytes);
      continue;
    }
    const Bytes raw = bytes.first(parsed.bytes);
    if (from_client) adopt_session(c, message);
    const uint8_t change = from_client ? rtsp::on_client_message(c.conversation, message, raw)
                                       : rtsp::on_server_message(c.conversation, message);
    stream.consume(parsed.bytes);
    apply_change(c, change);
    if (!from_client && c.interleaved) return read_units(c);  // its first stream inside was set up
  }
}

}  // namespace midstream
