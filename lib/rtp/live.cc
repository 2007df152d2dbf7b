#include "lib/rtp/live.h"

#include <cstdlib>

#include "lib/rtp/rtcp.h"

namespace midstream::rtp {

int64_t live_time(LiveShift& shift, std::optional<int64_t> server_ns, int64_t client_ns) {
  if (!server_ns) return client_ns;
  const int64_t own = client_ns - *server_ns;
  if (!shift.known) shift = {true, own};
  const bool holds_together = std::abs(own - shift.ns) <= kLiveTolerance.count();
  return holds_together ? *server_ns + shift.ns : client_ns;
}

void write_picture_request(std::span<uint8_t, kPictureRequestBytes> out, uint32_t sender_ssrc,
                           uint32_t media_ssrc) {
  constexpr uint8_t kVersion = 0x80, kPictureLoss = 1;
  ByteWriter writer(out);
  writer.u8(kVersion);
  writer.u8(kReceiverReport);
  writer.u16(1);
  writer.u32(sender_ssrc);
  writer.u8(kVersion | kPictureLoss);
  writer.u8(kPayloadFeedback);
  writer.u16(2);
  writer.u32(sender_ssrc);
  writer.u32(media_ssrc);
}

}  // namespace midstream::rtp
