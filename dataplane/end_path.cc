// The end of a control connection whose client has torn down and whose server is gone: no other is
// needed. The switch answers what is left unanswered, ends the stream as the server would have (a FIN
// behind the answer), and is the client's TCP peer until both have ended.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"
#include "lib/rtsp/message.h"
#include "lib/rtsp/own_answers.h"

namespace midstream {
namespace {

constexpr uint16_t kLeastWindow = 1024;  // requests are read at once

}  // namespace

// Nobody answers this TEARDOWN if we do not, and the client still listens.
bool Worker::teardown_is_ours(const Connection& c) const {
  const bool followed = c.state == ConnectionState::kMonitored || c.state == ConnectionState::kSpliced;
  return followed && !c.client_half.fin && c.closed_at == Time{} && !c.custody_overflow &&
         rtsp::teardown_unanswered(c.conversation);
}

// From any state in which the connection is ours. A TEARDOWN may still be on its way: requests that
// come are answered, and after the first TEARDOWN the stream ends.
void Worker::end_for_client(Connection& c) {
  if (!c.spliced) splice_client_leg(c);
  tcp::Splice& splice = c.splice;
  if (c.spliced) c.from_server.skip_to(c.from_server.next_expected());  // only whole ones left
  splice.newest_client = c.client_half.newest_timestamp;
  if (!c.spliced) splice.window_to_client = c.server_half.window;
  splice.window_to_client = std::max(splice.window_to_client, kLeastWindow);
  c.state = ConnectionState::kEnding;
  c.spliced = true;  // nothing of it is bridged any more
  ++c.version;
  c.suspected = false;
  fence_server(c, c.server_endpoint.address);
  drop_byes(c);
  for (const auto& session : c.stream_state) {
    for (const uint32_t slot : session) {
      if (slot != kNoStream) drop_held(slot);
    }
  }
  if (c.interleaved) {
    settle_interleaved(c);
    if (interleaved(c)->half_open) pad_half(c, {});
  }
  if (!finish_half_answer(c)) return abandon(c);
  splice.to_client.custody.become_origin(now_);
  answer_at_end(c);
  report(c);
}

// What the server had sent of an answer, the client has or will get.
bool Worker::finish_half_answer(Connection& c) {
  const Bytes sent = c.from_server.readable();
  if (sent.empty()) return true;
  std::array<uint8_t, tcp::kReassemblyBytes> text;
  const size_t size = rtsp::finish_with_own_answer(c.conversation, sent, text);
  return size != SIZE_MAX && c.splice.to_client.custody.append(Bytes(text).first(size));
}

// Answers what waits; the stream ends behind the answer to TEARDOWN. All is sent again, as the client
// may not have got what the server had sent.
void Worker::answer_at_end(Connection& c) {
  tcp::Custody& custody = c.splice.to_client.custody;
  const bool last = rtsp::teardown_unanswered(c.conversation);
  std::array<uint8_t, rtsp::kMaxPending * rtsp::kMaxOwnAnswer> text;
  const size_t size = rtsp::write_own_answers(c.conversation, text);
  if (custody.fin_outstanding() || custody.fin_acknowledged()) return acknowledge_at_end(c);
  if (!custody.originate(Bytes(text).first(size), now_)) return abandon(c);
  if (last) custody.originate_fin(now_);
  send_origin(c, true);
  arm(c, custody.deadline());
}

void Worker::acknowledge_at_end(Connection& c) {
  const tcp::Custody& custody = c.splice.to_client.custody;
  tcp::Segment out =
      make_to_client(c.splice, c.from_client.next_expected() + (c.client_half.fin ? 1 : 0));
  out.sequence = custody.end() + (custody.fin_outstanding() ? 1 : 0);
  send_segment(c, true, out);
}

void Worker::serve_end(Frame& frame, Connection& c) {
  const net::Packet& packet = frame.packet;
  const size_t end = packet.payload_offset + packet.payload_bytes;
  tcp::Segment in;
  const bool good =
      tcp::parse_segment(Bytes(frame.bytes).subspan(packet.l4_offset, end - packet.l4_offset), in);
  if (!good || packet.source != c.client) return drop(frame.mbuf, Drop::kMalformed);
  c.last_client_sign = now_;
  if (in.flags.rst) {
    if (in.sequence == c.from_client.next_expected()) note_closed(c);  // RFC 5961 3.2
  } else if (in.flags.syn || !take_at_end(c, in)) {
    acknowledge_at_end(c);  // RFC 5961 4.2, 5.2
  }
  rte_pktmbuf_free(frame.mbuf);
}

// False if the segment acknowledges what was never sent.
bool Worker::take_at_end(Connection& c, const tcp::Segment& in) {
  tcp::Custody& custody = c.splice.to_client.custody;
  TcpHalf& half = c.client_half;
  if (in.acknowledgement > custody.end() + (custody.fin_outstanding() ? 1 : 0)) return false;
  const bool duplicate = in.length() == 0 && in.acknowledgement == half.acknowledged;
  half.sent = later(half.sent, in.end());
  half.acknowledged = later(half.acknowledged, in.acknowledgement);
  half.window = in.window;
  if (in.timestamps) {
    c.splice.newest_client = half.newest_timestamp = later(half.newest_timestamp, in.timestamps->value);
  }
  custody.acknowledge(in.acknowledgement, duplicate, now_);
  if (custody.origin_outstanding()) send_origin(c, true);

  const TcpSequence expected = c.from_client.next_expected();
  c.from_client.insert(in.sequence, in.payload);
  half.fin |= in.flags.fin && in.end() - 1 == c.from_client.next_expected();
  if (half.fin && custody.fin_acknowledged() && c.closed_at == Time{}) {
    c.closed_at = now_;
    report(c);
  }
  bool asked = false;
  while (!c.from_client.readable().empty()) {
    rtsp::Message message;
    const Bytes bytes = c.from_client.readable();
    if (const size_t frame = client_frame(c, bytes)) {
      if (frame > bytes.size() && !c.from_client.full()) break;
      c.from_client.consume(std::min(frame, bytes.size()));
      continue;
    }
    const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore && !c.from_client.full()) break;
    if (parsed.status == rtsp::ParseStatus::kDone) {
      rtsp::on_client_message(c.conversation, message, bytes.first(parsed.bytes));
      asked |= message.is_request;
    }
    c.from_client.consume(std::max<size_t>(parsed.bytes, 1));
  }
  if (asked) {
    answer_at_end(c);
  } else if (in.length() > 0 || in.sequence < expected) {  // or a keep-alive (RFC 9293 3.8.4)
    acknowledge_at_end(c);
  }
  const bool open = c.state == ConnectionState::kEnding && !custody.fin_outstanding();
  if (half.fin && open && !custody.fin_acknowledged()) {
    custody.originate_fin(now_);  // it has left without a TEARDOWN
    send_origin(c, true);
    arm(c, custody.deadline());
  }
  return true;
}

}  // namespace midstream
