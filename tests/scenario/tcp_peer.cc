#include "tests/scenario/tcp_peer.h"

#include <fmt/format.h>

#include <algorithm>

namespace midstream::scenario {

TcpPeer::TcpPeer(Wiring wiring, uint16_t local_port, Endpoint remote, const TcpOptions& options)
    : wiring_(std::move(wiring)), local_port_(local_port), remote_(remote), options_(options) {
  local_first_ = TcpSequence(options.initial_sequence.value_or(wiring_.random.u32())) + 1;
  const uint32_t now_ms = static_cast<uint32_t>(to_ms(wiring_.timeline.now().time_since_epoch()));
  first_timestamp_ = TcpTimestamp(options.initial_timestamp.value_or(wiring_.random.u32()));
  options_.initial_timestamp = first_timestamp_.value() - now_ms;
}

void TcpPeer::tell(TcpEvent event) {
  if (handler_) handler_(event);
}

void TcpPeer::finish(TcpEvent event) {
  if (over_) return;
  over_ = true;
  disarm();
  if (ack_timer_) wiring_.timeline.cancel(*ack_timer_);
  ack_timer_.reset();
  tell(event);
}

void TcpPeer::agree(const tcp::Segment& syn) {
  remote_first_ = syn.sequence + 1;
  remote_known_ = true;
  peer_mss_ = syn.mss.value_or(536);
  timestamps_ = options_.timestamps && syn.timestamps;
  sack_ = options_.sack && syn.sack_permitted;
  if (options_.window_scale && syn.window_scale) {
    scales_ = true;
    receive_scale_ = *options_.window_scale;
    send_scale_ = *syn.window_scale;
  }
  if (timestamps_) recent_ = syn.timestamps->value;
}

void TcpPeer::accept(const tcp::Segment& syn) {
  agree(syn);
  window_edge_ = syn.window;
  window_update_sequence_ = syn.sequence;
  next_ = highest_ = 0;
  wiring_.send(header(-1, true));
  arm();
}

void TcpPeer::on_handshake(const tcp::Segment& s) {
  const bool acknowledges = s.flags.ack && s.acknowledgement == local_first_;
  if (s.flags.ack && !acknowledges) return violation("an acknowledgement that is not of the SYN");
  if (s.flags.rst)
    return acknowledges ? finish(TcpEvent::kRefused) : violation("RST to a SYN without its number");
  if (!s.flags.syn || !s.flags.ack) return violation("neither SYN-ACK nor RST in answer to a SYN");
  if (s.timestamps && !options_.timestamps) violation("timestamps were not offered");
  if (s.sack_permitted && !options_.sack) violation("SACK was not offered");
  agree(s);
  if (timestamps_ &&
      (s.timestamps->echo < first_timestamp_ || s.timestamps->echo > TcpTimestamp(clock())))
    violation("the SYN-ACK echoes a timestamp never sent");
  unacknowledged_ = 0;
  window_edge_ = s.window;
  window_update_sequence_ = s.sequence;
  established_ = true;
  disarm();
  send_ack();
  tell(TcpEvent::kConnected);
  flush();
}

bool TcpPeer::acceptable(const tcp::Segment& s, int64_t begin) {
  const int64_t end = begin + s.length();
  if (end > advertised_edge_ + (s.flags.fin ? 1 : 0) && s.length() > 0)
    violation(fmt::format("data up to {} beyond the window's edge {}", end, advertised_edge_));
  return begin <= advertised_edge_ &&
         (s.length() == 0 ? begin >= receive_next() : end > receive_next());
}

// RFC 7323 5.3.
bool TcpPeer::timestamp_holds(const tcp::Segment& s, int64_t begin) {
  if (!timestamps_) {
    if (s.timestamps) violation("a timestamp though none were agreed");
    return true;
  }
  if (!s.timestamps) {
    violation("no timestamp though they were agreed");
    return false;
  }
  const TcpTimestamp echo = s.timestamps->echo;
  if (s.flags.ack && (echo < first_timestamp_ || echo > TcpTimestamp(clock())))
    violation(fmt::format("the echo {} was never sent (first {}, now {})", echo.value(),
                          first_timestamp_.value(), clock()));
  if (s.timestamps->value < recent_) {
    if (!options_.network_reorders)
      violation(fmt::format("TSval goes back from {} to {}: dropped", recent_.value(),
                            s.timestamps->value.value()));
    return false;
  }
  if (begin <= last_ack_sent_) recent_ = s.timestamps->value;
  return true;
}

void TcpPeer::on_reset(int64_t begin) {
  if (begin == receive_next()) return finish(TcpEvent::kReset);
  if (options_.strict_resets)
    violation(fmt::format("RST at {}, expected at {}", begin, receive_next()));
  send_ack();  // RFC 5961 3.2
}

void TcpPeer::on_segment(const tcp::Segment& s, size_t header_bytes) {
  if (over_) return;
  if (!remote_known_) return on_handshake(s);
  const int64_t begin = received_offset(s.sequence);
  if (s.flags.rst) return on_reset(begin);
  if (s.payload.size() + header_bytes - 20 > options_.mss)
    violation(fmt::format("{} bytes with options, MSS is {}", s.payload.size() + header_bytes - 20,
                          options_.mss));
  if (s.flags.syn && !established_) return retransmit();  // the SYN again: our answer was lost
  if (s.flags.syn) return send_ack();                     // RFC 5961 4.2
  if (!s.flags.ack) return violation("no ACK flag");
  if (!timestamp_holds(s, begin)) return send_ack();
  if (!on_acknowledgement(s, begin)) return send_ack();
  if (over_) return;
  pure_acknowledgements_ += s.length() == 0;
  // RFC 9293 3.8.6.1: a probe of a shut window is answered, its byte is not kept.
  if (s.length() == 1 && begin == advertised_edge_ && window() == 0) return send_ack();
  if (s.length() == 0) return begin < receive_next() ? send_ack() : flush();  // a keep-alive, or an ACK
  if (!acceptable(s, begin)) {
    on_data(s, begin);  // compares what came again
    return send_ack();
  }
  if (abandoned_ && !s.payload.empty()) return abort();
  on_data(s, begin);
  if (!over_) flush();
}

bool TcpPeer::on_acknowledgement(const tcp::Segment& s, int64_t begin) {
  const int64_t ack = sent_offset(s.acknowledgement);
  if (ack > highest_) {
    violation(fmt::format("acknowledges {}, only {} was sent", ack, highest_));
    return false;
  }
  check_sack(s);
  if (ack < unacknowledged_) return true;  // old
  if (!established_) {
    established_ = true;
    window_edge_ = 0;
    unacknowledged_ = 0;
    disarm();
    tell(TcpEvent::kConnected);
  }
  const int64_t edge = ack + (int64_t{s.window} << send_scale_);
  const bool duplicate =
      ack == unacknowledged_ && s.length() == 0 && edge == window_edge_ && next_ > ack;
  if (ack > unacknowledged_) {
    unacknowledged_ = ack;
    next_ = std::max(next_, ack);
    duplicate_acks_ = timeouts_ = 0;
    disarm();
    if (unacknowledged_ < recover_) retransmit();
    arm();
  } else if (duplicate && ++duplicate_acks_ == 3) {
    retransmit();
  } else if (next_ == ack) {
    timeouts_ = std::min(timeouts_, kMostBackoff);  // a probe of a shut window was answered
  }
  if (begin >= received_offset(window_update_sequence_)) {
    window_edge_ = edge;
    window_update_sequence_ = s.sequence;
  }
  if (fin_queued_ && fin_received_ && all_acknowledged()) finish(TcpEvent::kPeerClosed);
  return true;
}

void TcpPeer::check_sack(const tcp::Segment& s) {
  if (s.sack_count > 0 && !sack_) violation("SACK though it was not agreed");
  for (size_t i = 0; i < s.sack_count; ++i) {
    const int64_t left = sent_offset(s.sack[i].left), right = sent_offset(s.sack[i].right);
    if (left >= right || right > highest_ || (i > 0 && left <= sent_offset(s.acknowledgement)))
      violation(fmt::format("SACK {}-{}, sent is {}", left, right, highest_));
  }
}

void TcpPeer::on_data(const tcp::Segment& s, int64_t begin) {
  const bool in_order = begin <= receive_next() && early_.empty();
  store(begin, std::string(as_text(s.payload)));
  if (s.flags.fin) early_fin_ = begin + static_cast<int64_t>(s.payload.size());
  const bool fin =
      early_fin_ && *early_fin_ == static_cast<int64_t>(received_.size()) && !fin_received_;
  if (fin) fin_received_ = true;
  acknowledge(!in_order || fin);
  if (taken_ < received_.size() && reading_) tell(TcpEvent::kData);
  if (!fin || over_) return;
  tell(TcpEvent::kPeerClosed);
  if (fin_queued_ && all_acknowledged()) finish(TcpEvent::kPeerClosed);
}

// First copy wins, and every further copy must be the same.
void TcpPeer::store(int64_t begin, std::string bytes) {
  const auto compare = [&](int64_t at, const std::string& known) {
    const int64_t from = std::max(begin, at);
    const int64_t to = std::min<int64_t>(begin + static_cast<int64_t>(bytes.size()),
                                         at + static_cast<int64_t>(known.size()));
    for (int64_t i = from; i < to; ++i)
      if (known[static_cast<size_t>(i - at)] != bytes[static_cast<size_t>(i - begin)])
        return violation(fmt::format("the byte at {} differs from what came before", i));
  };
  compare(0, received_);
  for (const auto& [at, known] : early_) compare(at, known);
  if (begin > receive_next()) {
    last_sack_ = begin;
    if (!bytes.empty()) early_.emplace(begin, std::move(bytes));
    return;
  }
  const int64_t known = static_cast<int64_t>(received_.size()) - begin;
  if (known < static_cast<int64_t>(bytes.size()) && !fin_received_)
    received_ += bytes.substr(static_cast<size_t>(known));
  while (!early_.empty() && early_.begin()->first <= static_cast<int64_t>(received_.size())) {
    auto node = early_.extract(early_.begin());
    store(node.key(), std::move(node.mapped()));
  }
}

void TcpPeer::read_on() {
  reading_ = true;
  if (over_) return;
  if (taken_ < received_.size()) tell(TcpEvent::kData);
  send_ack();
}

std::string TcpPeer::take() {
  std::string bytes = received_.substr(taken_);
  taken_ = received_.size();
  return bytes;
}

}  // namespace midstream::scenario
