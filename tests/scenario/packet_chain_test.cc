// Bytes kept by reference (dataplane/chain.h), against a plain map from place to byte. Here and not
// among the unit tests, since packet buffers need DPDK's memory.
#include <rte_mbuf.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "dataplane/chain.h"
#include "lib/base/random.h"
#include "tests/scenario/seeds.h"

namespace midstream::scenario {
namespace {

constexpr unsigned kBuffers = 511;

rte_mempool* pool() {
  static rte_mempool* const made =
      rte_pktmbuf_pool_create("chain", kBuffers, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  REQUIRE(made != nullptr);
  return made;
}

// Every place of a stream has its own byte.
uint8_t byte_at(TcpSequence place) { return static_cast<uint8_t>(place.value() * 37 + 11); }

uint32_t add(Chain& chain, TcpSequence begin, uint32_t size) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool());
  REQUIRE(mbuf != nullptr);
  auto* const data = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(size)));
  for (uint32_t i = 0; i < size; ++i) data[i] = byte_at(begin + i);
  const uint32_t added = chain.add(begin, mbuf, {data, size});
  rte_pktmbuf_free(mbuf);
  return added;
}

std::string text(const Chain& chain, TcpSequence begin, size_t most) {
  std::string out(most, 0);
  out.resize(chain.read(begin, {reinterpret_cast<uint8_t*>(out.data()), most}));
  return out;
}

std::string expected(TcpSequence begin, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(byte_at(begin + i));
  return out;
}

// In the third the numbers wrap within what is kept.
const TcpSequence kBegins[] = {TcpSequence(1000), TcpSequence(0x7fff'ff00), TcpSequence(0xffff'ff00)};

TEST_CASE("chain: a hole ends what can be read until it is filled") {
  for (const TcpSequence begin : kBegins) {
    Chain chain;
    CHECK(add(chain, begin, 146) == 146);
    CHECK(add(chain, begin + 292, 146) == 146);
    CHECK(chain.end_from(begin) == begin + 146);
    CHECK(chain.at(begin + 200).empty());
    CHECK(text(chain, begin + 100, 400) == expected(begin + 100, 46));
    CHECK(add(chain, begin + 140, 200) == 146);  // what is there stays
    CHECK(chain.pieces() == 3);
    CHECK(chain.end_from(begin) == begin + 438);
    CHECK(text(chain, begin, 1000) == expected(begin, 438));
  }
  CHECK(rte_mempool_avail_count(pool()) == kBuffers);
}

TEST_CASE("chain: the first copy of a byte wins") {
  Chain chain;
  const TcpSequence begin = kBegins[2];
  add(chain, begin, 100);
  rte_mbuf* const other = rte_pktmbuf_alloc(pool());
  auto* const data = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(other, 150));
  std::fill_n(data, 150, uint8_t{0});
  CHECK(chain.add(begin, other, {data, 150}) == 50);
  CHECK(text(chain, begin, 150) == expected(begin, 100) + std::string(50, '\0'));
  CHECK(chain.buffer_of(begin + 100, 50) == other);
  CHECK(chain.buffer_of(begin + 99, 2) == nullptr);
  rte_pktmbuf_free(other);
}

TEST_CASE("chain: what is written lies in the buffers themselves") {
  Chain chain;
  const TcpSequence begin = kBegins[2];
  add(chain, begin, 10);
  add(chain, begin + 10, 10);
  chain.write(begin + 8, as_bytes("over"));
  CHECK(text(chain, begin, 20) == expected(begin, 8) + "over" + expected(begin + 12, 8));
}

TEST_CASE("chain: any pieces in any order, let go at either end, moved to another") {
  const uint64_t seed = GENERATE(from_range(seeds(60)));
  INFO("seed " << seed);
  Random random(seed);
  {
    Chain chain, other;
    const TcpSequence first = kBegins[random.between(0, 2)];
    std::map<uint32_t, bool> held;  // by place behind `first`
    uint32_t begin = 0, moved = 0;
    for (int step = 0; step < 300; ++step) {
      const auto place = begin + static_cast<uint32_t>(random.between(0, 400));
      const auto size = static_cast<uint32_t>(random.between(1, 120));
      uint32_t news = 0;
      for (uint32_t i = place; i < place + size; ++i) news += held.try_emplace(i, true).second;
      REQUIRE(add(chain, first + place, size) == news);
      const auto run_end = [&](uint32_t from) {
        while (held.contains(from)) ++from;
        return from;
      };
      if (random.between(0, 9) == 0) {
        const auto end = begin + static_cast<uint32_t>(random.between(0, 500));
        chain.drop_from(first + end);
        held.erase(held.lower_bound(end), held.end());
      }
      if (const uint32_t end = run_end(begin); end > begin && random.between(0, 3) == 0) {
        const auto to = begin + static_cast<uint32_t>(random.between(1, end - begin));
        chain.move_to(other, first + begin, first + to, first + moved);
        moved += to - begin;
        REQUIRE(other.end_from(first) == first + moved);
        held.erase(held.begin(), held.lower_bound(to));
        begin = to;
      } else if (random.between(0, 19) == 0) {
        begin += static_cast<uint32_t>(random.between(0, 300));
        chain.drop_before(first + begin);
        held.erase(held.begin(), held.lower_bound(begin));
      }
      REQUIRE(chain.bytes() == held.size());
      const auto from = begin + static_cast<uint32_t>(random.between(0, 400));
      REQUIRE(chain.end_from(first + from) == first + run_end(from));
      REQUIRE(text(chain, first + from, 1000) == expected(first + from, run_end(from) - from));
    }
  }
  CHECK(rte_mempool_avail_count(pool()) == kBuffers);
}

}  // namespace
}  // namespace midstream::scenario
