#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "lib/rtp/cut.h"

namespace midstream::rtp {
namespace {

TEST_CASE("payload hash: the same of a payload in one piece and in any two") {
  for (size_t size = 0; size <= 100; ++size) {
    std::vector<uint8_t> payload(size);
    std::iota(payload.begin(), payload.end(), uint8_t{1});
    const uint32_t whole = payload_hash(payload);
    for (size_t at = 0; at <= size; ++at) {
      PayloadHash hash(size);
      hash.add(Bytes(payload).first(at));
      hash.add(Bytes(payload).subspan(at));
      CHECK(hash.result() == whole);
    }
  }
}

TEST_CASE("payload hash: every byte and the length count") {
  const std::vector<uint8_t> payload(70, 7);
  const uint32_t hash = payload_hash(payload);
  for (size_t i = 0; i < payload.size(); ++i) {
    auto other = payload;
    other[i] ^= 1;
    CHECK(payload_hash(other) != hash);
    CHECK(payload_hash(Bytes(payload).first(i)) != hash);
  }
}

}  // namespace
}  // namespace midstream::rtp
