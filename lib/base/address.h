// IP addresses, 128 bits wide everywhere; IPv4 is mapped (RFC 4291 2.5.5.2). Ethernet addresses.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"

namespace midstream {

struct Address {
  static constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

  std::array<uint8_t, 16> octets{};

  static Address v4(uint32_t host_order);
  static Address v4(Bytes four_octets) {
    Address address;
    std::memcpy(address.octets.data(), kMappedPrefix.data(), kMappedPrefix.size());
    std::memcpy(address.octets.data() + kMappedPrefix.size(), four_octets.data(), 4);
    return address;
  }
  static Address v6(Bytes sixteen_octets);

  bool is_v4() const {
    return std::memcmp(octets.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
  }
  bool is_unspecified() const { return *this == Address{}; }
  uint32_t v4_value() const;  // host order; only if is_v4()
  const uint8_t* v4_octets() const { return octets.data() + 12; }

  auto operator<=>(const Address&) const = default;
};

// "10.0.0.1" or "fd00::1"; nothing else.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

struct Prefix {
  Address address;
  uint8_t length = 0;  // bits of the 128; an IPv4 /24 is 120

  bool contains(const Address& other) const;
};
// "10.0.0.1/24" or "fd00::1/64".
std::optional<Prefix> parse_prefix(std::string_view text);

struct Endpoint {
  Address address;
  uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);  // "10.0.0.1:554", "[fd00::1]:554"

struct MacAddress {
  std::array<uint8_t, 6> octets{};

  bool is_group() const { return (octets[0] & 1) != 0; }
  bool is_zero() const { return *this == MacAddress{}; }
  auto operator<=>(const MacAddress&) const = default;
};
std::string to_string(const MacAddress& mac);
inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

}  // namespace midstream
