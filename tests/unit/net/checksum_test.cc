#include "lib/net/checksum.h"

#include <array>
#include <catch2/catch.hpp>
#include <initializer_list>
#include <numeric>
#include <vector>

#include "lib/base/bytes.h"

namespace midstream::net {

namespace {

constexpr uint8_t kTcp = 6;
constexpr size_t kTcpHeader = 20, kTcpChecksum = 16;

// RFC 1071 section 1, two bytes at a time; the pseudo header is zeros, the protocol and the length.
uint16_t checksum_by_hand(Bytes transport) {
  uint32_t sum = kTcp + static_cast<uint32_t>(transport.size());
  for (size_t at = 0; at < transport.size(); at += 2)
    sum +=
        static_cast<uint32_t>(transport[at] << 8) + (at + 1 < transport.size() ? transport[at + 1] : 0);
  while (sum >> 16 != 0) sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<uint16_t>(~sum);
}

}  // namespace

TEST_CASE("a checksum is the same sum however many bytes are added at a time") {
  constexpr std::array<uint8_t, 8> no_addresses{};
  for (size_t size = kTcpHeader; size <= kTcpHeader + 64; ++size) {
    for (const uint8_t first : std::initializer_list<uint8_t>{0, 0x35, 0xff}) {
      CAPTURE(size, first);
      std::vector<uint8_t> segment(size, first);
      if (first == 0x35) std::iota(segment.begin(), segment.end(), first);
      segment[kTcpChecksum] = segment[kTcpChecksum + 1] = 0;
      const uint16_t expected = checksum_by_hand(segment);
      write_transport_checksum(no_addresses, kTcp, segment);
      REQUIRE(load_be16(&segment[kTcpChecksum]) == expected);
      REQUIRE(transport_checksum_holds(no_addresses, kTcp, segment));
      segment.back() ^= 1;
      REQUIRE_FALSE(transport_checksum_holds(no_addresses, kTcp, segment));
    }
  }
}

TEST_CASE("the largest segment does not carry out of the sum") {
  constexpr std::array<uint8_t, 8> no_addresses{};
  std::vector<uint8_t> segment(65535, 0xff);
  write_transport_checksum(no_addresses, kTcp, segment);
  CHECK(transport_checksum_holds(no_addresses, kTcp, segment));
}

}  // namespace midstream::net
