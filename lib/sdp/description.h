// SDP (RFC 4566) as far as RTSP needs it: media, rtpmap, fmtp, control, range; and the comparison
// that tells whether two servers have the same content.
//
// Only the first format of a media is described: what RTSP servers offer is one format. Lines may end
// with a bare LF, the last one with nothing. Worked example: "m=video 0 RTP/AVP 96",
// "a=rtpmap:96 H264/90000 " and "a=fmtp:96 profile-level-id=42C01F;packetization-mode=1" equal, at
// another server, "m=video 0 RTP/AVP 97", "a=rtpmap:97 h264/90000" and
// "a=fmtp:97 packetization-mode=1; profile-level-id=42c01f".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/fixed_string.h"
#include "lib/npt/npt.h"

namespace midstream::sdp {

inline constexpr size_t kMaxMedia = 8;
inline constexpr size_t kMaxControl = 512;  // as long as a URL may be (rtsp::kMaxUrl)

struct Media {
  FixedString<16> type;      // "video"
  FixedString<24> protocol;  // "RTP/AVP"
  uint8_t payload_type = 0;  // the first format
  bool has_payload_type = false;
  FixedString<32> encoding;              // "H264", upper case; empty without rtpmap
  uint32_t clock_rate = 0;               // rtpmap, else rtp::static_clock_rate, else 0
  uint32_t channels = 0;                 // rtpmap; 0 if it says none
  bool picture_loss_indication = false;  // a=rtcp-fb allows it (RFC 4585 4.2)
  // Over the fmtp parameters that matter to a decoder, normalised, order and payload number apart.
  uint64_t format_hash = 0;
  FixedString<kMaxControl> control;  // as written: absolute, relative or "*"
};

struct Description {
  FixedString<kMaxControl> control;  // session level
  std::optional<NptRange> range;     // session level, else the media's that ends last
  bool secure = false;               // any RTP/SAVP, a=crypto or a=key-mgmt: SRTP
  bool multicast = false;            // a c= line with a multicast address
  uint8_t media_count = 0;
  std::array<Media, kMaxMedia> media;
};

// False if it is no SDP (no v=0), has more than kMaxMedia media, or a text that has no room above.
bool parse(std::string_view text, Description& out);

// Media are counted from 1. Empty if the same content: count, types, encodings, clock rates, channels,
// fmtp.
// Otherwise what differs, as a short text for the event ("media 1: encoding H265, was H264"). Payload
// types, control names, addresses, o= and ranges do not count.
FixedString<128> difference(const Description& reference, const Description& other);

}  // namespace midstream::sdp
