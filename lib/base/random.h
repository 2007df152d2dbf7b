// The one source of randomness (initial sequence numbers, local ports), seeded once: the same seed
// gives the same run.
#pragma once

#include <cstdint>
#include <random>

namespace midstream {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint32_t u32() { return static_cast<uint32_t>(engine_() >> 32); }
  uint64_t u64() { return engine_(); }
  // Uniform enough in [low, high]; the bias is below 2^-32.
  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(engine_() % (uint64_t{high} - low + 1));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace midstream
