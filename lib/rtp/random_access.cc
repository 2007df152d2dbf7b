#include "lib/rtp/random_access.h"

namespace midstream::rtp {
namespace {

// RFC 6184 5.2 and ITU-T H.264 table 7-1.
bool h264_unit(Bytes unit) {
  constexpr uint8_t kIdr = 5, kSequenceSet = 7, kPictureSet = 8;
  if (unit.empty()) return false;
  const uint8_t type = unit[0] & 0x1f;
  if (type == kSequenceSet || type == kPictureSet) return true;
  return type == kIdr && unit.size() > 1 && (unit[1] & 0x80) != 0;
}

bool h264(Bytes payload) {
  constexpr uint8_t kStapA = 24, kFuA = 28, kStart = 0x80;
  if (payload.empty()) return false;
  const uint8_t type = payload[0] & 0x1f;
  if (type == kStapA) return payload.size() > 3 && h264_unit(payload.subspan(3));  // size in front
  if (type != kFuA) return h264_unit(payload);
  if (payload.size() < 3 || (payload[1] & kStart) == 0) return false;
  const uint8_t unit[2] = {payload[1], payload[2]};  // the FU header's low bits are the unit's type
  return h264_unit(unit);
}

// RFC 7798 1.1.4 and ITU-T H.265 table 7-1.
bool h265_unit(uint8_t type, Bytes slice) {
  constexpr uint8_t kFirstIrap = 16, kLastIrap = 23, kVideoSet = 32, kPictureSet = 34;
  if (type >= kVideoSet && type <= kPictureSet) return true;
  return type >= kFirstIrap && type <= kLastIrap && !slice.empty() && (slice[0] & 0x80) != 0;
}

uint8_t h265_type(uint8_t first) { return first >> 1 & 0x3f; }

bool h265(Bytes payload) {
  constexpr uint8_t kAggregate = 48, kFragment = 49, kStart = 0x80;
  constexpr size_t kHeader = 2, kSize = 2;
  if (payload.size() < kHeader + 1) return false;
  const uint8_t type = h265_type(payload[0]);
  if (type == kAggregate) {
    if (payload.size() < kHeader + kSize + kHeader) return false;
    return h265_unit(h265_type(payload[kHeader + kSize]), payload.subspan(kHeader + kSize + kHeader));
  }
  if (type == kFragment) {
    return (payload[kHeader] & kStart) != 0 &&
           h265_unit(payload[kHeader] & 0x3f, payload.subspan(kHeader + 1));
  }
  return h265_unit(type, payload.subspan(kHeader));
}

// RFC 2435 3.1: a type-specific byte, then the fragment's offset.
bool jpeg(Bytes payload) {
  return payload.size() >= 8 && payload[1] == 0 && payload[2] == 0 && payload[3] == 0;
}

}  // namespace

Codec codec_of(std::string_view encoding) {
  if (encoding == "H264") return Codec::kH264;
  if (encoding == "H265") return Codec::kH265;
  return encoding == "JPEG" ? Codec::kJpeg : Codec::kOther;
}

// RFC 6184: access unit delimiters, SPS, PPS and SEI. RFC 7798: the same, and VPS.
bool precedes_picture(Codec codec, Bytes payload) {
  if (payload.empty()) return false;
  if (codec == Codec::kH264) {
    const uint8_t type = payload[0] & 0x1f;
    return type >= 6 && type <= 9;
  }
  constexpr uint8_t kVideoSet = 32, kDelimiter = 35, kPrefixSei = 39;
  const uint8_t type = h265_type(payload[0]);
  return codec == Codec::kH265 && ((type >= kVideoSet && type <= kDelimiter) || type == kPrefixSei);
}

bool begins_random_access(Codec codec, Bytes payload) {
  switch (codec) {
    case Codec::kOther:
      return true;
    case Codec::kH264:
      return h264(payload);
    case Codec::kH265:
      return h265(payload);
    case Codec::kJpeg:
      return jpeg(payload);
  }
  return true;
}

}  // namespace midstream::rtp
