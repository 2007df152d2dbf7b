// The control connection whose halves are joined by the splice: after a failover they never met, on a
// service whose servers have other addresses they met in the handshake. Above the splice point every
// segment is translated; text is forwarded message by message, so that its edits are known before
// any byte of it leaves. See lib/tcp/splice.h.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr size_t kMaxReleased = tcp::kInsertedRoom + tcp::kReassemblyBytes;

bool is_duplicate(const TcpHalf& half, const tcp::Segment& in) {  // RFC 5681 2
  return in.payload.empty() && !in.flags.fin && in.acknowledgement == half.acknowledged &&
         in.window == half.window;
}

}  // namespace

void Worker::relay(Frame& frame, Connection& c, bool from_client) {
  const net::Packet& packet = frame.packet;
  const size_t end = packet.payload_offset + packet.payload_bytes;
  tcp::Segment in;
  if (!tcp::parse_segment(Bytes(frame.bytes).subspan(packet.l4_offset, end - packet.l4_offset), in)) {
    return drop(frame.mbuf, Drop::kMalformed);
  }
  if (!from_client && packet.source != c.server_endpoint) return drop(frame.mbuf, Drop::kFenced);
  if (from_client && c.held) {
    answer_with_reset(frame);
    return drop(frame.mbuf, Drop::kFenced);
  }
  if (from_client) c.last_client_sign = now_;
  if (!from_client && !in.flags.fin && !in.flags.rst) c.last_server_sign = now_;

  Exit exit = Exit::kConsumed;
  if (in.flags.syn) {  // B's SYN-ACK again: our ACK was lost
    acknowledge_sender(c, from_client);
  } else if (in.flags.rst) {
    exit = relay_reset(c, in, from_client);
  } else if (!take_acknowledgement(c, in, from_client)) {
    exit = Exit::kMalformed;
  } else {
    if (from_client && c.interleaved) let_acknowledged_go(c);
    if (c.unread()) {
      exit = relay_unread(c, in, from_client);
    } else if (!from_client && c.interleaved) {
      exit = relay_interleaved(frame, c, in);
    } else {
      exit = relay_segment(c, in, from_client);
    }
    if (c.held && in.length() > 0 && exit == Exit::kConsumed) acknowledge_alone(c);
  }
  if (exit == Exit::kMalformed) return drop(frame.mbuf, Drop::kMalformed);
  if (exit == Exit::kHeld) return drop(frame.mbuf, Drop::kHeldEnding);
  rte_pktmbuf_free(frame.mbuf);
}

Worker::Exit Worker::relay_reset(Connection& c, const tcp::Segment& in, bool from_client) {
  const tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  // RFC 5961 3.2. Where nothing is put in order, the receiver alone knows which place is the next.
  const tcp::Direction& forward = c.splice.direction(!from_client);
  const bool in_effect =
      c.unread() ? in.sequence >= c.acknowledged(!from_client) && in.sequence <= forward.released
                 : in.sequence == stream.next_expected();
  if (!in_effect) return Exit::kConsumed;
  if (!from_client && ending_is_failure(c)) {
    freeze(c, Cause::kReset);
    return Exit::kHeld;
  }
  if (!from_client && teardown_is_ours(c)) {
    end_for_client(c);
    return Exit::kHeld;
  }
  tcp::Segment out =
      from_client ? translate_to_server(c.splice, in) : translate_to_client(c.splice, in);
  out.sequence = c.splice.direction(!from_client).edits.to_output(in.sequence);
  out.timestamps.reset();
  send_segment(c, !from_client, out);
  note_closed(c);
  return Exit::kConsumed;
}

// What the sender has of the opposite direction. False for what was never sent (RFC 5961 5).
bool Worker::take_acknowledgement(Connection& c, const tcp::Segment& in, bool from_client) {
  TcpHalf& half = from_client ? c.client_half : c.server_half;
  tcp::Direction& backward = c.splice.direction(from_client);
  const TcpSequence sent = backward.edits.to_output(backward.released) + 1;  // a FIN may have been
  if (in.acknowledgement > sent) return false;
  if (c.custody_overflow && from_client && in.acknowledgement + 1 >= sent) {
    backward.custody.reset(in.acknowledgement);
    c.custody_overflow = false;
  }
  const bool duplicate = is_duplicate(half, in);
  half.sent = later(half.sent, in.end());
  half.acknowledged = later(half.acknowledged, in.acknowledgement);
  half.window = in.window;
  if (in.timestamps) half.newest_timestamp = later(half.newest_timestamp, in.timestamps->value);
  backward.edits.acknowledge(in.acknowledgement);
  draw_base_along(backward, backward.edits.to_input(half.acknowledged));
  backward.custody.acknowledge(in.acknowledgement, duplicate, now_);
  if (backward.custody.origin_outstanding()) send_origin(c, from_client);
  return true;
}

