// The owner's side of the endpoint: what it may ask for, and time.
#include "lib/tcp/endpoint.h"

#include <algorithm>

#include "lib/base/renew.h"

namespace midstream::tcp {

void Endpoint::open(const EndpointOptions& options, Time now) {
  renew(*this, Emit(std::move(emit_)));
  options_ = options;
  send_unacknowledged_ = options.initial_sequence;
  send_next_ = options.initial_sequence + 1;
  state_ = EndpointState::kSynSent;
  rto_ = options.initial_rto;
  progress_ = now;
  transmit_syn(now);
}

bool Endpoint::send(Bytes bytes, Time now) {
  const bool open = state_ == EndpointState::kSynSent || established();
  if (!open || fin_queued_ || bytes.size() > kSendBytes - queued_) return false;
  if (!waiting()) progress_ = now;
  std::copy(bytes.begin(), bytes.end(), queue_.begin() + queued_);
  queued_ += static_cast<uint32_t>(bytes.size());
  transmit(now);
  return true;
}

void Endpoint::close(Time now) {
  if (!waiting()) progress_ = now;
  fin_queued_ = true;
  transmit(now);
}

void Endpoint::reset() {
  const bool peer_may_hold_it = waiting() || established() || error_ == EndpointError::kTimeout ||
                                error_ == EndpointError::kClosedByPeer;
  if (!peer_may_hold_it) return;
  const bool answered = send_unacknowledged_ != options_.initial_sequence;
  Segment segment = header(send_next_);
  segment.flags = {.rst = true, .ack = answered};
  if (!answered) segment.acknowledgement = {};
  segment.timestamps.reset();  // RFC 7323 3.2
  emit_(segment);
  if (state_ != EndpointState::kFailed) finish(EndpointState::kClosed, error_);
}

void Endpoint::poll(Time now) {
  if (waiting() && now >= progress_ + options_.give_up) {
    finish(EndpointState::kFailed, EndpointError::kTimeout);
  } else if (now >= retransmit_at_) {
    on_retransmission_timeout(now);
  }
}

Time Endpoint::next_timer() const {
  return waiting() ? std::min(retransmit_at_, progress_ + options_.give_up) : Time::max();
}

// For the peer's next step: an answer to SYN, data or FIN, or its own FIN after ours.
bool Endpoint::waiting() const {
  switch (state_) {
    case EndpointState::kSynSent:
    case EndpointState::kFinSent:
      return true;
    case EndpointState::kEstablished:
      return !all_acknowledged();
    case EndpointState::kClosed:
    case EndpointState::kFailed:
      return false;
  }
  return false;
}

void Endpoint::finish(EndpointState state, EndpointError error) {
  state_ = state;
  error_ = error;
  retransmit_at_ = Time::max();
}

}  // namespace midstream::tcp
