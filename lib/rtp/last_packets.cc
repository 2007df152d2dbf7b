#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/rtp/cut.h"

namespace midstream::rtp {
namespace {

constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio

}  // namespace

inline uint64_t mixed(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * kOdd;
  return hash ^ hash >> 29;
}

inline uint32_t combined(size_t size, const std::array<uint64_t, 4>& lanes) {
  uint64_t hash = size * kOdd;
  for (const uint64_t lane : lanes) hash = mixed(hash, lane);
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

// Eight bytes a step: this runs for every packet. No defence against made-up collisions is needed, a
// server that makes them spoils its own stream only.
inline void PayloadHash::mix(uint64_t word) {
  uint64_t& lane = lane_[words_++ % kLanes];
  lane = mixed(lane, word);
}

inline void PayloadHash::mix_round(const uint8_t* words) {
  std::array<uint64_t, kLanes> word;
  std::memcpy(word.data(), words, sizeof word);
  for (size_t i = 0; i < kLanes; ++i) lane_[i] = mixed(lane_[i], word[i]);
  words_ += kLanes;
}

PayloadHash::PayloadHash(size_t size) : size_(size), lane_{1, 2, 3, 4} {}

void PayloadHash::add(Bytes part) {
  const size_t missing = std::min((sizeof word_ - filled_) % sizeof word_, part.size());
  if (missing > 0) std::memcpy(reinterpret_cast<uint8_t*>(&word_) + filled_, part.data(), missing);
  filled_ += missing;
  if (filled_ == sizeof word_) {
    mix(std::exchange(word_, 0));
    filled_ = 0;
  }
  size_t at = missing;
  while (at + 8 <= part.size()) {
    if (words_ % kLanes == 0 && at + sizeof lane_ <= part.size()) {
      mix_round(&part[at]);
      at += sizeof lane_;
      continue;
    }
    uint64_t word;
    std::memcpy(&word, &part[at], sizeof word);
    mix(word);
    at += sizeof word;
  }
  if (at < part.size()) {
    filled_ = part.size() - at;
    std::memcpy(&word_, &part[at], filled_);
  }
}

uint32_t PayloadHash::result() {
  if (filled_ > 0) mix(word_);
  return combined(size_, lane_);
}

// In registers; the same words as above.
uint32_t payload_hash(Bytes payload) {
  if (payload.size() < sizeof(uint64_t)) {
    PayloadHash hash(payload.size());
    hash.add(payload);
    return hash.result();
  }
  uint64_t a = 1, b = 2, c = 3, d = 4;
  const uint8_t* at = payload.data();
  const auto word_at = [](const uint8_t* place) {
    uint64_t word;
    std::memcpy(&word, place, sizeof word);
    return word;
  };
  size_t left = payload.size();
  for (; left >= 32; left -= 32, at += 32) {
    a = mixed(a, word_at(at));
    b = mixed(b, word_at(at + 8));
    c = mixed(c, word_at(at + 16));
    d = mixed(d, word_at(at + 24));
  }
  // The last word may be part of one: its bytes are the last of those that end with the payload.
  const size_t whole = left / 8, part = left % 8;
  const uint64_t last = part == 0 ? 0 : word_at(at + left - 8) >> (64 - 8 * part);
  const auto tail = [&](size_t i) { return i < whole ? word_at(at + 8 * i) : last; };
  const size_t words = whole + (part > 0 ? 1 : 0);
  if (words > 0) a = mixed(a, tail(0));
  if (words > 1) b = mixed(b, tail(1));
  if (words > 2) c = mixed(c, tail(2));
  if (words > 3) d = mixed(d, tail(3));
  return combined(payload.size(), {a, b, c, d});
}

// Kept in order, newest first: moving the others stays in the cache line. What comes in order, which is
// nearly all, moves them as they lie, in a few whole words.
void LastPackets::add(RtpSequence sequence, RtpTimestamp timestamp, uint32_t hash, bool marker,
                      bool prefix) {
  constexpr int kMaxMisorder = 100;  // RFC 3550 A.1: further back is a new start, not a late packet
  if (count_ > 0 && sequence_[0] - sequence > kMaxMisorder) count_ = 0;
  size_t at = 0;
  while (at < count_ && sequence_[at] > sequence) ++at;
  if (at == kLastPackets || (at < count_ && sequence_[at] == sequence)) return;  // too old; a repeat
  count_ = static_cast<uint8_t>(std::min<size_t>(count_ + 1u, kLastPackets));
  if (at == 0) {
    const auto move_back = [](auto& all) {
      std::memmove(all.data() + 1, all.data(), (kLastPackets - 1) * sizeof all[0]);
    };
    move_back(sequence_);
    move_back(timestamp_);
    move_back(hash_);
    move_back(marker_);
    move_back(prefix_);
  }
  for (size_t i = at == 0 ? 0 : count_ - 1u; i > at; --i) {
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