Worker::Exit Worker::relay_segment(Connection& c, const tcp::Segment& in, bool from_client) {
  tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  tcp::Direction& forward = c.splice.direction(!from_client);
  const tcp::Direction& backward = c.splice.direction(from_client);
  tcp::Segment out =
      from_client ? translate_to_server(c.splice, in) : translate_to_client(c.splice, in);
  out.flags.fin = false;
  bool answered = relay_repeated(c, in, out, from_client);
  const bool repeated = stream.insert(in.sequence, in.payload) == 0 && !in.payload.empty();

  const bool ends = in.flags.fin && in.end() - 1 == stream.next_expected();
  if (ends && !from_client && ending_is_failure(c)) {
    freeze(c, Cause::kFin);
    return Exit::kHeld;
  }
  answered |= release_messages(c, from_client, out);
  if (from_client && c.interleaved) {
    pass_units(c, nullptr,
               made_segment(c, true));  // what the switch has to deliver may be all sent now
    limit_window(c, out);
    if (c.joining && opens_again(c)) acknowledge_sender(c, false);
  } else {
    release_messages(c, !from_client, made_segment(c, from_client));  // it may have freed edits
  }
  if (ends && !from_client && teardown_is_ours(c)) {
    end_for_client(c);
    return Exit::kHeld;
  }
  if (!ends && answer_for_waiting(c, from_client, repeated)) answered = true;
  if (ends) {
    (from_client ? c.client_half : c.server_half).fin = true;
    if (!stream.readable().empty()) release(c, from_client, stream.readable().size(), {}, out);
    out.flags.fin = true;
    out.sequence = forward.edits.to_output(in.end() - 1);
    send_segment(c, !from_client, out);
    answered = true;
  }
  // What the other side acknowledges of our own bytes is not for the sender's eyes.
  const bool hidden = backward.edits.to_input(in.acknowledgement) <= backward.input_base &&
                      backward.custody.origin_outstanding();
  if (!answered && !hidden) {
    // Never beyond what has left: bytes behind a hole may still change their length, and a receiver
    // takes no window from a segment before the newest one (RFC 9293 3.10.7.4, SND.WL1).
    const TcpSequence place =
        in.payload.empty() ? earlier(in.sequence, forward.released) : forward.released;
    out.sequence = forward.edits.to_output(place);
    send_segment(c, !from_client, out);
  }
  note_both_finished(c);
  return Exit::kConsumed;
}

// A sender repeats what waits here for the end of its message: it may send no more before it hears that
// this has arrived (a small window, Nagle's algorithm), and the end would never come. So the switch
// answers for it, and will repeat it itself. From then on at once, until the message has left.
bool Worker::answer_for_waiting(Connection& c, bool from_client, bool repeated) {
  const tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  tcp::Direction& forward = c.splice.direction(!from_client);
  const bool begun = forward.input_base > forward.released;
  const tcp::Custody& custody = forward.custody;
  const bool alone =  // nothing else is in flight that nobody would repeat then
      custody.begin() == custody.end() && custody.end() == forward.edits.to_output(forward.released);
  if (stream.readable().empty() || !(begun || (repeated && alone))) return false;
  forward.input_base = later(forward.input_base, stream.next_expected());
  acknowledge_sender(c, from_client);
  return true;
}

// Passes by itself, also if it is early: nothing waits for what came before it. Edits that were made
// while the connection was read still hold for their bytes.
Worker::Exit Worker::relay_unread(Connection& c, const tcp::Segment& in, bool from_client) {
  tcp::Direction& forward = c.splice.direction(!from_client);
  tcp::Segment out =
      from_client ? translate_to_server(c.splice, in) : translate_to_client(c.splice, in);
  out.flags.fin = false;
  release_messages(c, from_client, out);  // what had waited for the end of its message
  release_messages(c, !from_client, made_segment(c, from_client));
  const TcpSequence end = in.sequence + in.payload.size();
  forward.released = later(forward.released, end);
  const bool answered = relay_repeated(c, in, out, from_client);
  if (in.flags.fin) (from_client ? c.client_half : c.server_half).fin = true;
  if (!answered || in.flags.fin) {
    out.flags.fin = in.flags.fin;
    out.sequence = forward.edits.to_output(in.flags.fin ? end : in.sequence);
    send_segment(c, !from_client, out);
  }
  note_both_finished(c);
  return Exit::kConsumed;
}

// The part of a segment that was forwarded before: it passes again, byte for byte the same. What lies
// below the splice point the switch has taken on itself, so it answers.
bool Worker::relay_repeated(Connection& c, const tcp::Segment& in, tcp::Segment out, bool from_client) {
  tcp::Direction& forward = c.splice.direction(!from_client);
  if (in.payload.empty() || in.sequence >= forward.released) return false;
  const TcpSequence end = earlier(in.sequence + in.payload.size(), forward.released);
  const TcpSequence begin = later(in.sequence, c.acknowledged(!from_client));  // edits are forgotten
  if (begin >= end) {
    acknowledge_sender(c, from_client);
    return true;
  }
  const Bytes part =
      in.payload.subspan(static_cast<size_t>(begin - in.sequence), static_cast<size_t>(end - begin));
  std::array<uint8_t, kMaxReleased> text;
  const size_t size = forward.edits.apply(begin, part, text);
  if (size != SIZE_MAX) {
    emit_data(c, !from_client, out, forward.edits.output_begin(begin), Bytes(text).first(size));
  }
  return true;
}

}  // namespace midstream
