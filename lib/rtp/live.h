// The cut of a live stream: there is no normal play time in common and no packet to match, so the time
// that has passed must do (RFC 3550 5.1: timestamps follow the sampling clock).
//
// A session has one time for all its streams: the first server's, which the client knows. The first
// stream that goes on fixes how far the new server's time (since its PLAY, by RTP-Info) lies behind it;
// the others follow the same shift, so that sound and picture stay together however long the picture
// waits for a random access point. A server whose RTP-Info does not hold together is not believed: then
// each stream goes by its own elapsed time.
// Example: the client is at 100 s, and would be at 100.4 s now; the new server's packet lies 0.1 s
// behind its PLAY: the shift is 100.3 s. The picture's first packet comes with 0.9 s: 101.2 s.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/time.h"

namespace midstream::rtp {

inline constexpr Duration kLiveTolerance = 1s;  // between streams: encoders' delays differ by less

struct LiveShift {
  bool known = false;
  int64_t ns = 0;  // to be added to the new server's time
};

// Where a packet lies on the session's time. `client_ns`: where its stream would be now. `server_ns`:
// since the new server's PLAY, if it said so.
int64_t live_time(LiveShift& shift, std::optional<int64_t> server_ns, int64_t client_ns);

// Picture loss indication (RFC 4585 6.3.1) behind an empty receiver report, as its 6.1 wants it.
inline constexpr size_t kPictureRequestBytes = 20;
void write_picture_request(std::span<uint8_t, kPictureRequestBytes> out, uint32_t sender_ssrc,
                           uint32_t media_ssrc);

}  // namespace midstream::rtp
