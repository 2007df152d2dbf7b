#include <algorithm>
#include <cstring>

#include "lib/rtp/cut.h"

namespace midstream::rtp {

// Eight bytes a step: this runs for every packet. No defence against made-up collisions is needed, a
// server that makes them spoils its own stream only.
uint32_t payload_hash(Bytes payload) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  uint64_t hash = payload.size() * kOdd;
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 29;
  };
  size_t at = 0;
  for (; at + 8 <= payload.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, &payload[at], 8);
    mix(word);
  }
  if (at < payload.size()) {
    uint64_t word = 0;
    std::memcpy(&word, &payload[at], payload.size() - at);
    mix(word);
  }
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

// Kept in order, newest first: the shift of at most four entries stays in the cache line.
void LastPackets::add(RtpSequence sequence, RtpTimestamp timestamp, uint32_t hash, bool marker,
                      bool prefix) {
  constexpr int kMaxMisorder = 100;  // RFC 3550 A.1: further back is a new start, not a late packet
  if (count_ > 0 && sequence_[0] - sequence > kMaxMisorder) count_ = 0;
  size_t at = 0;
  while (at < count_ && sequence_[at] > sequence) ++at;
  if (at == kLastPackets || (at < count_ && sequence_[at] == sequence)) return;  // too old; a repeat
  count_ = static_cast<uint8_t>(std::min<size_t>(count_ + 1u, kLastPackets));
  for (size_t i = count_ - 1u; i > at; --i) {
    sequence_[i] = sequence_[i - 1];
    timestamp_[i] = timestamp_[i - 1];
    hash_[i] = hash_[i - 1];
    marker_[i] = marker_[i - 1];
    prefix_[i] = prefix_[i - 1];
  }
  sequence_[at] = sequence;
  timestamp_[at] = timestamp;
  hash_[at] = hash;
  marker_[at] = marker;
  prefix_[at] = prefix;
}

LastPackets::Entry LastPackets::newest(size_t index) const {
  if (index >= count_) return {};
  return {sequence_[index], marker_[index], prefix_[index], timestamp_[index], hash_[index]};
}

const char* to_string(CutMethod method) {
  switch (method) {
    case CutMethod::kNone:
      return "none";
    case CutMethod::kContent:
      return "content";
    case CutMethod::kTimestamp:
      return "timestamp";
    case CutMethod::kKeyframe:
      return "keyframe";
    case CutMethod::kLive:
      return "live";
  }
  return "none";
}

}  // namespace midstream::rtp
