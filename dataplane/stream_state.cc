#include "dataplane/stream_state.h"

#include <algorithm>
#include <array>
#include <bit>

namespace midstream {

void PublishedPosition::write(const StreamPosition& position) {
  const auto words = std::bit_cast<std::array<uint64_t, kWords>>(position);
  const uint32_t sequence = sequence_.load(std::memory_order_relaxed);
  sequence_.store(sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_relaxed);
  sequence_.store(sequence + 2, std::memory_order_release);
}

void PublishedPosition::count(int64_t npt_ns, uint64_t bytes_more) {
  const uint32_t sequence = sequence_.load(std::memory_order_relaxed);
  sequence_.store(sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  words_[kNpt].store(static_cast<uint64_t>(npt_ns), std::memory_order_relaxed);
  words_[kPackets].store(packets() + 1, std::memory_order_relaxed);
  words_[kBytes].store(bytes() + bytes_more, std::memory_order_relaxed);
  sequence_.store(sequence + 2, std::memory_order_release);
}

StreamPosition PublishedPosition::read() const {
  std::array<uint64_t, kWords> words;
  uint32_t before, after;
  do {
    before = sequence_.load(std::memory_order_acquire);
    for (size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    after = sequence_.load(std::memory_order_relaxed);
  } while (before != after || (before & 1) != 0);
  return std::bit_cast<StreamPosition>(words);
}

void IntervalWatch::on_packet(Time now) {
  longest_[0] = std::max(longest_[0], now - last_);
  last_ = now;
  if (now - window_start_ < kWindow) return;
  longest_[1] = longest_[0];
  longest_[0] = {};
  window_start_ = now;
}

void IntervalWatch::restart(Time now) {
  last_ = window_start_ = now;
  longest_[0] = longest_[1] = {};
}

}  // namespace midstream
