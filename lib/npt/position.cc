#include "lib/npt/position.h"

#include <algorithm>
#include <cmath>

namespace midstream {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kMillion = 1'000'000;
// What RTP-Info's seq lies behind is from before the PLAY. Some servers state a seq of 0 that is none:
// it is not believed for long.
constexpr Duration kInFlight = 1s;
constexpr int kFractionBits = 24;

__extension__ using Int128 = __int128;

// `value * factor / divisor`, to the nearest; the product needs more than 64 bits after minutes.
int64_t scaled(int64_t value, Int128 factor, Int128 divisor) {
  const Int128 product = value * factor;
  const Int128 half = (divisor < 0 ? -divisor : divisor) / 2;
  return static_cast<int64_t>((product < 0 ? product - half : product + half) / divisor);
}

int64_t to_millionths(double scale) {
  constexpr double kFastest = 1000;  // no server scans faster; also keeps the products in 128 bits
  if (!(std::abs(scale) <= kFastest)) return kMillion;  // NaN too
  const int64_t millionths = std::llround(scale * 1e6);
  return millionths == 0 ? kMillion : millionths;  // a scale of 0 has no meaning (RFC 2326 12.34)
}

}  // namespace

const char* to_string(PositionSource source) {
  switch (source) {
    case PositionSource::kNone:
      return "none";
    case PositionSource::kRtpTimestamp:
      return "rtp-timestamp";
    case PositionSource::kStated:
      return "stated";
    case PositionSource::kByteCount:
      return "byte-count";
    case PositionSource::kWallClock:
      return "wall-clock";
  }
  return "none";
}

void Position::on_play(const PlayAnchor& anchor, uint32_t clock_rate, Time now) {
  // live555's first media overtakes the PLAY answer: on a fresh session it belongs to this PLAY.
  const bool media_came_first = !playing_ && any_packet_ && clock_rate != 0;
  const auto came_first = recent_timestamp_;
  const size_t count = recent_count_, oldest = recent_next_ + kRecentTimestamps - count;
  const int64_t scale_millionths = to_millionths(anchor.scale);
  resuming_ = anchored_ && (anchor.continues || (paused_ && anchor.start == newest())) &&
              clock_rate == clock_rate_ && scale_millionths == scale_millionths_;
  if (!resuming_) {
    floor_ = anchor.start;
    recent_count_ = recent_next_ = 0;
  }
  if (clock_rate != clock_rate_) {
    current_ = previous_ = {};
    frame_ticks_ = 0;
    steady_ = false;
  }
  play_ = anchor;
  clock_rate_ = clock_rate;
  scale_millionths_ = scale_millionths;
  play_time_ = newest_time_ = now;
  asks_sequence_ = anchor.info_sequence.has_value();
  measure_tick();
  playing_ = true;
  paused_ = false;
  anchored_ = resuming_;  // until the first packet the line from before holds
  if (media_came_first) {
    const RtpTimestamp newest = newest_timestamp_;
    this->anchor(first_timestamp_);
    for (size_t i = 0; i < count; ++i) account(came_first[(oldest + i) % kRecentTimestamps], now);
    account(newest, now);
  }
}

void Position::on_pause() { paused_ = true; }

void Position::on_packet(RtpSequence sequence, RtpTimestamp timestamp, Time now) {
  if (!playing_) {
    if (!any_packet_) first_timestamp_ = newest_timestamp_ = timestamp;
    any_packet_ = true;
    newest_timestamp_ = later(newest_timestamp_, timestamp);
    remember(timestamp);
    return;
  }
  if (asks_sequence_ && is_from_before_play(sequence, now)) return;
  any_packet_ = true;
  newest_time_ = now;
  if (clock_rate_ == 0) return;
  if (!anchored_ || resuming_) anchor(timestamp);
  account(timestamp, now);
}

bool Position::is_from_before_play(RtpSequence sequence, Time now) {
  asks_sequence_ = now - play_time_ < kInFlight;
  return asks_sequence_ && sequence < *play_.info_sequence;
}

void Position::anchor(RtpTimestamp first) {
  const bool same_line = resuming_ && continues_paused_clock(first);
  anchored_ = true;
  resuming_ = false;
  if (same_line) return;
  const int64_t tolerance = scaled(kAnchorTolerance.count(), clock_rate_, kNanosPerSecond);
  RtpTimestamp start = first;
  if (play_.info_timestamp) {
    const int64_t apart = first - *play_.info_timestamp;
    if (std::abs(apart) <= tolerance && !is_of_the_beginning(apart)) start = *play_.info_timestamp;
  }
  anchor_npt_ = play_.start;
  newest_timestamp_ = start;
  newest_ticks_ = 0;
}

// RTP-Info's timestamp, so far before the first packet's, is that of NPT 0. An honest server's first
// packet lies as far behind it only if as much was lost, and then the place is told too low: a second
// server sends more than is needed.
bool Position::is_of_the_beginning(int64_t ticks_to_first) const {
  constexpr int64_t kRounding = kNanosPerSecond / 100;
  const int64_t since_beginning = ns_to_ticks(play_.start.ns - kRounding);
  return since_beginning > 0 && ticks_to_first >= since_beginning;
}

