#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/rtp/cut.h"

namespace midstream::rtp {
namespace {

constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio

}  // namespace

// Eight bytes a step: this runs for every packet. No defence against made-up collisions is needed, a
// server that makes them spoils its own stream only.
inline void PayloadHash::mix(uint64_t word) {
  hash_ = (hash_ ^ word) * kOdd;
  hash_ ^= hash_ >> 29;
}

PayloadHash::PayloadHash(size_t size) : hash_(size * kOdd) {}

void PayloadHash::add(Bytes part) {
  const size_t missing = std::min((sizeof word_ - filled_) % sizeof word_, part.size());
  if (missing > 0) std::memcpy(reinterpret_cast<uint8_t*>(&word_) + filled_, part.data(), missing);
  filled_ += missing;
  if (filled_ == sizeof word_) {
    mix(std::exchange(word_, 0));
    filled_ = 0;
  }
  size_t at = missing;
  for (; at + 8 <= part.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, &part[at], 8);
    mix(word);
  }
  if (at < part.size()) {
    filled_ = part.size() - at;
    std::memcpy(&word_, &part[at], filled_);
  }
}

uint32_t PayloadHash::result() {
  if (filled_ > 0) mix(word_);
  return static_cast<uint32_t>(hash_ ^ hash_ >> 32);
}

uint32_t payload_hash(Bytes payload) {
  PayloadHash hash(payload.size());
  hash.add(payload);
  return hash.result();
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
