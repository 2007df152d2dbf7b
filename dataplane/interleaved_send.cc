// To both ends of a spliced connection with media inside: what has been passed on leaves for the
// client, and the server is told what has arrived and what there is room for.

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/worker.h"

namespace midstream {

// The server is told what is here behind the hole: it repeats what is not (RFC 5681 3.2, RFC 2018 4).
void Worker::tell_hole(Connection& c, const tcp::Segment& in) {
  tcp::Segment out = made_segment(c, false);
  out.sequence = c.splice.to_server.edits.to_output(c.splice.to_server.released);
  if (c.splice.server.sack) {
    const TcpSequence end = interleaved(c)->inbox.end_from(in.sequence);
    out.sack[out.sack_count++] = {in.sequence, end};
  }
  send_segment(c, false, out);
}

// What was passed on before passes again, from what is kept: byte for byte the same, however it is cut.
bool Worker::repeat_kept(Connection& c, const tcp::Segment& in, const tcp::Segment& out) {
  tcp::Direction& forward = c.splice.to_client;
  if (in.payload.empty() || in.sequence >= forward.released) return false;
  const TcpSequence end = earlier(in.sequence + in.payload.size(), forward.released);
  const TcpSequence from = forward.edits.to_output(later(in.sequence, c.acknowledged(true)));
  const TcpSequence begin = later(from, forward.custody.begin());
  const TcpSequence to = earlier(forward.edits.to_output(end), window_edge(c, true));
  if (c.joining || begin >= to) {
    acknowledge_sender(c, false);
  } else {
    send_held(c, true, {begin, to}, out);
  }
  return true;
}

// The window that the server is told: no more than the switch may have to keep; and while it is the
// server's peer, what it has room for, whatever the client has. Once the cuts stand it has none until
// the client was sent what is held: a server that is faster than the client would keep it busy for
// good.
void Worker::limit_window(const Connection& c, tcp::Segment& to_server) const {
  const tcp::Custody& custody = c.splice.to_client.custody;
  const auto held = static_cast<size_t>(custody.end() - custody.begin());
  size_t room = kMaxCustodyBytes - std::min(held, kMaxCustodyBytes);
  if (c.joining && all_cut(c) && !custody.all_sent()) room = 0;
  const auto field =
      static_cast<uint16_t>(std::min<size_t>(room >> c.splice.presented_client_scale, UINT16_MAX));
  to_server.window = c.joining ? field : std::min(to_server.window, field);
}

// While the switch is the server's peer, nobody else tells it that there is room again.
bool Worker::opens_again(Connection& c) {
  Interleaved& il = *interleaved(c);
  const uint32_t room = uint32_t{made_segment(c, false).window} << c.splice.presented_client_scale;
  const bool was_shut = std::exchange(il.shut, room < 4 * tcp::kOriginSegment);
  return was_shut && !il.shut;
}

// To the client, what has been passed on since: in the buffer that it came in, if it fills a segment.
void Worker::emit_passed(Connection& c, Frame* frame, const tcp::Segment& out) {
  Interleaved& il = *interleaved(c);
  const TcpSequence begin = std::exchange(il.emitted, c.splice.to_client.custody.end());
  const TcpSequence end = earlier(il.emitted, window_edge(c, true));
  if (begin >= end) return;
  if (frame == nullptr || !emit_in_place(c, *frame, out, begin, static_cast<uint32_t>(end - begin)))
    send_held(c, true, {begin, end}, out);
}

bool Worker::emit_in_place(Connection& c, Frame& frame, tcp::Segment out, TcpSequence begin,
                           uint32_t size) {
  const Chain& custody = interleaved(c)->custody;
  rte_mbuf* const mbuf = frame.mbuf;
  uint8_t* const payload = frame.bytes.data() + frame.packet.payload_offset;
  if (c.held || size > segment_room(c, true) || custody.buffer_of(begin, size) != mbuf ||
      custody.at(begin).data() != payload) {
    return false;
  }
  std::array<uint8_t, 60> header;
  out.source_port = c.visible.port;
  out.destination_port = c.client.port;
  out.sequence = begin;
  out.payload = {};
  out.flags.psh = true;
  const size_t header_bytes = tcp::write_segment(out, header);
  const size_t before = net::header_bytes(c.to_client, c.visible.address) + header_bytes;
  auto* const buffer = static_cast<uint8_t*>(mbuf->buf_addr);
  if (header_bytes == 0 || static_cast<size_t>(payload - buffer) < before) return false;
  std::copy_n(header.begin(), header_bytes, payload - header_bytes);
  uint8_t* const start = payload - before;
  net::build_tcp_frame({start, before + size}, c.to_client, c.visible.address, c.client.address,
                       {payload - header_bytes, header_bytes + size});
  mbuf->data_off = static_cast<uint16_t>(start - buffer);
  mbuf->data_len = static_cast<uint16_t>(before + size);
  mbuf->pkt_len = mbuf->data_len;
  rte_mbuf_refcnt_update(mbuf, 1);
  c.splice.to_client.custody.note_sent(begin, begin + size);
  transmit(mbuf, c.client_nic);
  return true;
}

}  // namespace midstream
