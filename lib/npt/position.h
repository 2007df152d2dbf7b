// A stream's position (NPT) from its RTP timestamps, and from what the PLAY answer said (seed: the
// relative position; figures 4 to 6).
//
// A PLAY answer opens an anchor: "timestamp T is NPT P". RTP-Info's rtptime is believed only if the
// first packets agree with it: a server may state the timestamp of NPT 0 after a seek, off by the
// whole position. So the anchor stays open until the first packet of the stream arrives; if its
// timestamp lies within kAnchorTolerance of rtptime, rtptime anchors, else the packet's own does.
// Worked example: PLAY answer Range npt=10.0-, rtptime 5000 at 90 kHz; first packet 905000 (10 s
// later): rtptime was that of NPT 0; the anchor is 905000 = 10.0.
// Timestamps are unwrapped to 64 bits against the newest; NPT = P + scale * (t - T) / clock rate.
#pragma once

#include <cstdint>
#include <optional>

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
  Npt at(RtpTimestamp timestamp) const;      // only if anchored()
  RtpTimestamp timestamp_at(Npt npt) const;  // only if anchored()

  // Where a second server must start so that nothing not yet delivered lies before it: the newest
  // timestamp less how far timestamps of this stream have gone back in decode order (B-frames), less
  // one access unit so that at least two matchable units overlap. Never below the play start.
  Npt resume_from() const;

  uint32_t frame_ticks() const { return frame_ticks_; }  // usual distance of access units; 0 unknown

 private:
  // (the implementer adds members here)
  bool anchored_ = false;
  uint32_t frame_ticks_ = 0;
};

}  // namespace midstream
