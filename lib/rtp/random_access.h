// Where a decoder that has seen nothing can begin: the first packet of a random access point.
//
//   H.264 (RFC 6184)  parameter sets, which stand before an IDR picture, or its first slice; alone,
//                     at the head of an aggregate (STAP-A), or in the first fragment (FU-A)
//   H.265 (RFC 7798)  likewise: parameter sets, or the first slice of an IRAP picture
//   JPEG (RFC 2435)   the first fragment of any frame
//   others            anywhere
// Example: "7C 85 88": an FU-A whose first fragment (0x80) is of an IDR slice (5), and that slice is
// its picture's first (first_mb_in_slice 0, written as the bit 1).
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/base/bytes.h"

namespace midstream::rtp {

enum class Codec : uint8_t { kOther, kH264, kH265, kJpeg };
Codec codec_of(std::string_view encoding);  // of the rtpmap, in upper case

// Parameter sets and the like in packets of their own: they go before a picture and are none of it.
bool precedes_picture(Codec codec, Bytes payload);

bool begins_random_access(Codec codec, Bytes payload);

}  // namespace midstream::rtp
