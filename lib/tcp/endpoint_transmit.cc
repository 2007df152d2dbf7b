// What the endpoint sends: new data as the peer's window allows, and what has to be repeated.
#include <algorithm>

#include "lib/tcp/endpoint.h"

namespace midstream::tcp {

namespace {

constexpr Duration kMaxRto = 3s;  // a short dialogue: RFC 6298 (2.5) would allow 60 s

// No link of a stream server has less (RFC 9293 3.7.1 assumes 536); a peer that offers 0 must not
// make us send empty segments for ever. Linux's floor is 48.
constexpr size_t kMinPayload = 48;

constexpr size_t kTimestampOptionBytes = 12;  // padded; the MSS does not count options (RFC 6691)

}  // namespace

void Endpoint::transmit_syn(Time now) {
  Segment segment;
  segment.source_port = options_.local_port;
  segment.destination_port = options_.remote_port;
  segment.sequence = options_.initial_sequence;
  segment.flags.syn = true;
  segment.window = options_.window;
  segment.mss = options_.mss;
  segment.window_scale = options_.window_scale;
  segment.sack_permitted = options_.sack_permitted;
  if (options_.timestamp_value) segment.timestamps = Timestamps{*options_.timestamp_value, {}};
  retransmit_at_ = now + rto_;
  emit_(segment);
}

// Sends what is queued, has not been sent and fits into the peer's window; true if that was
// anything. A FIN needs no room.
bool Endpoint::transmit(Time now) {
  if (!established()) return false;
  const bool was_idle = !in_flight();
  const TcpSequence end = queue_end();
  // A window may have shrunk below what is in flight.
  const TcpSequence limit = later(send_next_, earlier(end, send_unacknowledged_ + send_window_));
  bool sent = false;
  while (!fin_sent_ && (send_next_ < limit || (fin_queued_ && send_next_ == end))) {
    const size_t bytes = std::min(static_cast<size_t>(limit - send_next_), max_payload());
    const bool fin = fin_queued_ && send_next_ + bytes == end;
    emit_stream(send_next_, bytes, fin);
    send_next_ += bytes + (fin ? 1 : 0);
    fin_sent_ = fin;
    sent = true;
  }
  if (fin_sent_) state_ = EndpointState::kFinSent;
  const bool blocked = !in_flight() && queued_ > 0;  // by a window of zero: to be probed
  if ((sent && was_idle) || (blocked && retransmit_at_ == Time::max())) retransmit_at_ = now + rto_;
  return sent;
}

void Endpoint::retransmit(size_t max_segments) {
  TcpSequence next = send_unacknowledged_;
  const TcpSequence end = fin_sent_ ? send_next_ - 1 : send_next_;
  for (size_t i = 0; i < max_segments && next < send_next_; ++i) {
    const size_t bytes = std::min(static_cast<size_t>(end - next), max_payload());
    const bool fin = fin_sent_ && next + bytes == end;
    emit_stream(next, bytes, fin);
    next += bytes + (fin ? 1 : 0);
  }
}

// Everything in flight goes again, not only its first segment (RFC 6298 5.4): it is a few segments,
// and each of them lost would otherwise cost a timeout of its own.
void Endpoint::on_retransmission_timeout(Time now) {
  rto_ = std::min(rto_ * 2, kMaxRto);
  retransmit_at_ = now + rto_;
  if (state_ == EndpointState::kSynSent) {
    transmit_syn(now);
  } else if (in_flight()) {
    retransmit(SIZE_MAX);
  } else if (queued_ > 0) {  // window probe (RFC 9293 3.8.6.1)
    emit_stream(send_next_, 1, false);
    send_next_ += 1;
  } else {
    retransmit_at_ = Time::max();
  }
}

void Endpoint::emit_stream(TcpSequence sequence, size_t bytes, bool fin) {
  Segment segment = header(sequence);
  segment.payload = Bytes(queue_).subspan(static_cast<size_t>(sequence - queue_begin()), bytes);
  segment.flags.psh = bytes > 0 && sequence + bytes == queue_end();
  segment.flags.fin = fin;
  emit_(segment);
}

Segment Endpoint::header(TcpSequence sequence) const {
  Segment segment;
  segment.source_port = options_.local_port;
  segment.destination_port = options_.remote_port;
  segment.sequence = sequence;
  segment.acknowledgement = receive_next();
  segment.flags.ack = true;
  segment.window = options_.window;
  if (timestamps_agreed_) segment.timestamps = Timestamps{*options_.timestamp_value, peer_timestamp_};
  return segment;
}

size_t Endpoint::max_payload() const {
  const size_t mss = std::min(peer_mss_, options_.mss);
  const size_t options = timestamps_agreed_ ? kTimestampOptionBytes : 0;
  return std::max(mss, kMinPayload + options) - options;
}

}  // namespace midstream::tcp
