#include <algorithm>

#include "tests/scenario/tcp_peer.h"

namespace midstream::scenario {
namespace {

constexpr int kMaxTimeouts = 12;  // then the connection is given up
constexpr Duration kLongestTimeout = 3s;

}  // namespace

uint32_t TcpPeer::clock() const {
  return *options_.initial_timestamp +
         static_cast<uint32_t>(to_ms(wiring_.timeline.now().time_since_epoch()));
}

void TcpPeer::open() {
  next_ = highest_ = 0;
  wiring_.send(header(-1, false));
  arm();
}

void TcpPeer::send(std::string_view bytes) {
  sent_ += bytes;
  if (!options_.joins_writes) boundaries_.insert(static_cast<int64_t>(sent_.size()));
  flush();
}

void TcpPeer::close() {
  if (over_ || fin_queued_) return;
  fin_queued_ = true;
  flush();
}

void TcpPeer::abort() {
  if (over_) return;
  tcp::Segment reset = header(next_, true);
  reset.flags.rst = true;
  reset.timestamps.reset();
  wiring_.send(reset);
  handler_ = nullptr;
  finish(TcpEvent::kReset);
}

void TcpPeer::abandon() {
  handler_ = nullptr;
  abandoned_ = true;
  close();
}

void TcpPeer::set_receive_window(uint32_t bytes) {
  options_.receive_window = bytes;
  advertised_edge_ = receive_next();
  send_ack();
}

void TcpPeer::probe() { wiring_.send(header(next_ - 1, true)); }

// A SYN if it lies at -1.
tcp::Segment TcpPeer::header(int64_t position, bool ack) {
  tcp::Segment s;
  s.source_port = local_port_;
  s.destination_port = remote_.port;
  s.sequence = local_first_ + position;
  s.flags.ack = ack;
  if (ack) s.acknowledgement = receive_sequence();
  const bool syn = position == -1;
  s.flags.syn = syn;
  const bool first = syn && !ack;
  if (first ? options_.timestamps : timestamps_)
    s.timestamps = tcp::Timestamps{TcpTimestamp(clock()), first ? TcpTimestamp() : recent_};
  if (syn) {
    s.mss = options_.mss;
    s.sack_permitted = first ? options_.sack : sack_;
    if (first || scales_) s.window_scale = options_.window_scale;
  }
  const uint8_t scale = syn ? 0 : receive_scale_;
  s.window = static_cast<uint16_t>(std::min<uint32_t>(window() >> scale, 65535));
  advertised_edge_ = std::max(advertised_edge_, receive_next() + (int64_t{s.window} << scale));
  return s;
}

uint32_t TcpPeer::window() const {
  if (reading_) return options_.receive_window;
  const size_t held = received_.size() - taken_;
  return options_.receive_window -
         static_cast<uint32_t>(std::min<size_t>(held, options_.receive_window));
}

size_t TcpPeer::bytes_unacknowledged() const {
  return sent_.size() -
         std::min(sent_.size(), static_cast<size_t>(std::max<int64_t>(unacknowledged_, 0)));
}

size_t TcpPeer::largest_payload() const {
  return size_t{std::min(peer_mss_, options_.mss)} - (timestamps_ ? 12 : 0);
}

void TcpPeer::flush() {
  if (!established_ || over_) return;
  while (next_ < end_of_data()) {
    const int64_t data_end = static_cast<int64_t>(sent_.size());
    int64_t end = std::min({next_ + static_cast<int64_t>(largest_payload()), window_edge_, data_end});
    const auto boundary = boundaries_.upper_bound(next_);
    if (boundary != boundaries_.end()) end = std::min(end, *boundary);
    if (next_ == data_end) {
      end = data_end;  // the FIN alone
    } else if (end <= next_) {
      break;  // no window
    }
    transmit(next_, end);
    next_ = end + (fin_queued_ && end == data_end ? 1 : 0);
    highest_ = std::max(highest_, next_);
  }
  if (unacknowledged_ < end_of_data()) arm();
}

void TcpPeer::transmit(int64_t begin, int64_t end) {
  tcp::Segment s = header(begin, true);
  s.payload = as_bytes(sent_).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  s.flags.psh = !s.payload.empty();
  s.flags.fin = fin_queued_ && end == static_cast<int64_t>(sent_.size());
  last_ack_sent_ = receive_next();
  unacknowledged_segments_ = 0;
  wiring_.send(s);
}

void TcpPeer::send_ack() {
  tcp::Segment s = header(std::max<int64_t>(next_, 0), true);
  add_sack(s);
  last_ack_sent_ = receive_next();
  unacknowledged_segments_ = 0;
  if (ack_timer_) wiring_.timeline.cancel(*ack_timer_);
  ack_timer_.reset();
  wiring_.send(s);
}

// RFC 2018 4: the block that holds the newest segment comes first.
void TcpPeer::add_sack(tcp::Segment& s) const {
  if (!sack_) return;
  for (auto at = early_.begin(); at != early_.end() && s.sack_count < 3;) {
    const int64_t left = at->first;
    int64_t right = left;
    for (; at != early_.end() && at->first <= right; ++at)
      right = std::max(right, at->first + static_cast<int64_t>(at->second.size()));
    s.sack[s.sack_count++] = {remote_first_ + left, remote_first_ + right};
    if (left <= last_sack_ && last_sack_ < right) std::swap(s.sack[0], s.sack[s.sack_count - 1]);
  }
}

void TcpPeer::acknowledge(bool at_once) {
  if (at_once || options_.delayed_ack == 0ns || ++unacknowledged_segments_ >= 2) return send_ack();
  if (ack_timer_) return;
  ack_timer_ = wiring_.timeline.after(options_.delayed_ack, [this] {
    ack_timer_.reset();
    if (!over_ && unacknowledged_segments_ > 0) send_ack();
  });
}

void TcpPeer::retransmit() {
  if (over_) return;
  ++retransmissions_;
  recover_ = highest_;
  if (unacknowledged_ == -1) {
    wiring_.send(header(-1, remote_known_));
    return;
  }
  const int64_t data_end = static_cast<int64_t>(sent_.size());
  int64_t longest = static_cast<int64_t>(largest_payload());
  if (options_.recut_retransmissions)
    longest = wiring_.random.between(1, static_cast<uint32_t>(longest));
  const int64_t end =
      std::min({unacknowledged_ + longest, data_end, std::max(highest_, unacknowledged_ + 1)});
  transmit(std::min(unacknowledged_, data_end), end);
  highest_ = std::max(highest_, end);
}

void TcpPeer::arm() {
  if (timer_ || over_ || (unacknowledged_ >= end_of_data() && established_)) return;
  const Duration timeout = std::min(
      options_.retransmission_timeout * (1 << std::min(timeouts_, kMostBackoff)), kLongestTimeout);
  timer_ = wiring_.timeline.after(timeout, [this] {
    timer_.reset();
    if (++timeouts_ > kMaxTimeouts) return finish(TcpEvent::kTimedOut);
    if (unacknowledged_ < next_) {
      retransmit();
    } else {
      probe();  // RFC 9293 3.8.6.1, as Linux does it: without data
    }
    arm();
  });
}

void TcpPeer::disarm() {
  if (timer_) wiring_.timeline.cancel(*timer_);
  timer_.reset();
}

}  // namespace midstream::scenario
