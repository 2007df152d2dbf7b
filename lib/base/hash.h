// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): a short hash of short texts. It can be
// fed piece by piece: hash("ab") == hash("b", hash("a")). Not for tables that a peer could attack.
#pragma once

#include <cstdint>
#include <string_view>

namespace midstream {

inline constexpr uint64_t kFnvOffset = 0xcbf29ce484222325;
inline constexpr uint64_t kFnvPrime = 0x100000001b3;

constexpr uint64_t fnv1a(std::string_view text, uint64_t hash = kFnvOffset) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * kFnvPrime;
  return hash;
}

}  // namespace midstream
