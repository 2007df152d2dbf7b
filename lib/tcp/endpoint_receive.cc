// What a segment of the peer does to the endpoint: the order of checks of RFC 9293 3.10.7.
#include <algorithm>

#include "lib/tcp/endpoint.h"

namespace midstream::tcp {

namespace {

// Answered with a new SYN at once; after that the timer paces us, so that a peer that answers
// everything with a wrong ACK gets no storm.
constexpr uint8_t kMaxImmediateSyns = 3;

constexpr uint8_t kFastRetransmitAcks = 3;  // RFC 5681 3.2
constexpr uint8_t kMaxWindowScale = 14;     // RFC 7323 2.3

uint32_t scaled(uint16_t window, uint8_t scale) {
  return static_cast<uint32_t>(window) << std::min(scale, kMaxWindowScale);
}

}  // namespace

void Endpoint::on_segment(const Segment& segment, Time now) {
  switch (state_) {
    case EndpointState::kSynSent:
      return on_handshake(segment, now);
    case EndpointState::kEstablished:
    case EndpointState::kFinSent:
      return on_synchronized(segment, now);
    case EndpointState::kClosed:
    case EndpointState::kFailed:
      return;
  }
}

void Endpoint::on_handshake(const Segment& segment, Time now) {
  const bool acknowledges_syn = segment.flags.ack && segment.acknowledgement == send_next_;
  if (segment.flags.rst) {
    if (acknowledges_syn) finish(EndpointState::kFailed, EndpointError::kRefused);
    return;
  }
  if (segment.flags.ack && !acknowledges_syn) return answer_challenge(segment, now);
  if (!segment.flags.syn || !acknowledges_syn) return;

  agree(segment);
  state_ = EndpointState::kEstablished;
  send_unacknowledged_ = send_next_;
  retransmit_at_ = Time::max();
  rto_ = options_.initial_rto;
  progress_ = now;
  take_stream(segment);
  if (!transmit(now)) emit_ack();
  settle();
}

// An option exists only if both SYNs have it. The window of a SYN is never scaled (RFC 7323 2.2).
void Endpoint::agree(const Segment& syn_ack) {
  receive_.reset(syn_ack.sequence + 1);
  peer_mss_ = syn_ack.mss.value_or(peer_mss_);
  if (options_.window_scale) peer_window_scale_ = syn_ack.window_scale;
  peer_sack_permitted_ = options_.sack_permitted && syn_ack.sack_permitted;
  timestamps_agreed_ = options_.timestamp_value && syn_ack.timestamps;
  if (timestamps_agreed_) peer_timestamp_ = syn_ack.timestamps->value;
  send_window_ = max_send_window_ = syn_ack.window;
  const uint8_t scale = std::min(peer_window_scale_.value_or(0), kMaxWindowScale);
  peer_window_ = static_cast<uint16_t>(syn_ack.window >> scale);
  window_sequence_ = syn_ack.sequence;
  window_acknowledgement_ = syn_ack.acknowledgement;
}

void Endpoint::answer_challenge(const Segment& segment, Time now) {
  Segment reset;
  reset.source_port = options_.local_port;
  reset.destination_port = options_.remote_port;
  reset.sequence = segment.acknowledgement;
  reset.flags.rst = true;
  emit_(reset);
  if (challenges_ == kMaxImmediateSyns) return;
  ++challenges_;
  transmit_syn(now);
}

void Endpoint::on_synchronized(const Segment& segment, Time now) {
  if (segment.flags.syn) return emit_ack();  // RFC 5961 4; also a SYN-ACK whose ACK was lost
  if (!in_window(segment)) {
    if (!segment.flags.rst) emit_ack();
    return;
  }
  if (segment.flags.rst) {
    if (segment.sequence != receive_next()) return emit_ack();  // RFC 5961 3.2
    return finish(EndpointState::kFailed, EndpointError::kReset);
  }
  if (!segment.flags.ack) return;
  if (!may_acknowledge(segment.acknowledgement)) return emit_ack();

  const TcpSequence expected = receive_next();
  if (timestamps_agreed_ && segment.timestamps && segment.sequence <= expected) {
    peer_timestamp_ = later(peer_timestamp_, segment.timestamps->value);  // RFC 7323 4.3
  }
  take_acknowledgement(segment, now);
  take_stream(segment);
  const bool sent = transmit(now);
  // What closes no hole is answered with a pure ACK: only that counts as a duplicate.
  const bool moved_on = receive_next() != expected;
  if (segment.length() > 0 && !(sent && moved_on)) emit_ack();
  settle();
}

// RFC 9293 3.4, table 6.
bool Endpoint::in_window(const Segment& segment) const {
  const uint8_t scale = peer_window_scale_ ? options_.window_scale.value_or(0) : uint8_t{0};
  const int64_t window = std::max<uint32_t>(scaled(options_.window, scale), 1);
  const int64_t begin = segment.sequence - receive_next();
  const int64_t length = segment.length();
  return begin < window && (length == 0 ? begin >= 0 : begin + length > 0);
}

// RFC 5961 5.2: neither what was not sent nor what is older than a window.
bool Endpoint::may_acknowledge(TcpSequence acknowledgement) const {
  return acknowledgement <= send_next_ && acknowledgement >= send_unacknowledged_ - max_send_window_;
}

void Endpoint::take_acknowledgement(const Segment& segment, Time now) {
  const TcpSequence acknowledgement = segment.acknowledgement;
  const bool current = acknowledgement >= send_unacknowledged_;
  if (acknowledgement > send_unacknowledged_) {
    const uint32_t taken =
        std::min(static_cast<uint32_t>(acknowledgement - send_unacknowledged_), queued_);
    std::copy(queue_.begin() + taken, queue_.begin() + queued_, queue_.begin());
    queued_ -= taken;
    send_unacknowledged_ = acknowledgement;
    duplicate_acks_ = 0;
    progress_ = now;
    rto_ = options_.initial_rto;
    retransmit_at_ = in_flight() ? now + rto_ : Time::max();
  } else if (current && in_flight() && segment.length() == 0 &&
             scaled(segment.window, peer_window_scale_.value_or(0)) == send_window_) {
    if (duplicate_acks_ < UINT8_MAX) ++duplicate_acks_;
    if (duplicate_acks_ == kFastRetransmitAcks) retransmit(1);
  }
  take_window(segment, current);
}

// RFC 9293 3.10.7.4: only a segment newer than the one that gave the last window.
void Endpoint::take_window(const Segment& segment, bool current) {
  const bool newer =
      segment.sequence > window_sequence_ ||
      (segment.sequence == window_sequence_ && segment.acknowledgement >= window_acknowledgement_);
  if (!current || !newer) return;
  const bool was_shut = send_window_ == 0;
  peer_window_ = segment.window;
  send_window_ = scaled(segment.window, peer_window_scale_.value_or(0));
  max_send_window_ = std::max(max_send_window_, send_window_);
  window_sequence_ = segment.sequence;
  window_acknowledgement_ = segment.acknowledgement;
  if (was_shut && send_window_ > 0 && in_flight()) retransmit(SIZE_MAX);  // the probe was not kept
}

void Endpoint::take_stream(const Segment& segment) {
  if (peer_finished_) return;
  const TcpSequence first = segment.sequence + (segment.flags.syn ? 1 : 0);
  receive_.insert(first, segment.payload);
  if (segment.flags.fin && !peer_fin_) peer_fin_ = first + segment.payload.size();
  peer_finished_ = peer_fin_ && receive_.next_expected() >= *peer_fin_;
}

// Ends the connection if the peer has closed, and we have nothing left that it must acknowledge.
void Endpoint::settle() {
  if (!peer_finished_) return;
  if (established()) {
    finish(EndpointState::kClosed, EndpointError::kClosedByPeer);
  } else if (all_acknowledged()) {
    finish(EndpointState::kClosed, EndpointError::kNone);
  }
}

}  // namespace midstream::tcp
