// A stream's position (NPT) from its RTP timestamps, and from what the PLAY answer said (seed: the
// relative position; figures 4 to 6).
//
// A PLAY answer opens an anchor: "timestamp T is NPT P". RTP-Info's rtptime is believed only if the
// first packets agree with it: a server may state the timestamp of NPT 0 after a seek, off by the
// whole position. So the anchor stays open until the first packet of the stream arrives; if its
// timestamp lies within kAnchorTolerance of rtptime, rtptime anchors, else the packet's own does; and
// so it does if it lies as far behind rtptime as the start lies behind NPT 0.
// Worked example: PLAY answer Range npt=10.0-, rtptime 5000 at 90 kHz; first packet 905000 (10 s
// later): rtptime was that of NPT 0; the anchor is 905000 = 10.0. The same with 0.6 s and 59000.
// Timestamps are unwrapped to 64 bits against the newest; NPT = P + scale * (t - T) / clock rate, in
// integers, rounded to the nearest: a day later a timestamp still maps to itself and back.
// A stream without a clock rate is timed by the wall clock since PLAY.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "lib/base/time.h"
#include "lib/base/wrapping.h"
#include "lib/npt/npt.h"

namespace midstream {

inline constexpr Duration kAnchorTolerance = 2s;

enum class PositionSource : uint8_t { kNone, kRtpTimestamp, kStated, kByteCount, kWallClock };
const char* to_string(PositionSource source);

struct PlayAnchor {
  Npt start;
  std::optional<RtpTimestamp> info_timestamp;
  std::optional<RtpSequence> info_sequence;  // packets before it belong to the time before PLAY
  double scale = 1.0;
  bool continues = false;  // no place was asked for: the stream goes on from where it was
};

class Position {
 public:
  void on_play(const PlayAnchor& anchor, uint32_t clock_rate, Time now);
  void on_pause();  // keeps the position
  void on_packet(RtpSequence sequence, RtpTimestamp timestamp, Time now);

  bool anchored() const { return anchored_; }
  PositionSource source() const;
  // Of the newest packet (highest timestamp) so far; without packets the PLAY answer's start.
  Npt newest() const;
  // The same by a multiplication, for every packet: off by a microsecond after hours.
  Npt shown() const;
  Time newest_time() const { return newest_time_; }  // when that came
  Npt at(RtpTimestamp timestamp) const;              // only if anchored()
  RtpTimestamp timestamp_at(Npt npt) const;          // only if anchored()

  // Where a second server must start so that nothing not yet delivered lies before it: the newest
  // timestamp less how far timestamps of this stream have gone back in decode order (B-frames), less
  // one access unit so that at least two matchable units overlap. Never below the play start, and a
  // whole number of 10 ms. (At a negative scale "below" is above.)
  Npt resume_from() const;

  uint32_t frame_ticks() const { return frame_ticks_; }  // usual distance of access units; 0 unknown

 private:
  // Over the current and the previous window of kRecent.
  struct Recent {
    int64_t farthest_back = 0;  // ticks below the newest that a packet came with
    uint32_t frame_ticks = 0;   // smallest distance of two timestamps; 0: none yet
  };
  static constexpr Duration kRecent = 5s;
  // More than the reorder depth of 16 frames (H.264 A.3.1): a new timestamp meets its neighbours.
  static constexpr size_t kRecentTimestamps = 20;

  void anchor(RtpTimestamp first);
  void measure_tick();
  bool is_from_before_play(RtpSequence sequence, Time now);
  bool is_of_the_beginning(int64_t ticks_to_first) const;
  bool continues_paused_clock(RtpTimestamp first) const;
  void account(RtpTimestamp timestamp, Time now);
  uint32_t remember(RtpTimestamp timestamp);
  void measure_frame(RtpTimestamp timestamp);
  void turn_window(Time now);
  int64_t ticks_to_ns(int64_t ticks) const;
  int64_t ns_to_ticks(int64_t ns) const;
  int64_t ticks_of(RtpTimestamp timestamp) const {
    return newest_ticks_ + (timestamp - newest_timestamp_);
  }

  // What every packet asks, first: one cache line.
  bool playing_ = false, paused_ = false, resuming_ = false, any_packet_ = false, anchored_ = false;
  bool steady_ = false;         // nothing smaller than frame_ticks_ is to be noted
  bool asks_sequence_ = false;  // the PLAY answer's sequence number is still a word to go by
  uint8_t recent_count_ = 0;
  uint32_t clock_rate_ = 0;
  uint32_t frame_ticks_ = 0;
  RtpTimestamp newest_timestamp_, last_remembered_;
  int64_t newest_ticks_ = 0;  // since the anchor, at newest_timestamp_
  Time newest_time_{}, window_start_{};
  Npt anchor_npt_;
  int64_t tick_length_ = 0;  // at this scale, ns in 40.24 fixed point

  uint8_t recent_next_ = 0;
  std::array<RtpTimestamp, kRecentTimestamps> recent_timestamp_;  // distinct ones, a ring
  Recent current_, previous_;
  int64_t scale_millionths_ = 1'000'000;
  PlayAnchor play_;
  Npt floor_;                     // where the play started that resume_from() must not go below
  RtpTimestamp first_timestamp_;  // of the packets that came before the PLAY answer
  Time play_time_{};
};
static_assert(std::is_trivially_copyable_v<Position>);

}  // namespace midstream
