// Segments of the switch's own making on a spliced connection, and how bytes are cut into segments.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr size_t kLargestSegment = 1920;  // a buffer of 2048 less 14 + 4 + 40 + 60 bytes of headers

}  // namespace

// How far the receiver lets us send.
TcpSequence Worker::window_edge(const Connection& c, bool to_client) {
  const TcpHalf& half = to_client ? c.client_half : c.server_half;
  const tcp::Leg& leg = to_client ? c.splice.client : c.splice.server;
  return half.acknowledged + (uint32_t{half.window} << leg.window_scale);
}

// A segment of our own making; it acknowledges what the other end has, nothing that we only passed on.
tcp::Segment Worker::made_segment(const Connection& c, bool to_client) const {
  if (c.state == ConnectionState::kEnding) {  // there is no other end any more
    return make_to_client(c.splice, c.from_client.next_expected() + (c.client_half.fin ? 1 : 0));
  }
  const TcpSequence number = c.acknowledged(!to_client);
  if (to_client) return make_to_client(c.splice, number);
  tcp::Segment out = make_to_server(c.splice, number);
  if (c.interleaved) limit_window(c, out);
  return out;
}

// What we may put into one segment to that side: what it takes, what the way there takes, and what our
// buffers take.
size_t Worker::segment_room(const Connection& c, bool to_client) const {
  constexpr size_t kTimestampBytes = 12;  // RFC 7323 appendix A
  const TcpHalf& half = to_client ? c.client_half : c.server_half;
  const bool timestamps = to_client ? c.splice.client.timestamps : c.splice.server.timestamps;
  const uint16_t learned = to_client ? c.path_mtu_to_client : c.path_mtu_to_server;
  const uint16_t link = options_.ports[to_client ? c.client_nic : c.server_nic].mtu;
  const size_t mtu = learned != 0 ? std::min(learned, link) : link;
  const size_t headers = (c.client.address.is_v4() ? 20 : 40) + 20;
  const size_t mss = std::clamp<size_t>(half.mss, 536, kLargestSegment);  // RFC 9293 3.7.1
  return std::min(mss, mtu - headers) - (timestamps ? kTimestampBytes : 0);
}

// What the receiver has no room for it would throw away: whose it is sends it again. A shut window is
// probed with one byte, since the news that it opens may have been lost (RFC 9293 3.8.6.1).
void Worker::emit_data(Connection& c, bool to_client, tcp::Segment out, TcpSequence sequence,
                       Bytes bytes) {
  const size_t room = segment_room(c, to_client);
  const TcpSequence edge = window_edge(c, to_client);
  if (sequence > edge) {
    out.sequence = edge;
    return send_segment(c, to_client, out);
  }
  bytes =
      bytes.first(std::min<size_t>(bytes.size(), static_cast<size_t>(std::max(edge - sequence, 1))));
  out.sack_count = bytes.size() > room ? 0 : out.sack_count;
  while (!bytes.empty()) {
    out.payload = bytes.first(std::min(room, bytes.size()));
    bytes = bytes.subspan(out.payload.size());
    out.sequence = sequence;
    out.flags.psh = bytes.empty();
    sequence += out.payload.size();
    if (sequence <= edge) c.splice.direction(to_client).custody.note_sent(out.sequence, sequence);
    send_segment(c, to_client, out);
  }
}

// Bytes that are held: the newest text here, all others in the packet buffers that they came in.
size_t Worker::read_held(const Connection& c, bool to_client, TcpSequence from,
                         MutableBytes out) const {
  const tcp::Custody& custody = c.splice.direction(to_client).custody;
  const TcpSequence text = custody.end() - custody.text().size();
  if (from < text) return interleaved(c)->custody.read(from, out);
  const Bytes rest = custody.text().subspan(static_cast<size_t>(from - text));
  const size_t size = std::min(rest.size(), out.size());
  std::copy_n(rest.begin(), size, out.begin());
  return size;
}

void Worker::send_held(Connection& c, bool to_client, tcp::Custody::Span span, tcp::Segment out) {
  std::array<uint8_t, kLargestSegment> bytes;
  const size_t room = segment_room(c, to_client);
  while (span.begin < span.end) {
    const auto wanted = std::min(room, static_cast<size_t>(span.end - span.begin));
    const size_t size = read_held(c, to_client, span.begin, MutableBytes(bytes).first(wanted));
    if (size == 0) return;
    out.payload = Bytes(bytes).first(size);
    out.sequence = span.begin;
    span.begin += size;
    out.flags.psh = span.begin == span.end;
    out.sack_count = 0;
    c.splice.direction(to_client).custody.note_sent(out.sequence, span.begin);
    send_segment(c, to_client, out);
  }
}

// Sends what the switch has to deliver itself, as far as the receiver and the network let it; a shut
// window is probed with one byte when the timer says so.
void Worker::send_origin(Connection& c, bool to_client, bool probe) {
  if (to_client) keep_text(c);
  tcp::Custody& custody = c.splice.direction(to_client).custody;
  const TcpSequence edge = window_edge(c, to_client);
  tcp::Segment out = made_segment(c, to_client);
  if (const auto lost = custody.lost())
    send_held(c, to_client, {lost->begin, earlier(lost->end, edge)}, out);
  const bool shut = edge <= custody.begin() && custody.begin() < custody.origin_bytes_end();
  if (probe && shut) return send_held(c, to_client, {custody.begin(), custody.begin() + 1}, out);
  send_held(c, to_client, custody.unsent(edge), out);
  if (!custody.fin_unsent() || custody.end() > edge) return;
  out.flags.fin = true;
  out.sequence = custody.end();
  custody.note_sent(custody.end(), custody.end() + 1);
  send_segment(c, to_client, out);
}

// The client has not acknowledged anything for as long as TCP waits: it is gone. Both sides are told.
void Worker::give_up_client(Connection& c) {
  for (const bool to_client : {true, false}) {
    if (!to_client && c.state == ConnectionState::kEnding) continue;
    tcp::Segment out = made_segment(c, to_client);
    const tcp::Direction& own = c.splice.direction(to_client);
    out.sequence = to_client ? own.custody.begin() : own.edits.to_output(own.released);
    out.flags.rst = true;
    out.timestamps.reset();
    send_segment(c, to_client, out);
  }
  note_closed(c);
  arm(c, now_ + 1s);
}

// A pure acknowledgement to one side for bytes that the switch has taken on itself.
void Worker::acknowledge_sender(Connection& c, bool to_client) {
  tcp::Segment out = made_segment(c, to_client);
  const tcp::Direction& own = c.splice.direction(to_client);
  out.sequence = own.edits.to_output(own.released);
  send_segment(c, to_client, out);
}

}  // namespace midstream
