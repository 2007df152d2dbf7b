#include "lib/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>

namespace midstream {

namespace {

constexpr uint8_t kMappedPrefixBits = 96;

// The text with a terminating zero, as the C library wants it. No address is longer.
using TextBuffer = std::array<char, INET6_ADDRSTRLEN>;

bool copy_text(std::string_view text, TextBuffer& out) {
  if (text.size() >= out.size() || text.find('\0') != text.npos) return false;
  *std::copy(text.begin(), text.end(), out.begin()) = '\0';
  return true;
}

}  // namespace

Address Address::v4(uint32_t host_order) {
  std::array<uint8_t, 4> octets;
  store_be32(octets.data(), host_order);
  return v4(octets);
}

Address Address::v6(Bytes sixteen_octets) {
  assert(sixteen_octets.size() == 16);
  Address address;
  std::copy(sixteen_octets.begin(), sixteen_octets.end(), address.octets.begin());
  return address;
}

uint32_t Address::v4_value() const {
  assert(is_v4());
  return load_be32(v4_octets());
}

std::optional<Address> parse_address(std::string_view text) {
  TextBuffer buffer;
  if (!copy_text(text, buffer)) return std::nullopt;
  std::array<uint8_t, 16> octets;
  if (inet_pton(AF_INET, buffer.data(), octets.data()) == 1) return Address::v4(Bytes(octets).first(4));
  if (inet_pton(AF_INET6, buffer.data(), octets.data()) != 1) return std::nullopt;
  const Address address = Address::v6(octets);
  // "::ffff:10.0.0.1" would be a second name for an IPv4 address, with another prefix length.
  return address.is_v4() ? std::nullopt : std::optional(address);
}

std::string to_string(const Address& address) {
  TextBuffer buffer;
  const bool v4 = address.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address.v4_octets() : address.octets.data(), buffer.data(),
            buffer.size());
  return buffer.data();
}

bool Prefix::contains(const Address& other) const {
  if (address.is_v4() != other.is_v4()) return false;  // "::/0" is no IPv4 network
  const size_t whole = length / 8;
  const unsigned rest = length % 8;
  if (!std::equal(address.octets.begin(), address.octets.begin() + whole, other.octets.begin())) {
    return false;
  }
  return rest == 0 || (address.octets[whole] ^ other.octets[whole]) >> (8 - rest) == 0;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::optional<Address> address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;

  const char* const end = text.data() + text.size();
  uint8_t bits = 0;
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if (bits > (address->is_v4() ? 32 : 128)) return std::nullopt;
  return Prefix{*address, static_cast<uint8_t>(address->is_v4() ? bits + kMappedPrefixBits : bits)};
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = to_string(endpoint.address);
  const std::string port = std::to_string(endpoint.port);
  return endpoint.address.is_v4() ? address + ":" + port : "[" + address + "]:" + port;
}

std::string to_string(const MacAddress& mac) {
  std::array<char, 18> buffer;
  const auto& o = mac.octets;
  std::snprintf(buffer.data(), buffer.size(), "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3],
                o[4], o[5]);
  return buffer.data();
}

}  // namespace midstream