// After a pause without a seek the clock usually goes on where it stood. Then the line from before
// stays exact, where a new anchor would be off by the frame between the two.
bool Position::continues_paused_clock(RtpTimestamp first) const {
  const int64_t step = first - newest_timestamp_;
  return step <= 2 * int64_t{frame_ticks_} &&
         step >= -std::max(current_.farthest_back, previous_.farthest_back);
}

void Position::account(RtpTimestamp timestamp, Time now) {
  turn_window(now);
  measure_frame(timestamp);
  const int64_t step = timestamp - newest_timestamp_;
  if (step > 0) {
    newest_ticks_ += step;
    newest_timestamp_ = timestamp;
  } else if (-step <= 2 * int64_t{clock_rate_}) {  // two seconds back is no reordering of frames
    current_.farthest_back = std::max(current_.farthest_back, -step);
  }
}

void Position::turn_window(Time now) {
  if (now - window_start_ < kRecent) return;
  const bool adjacent = now - window_start_ < 2 * kRecent;
  // A stream that was silent for long keeps what is known of it.
  if (adjacent || current_.frame_ticks != 0) previous_ = current_;
  current_ = {};
  steady_ = false;
  window_start_ = now;
}

// How far it is from the nearest of the others; 0 if it is one of them. Behind the newest of all, which
// came last, no other is nearer.
uint32_t Position::remember(RtpTimestamp timestamp) {
  uint32_t distance = UINT32_MAX;
  if (recent_count_ > 0 && last_remembered_ == newest_timestamp_ && timestamp >= newest_timestamp_) {
    distance = static_cast<uint32_t>(timestamp - newest_timestamp_);
  } else {
    for (size_t i = 0; i < recent_count_; ++i) {
      const int64_t step = timestamp - recent_timestamp_[i];
      distance = std::min(distance, static_cast<uint32_t>(std::abs(step)));
    }
  }
  if (distance == 0) return 0;
  last_remembered_ = timestamp;
  recent_timestamp_[recent_next_] = timestamp;
  recent_next_ = static_cast<uint8_t>((recent_next_ + 1u) % kRecentTimestamps);
  recent_count_ = static_cast<uint8_t>(std::min<size_t>(recent_count_ + 1u, kRecentTimestamps));
  return distance;
}

void Position::measure_frame(RtpTimestamp timestamp) {
  const uint32_t distance = remember(timestamp);
  // Known; or the only one so far, or behind a hole of a second.
  if (distance == 0 || distance > clock_rate_) return;
  if (steady_ && distance >= frame_ticks_) return;

  const auto smaller = [](uint32_t a, uint32_t b) { return a == 0 || (b != 0 && b < a) ? b : a; };
  current_.frame_ticks = smaller(current_.frame_ticks, distance);
  frame_ticks_ = smaller(current_.frame_ticks, previous_.frame_ticks);
  steady_ = current_.frame_ticks == frame_ticks_;
}

PositionSource Position::source() const {
  if (!playing_) return PositionSource::kNone;
  if (anchored_) return PositionSource::kRtpTimestamp;
  return clock_rate_ == 0 && newest_time_ > play_time_ ? PositionSource::kWallClock
                                                       : PositionSource::kStated;
}

Npt Position::newest() const {
  if (anchored_) return at(newest_timestamp_);
  const int64_t elapsed = clock_rate_ == 0 ? (newest_time_ - play_time_).count() : 0;
  return play_.start + scaled(elapsed, scale_millionths_, kMillion);
}

Npt Position::shown() const {
  if (!anchored_) return newest();
  return anchor_npt_ + static_cast<int64_t>(Int128{newest_ticks_} * tick_length_ >> kFractionBits);
}

void Position::measure_tick() {
  tick_length_ = clock_rate_ == 0 ? 0
                                  : scaled(scale_millionths_ << kFractionBits, kNanosPerSecond,
                                           Int128{clock_rate_} * kMillion);
}

Npt Position::at(RtpTimestamp timestamp) const {
  return anchored_ ? anchor_npt_ + ticks_to_ns(ticks_of(timestamp)) : newest();
}

RtpTimestamp Position::timestamp_at(Npt npt) const {
  if (!anchored_) return newest_timestamp_;
  return newest_timestamp_ + (ns_to_ticks(npt - anchor_npt_) - newest_ticks_);
}

int64_t Position::ticks_to_ns(int64_t ticks) const {
  return scaled(ticks, Int128{kNanosPerSecond} * scale_millionths_, Int128{clock_rate_} * kMillion);
}

int64_t Position::ns_to_ticks(int64_t ns) const {
  return scaled(ns, Int128{clock_rate_} * kMillion, Int128{kNanosPerSecond} * scale_millionths_);
}

}  // namespace midstream
