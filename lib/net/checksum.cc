#include "lib/net/checksum.h"

#include <rte_ip.h>

#include <array>

#include "lib/net/ip_header.h"

namespace midstream::net {

namespace {

constexpr size_t kIpv4ChecksumOffset = 10;

size_t checksum_offset(uint8_t protocol) {
  return protocol == kProtocolUdp ? 6 : protocol == kProtocolTcp ? 16 : 2;  // else ICMP
}

// DPDK sums words as they lie in memory, so the result is stored as it is, without a byte swap.
void store_sum(uint8_t* field, uint16_t sum) { std::memcpy(field, &sum, sizeof sum); }

uint16_t fold(uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<uint16_t>((sum >> 16) + sum);
}

// rte_raw_cksum adds two bytes at a time; a whole segment deserves eight (RFC 1071 2(C)).
uint64_t sum_of(Bytes bytes) {
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + sizeof sum <= bytes.size(); at += sizeof sum) {
    uint64_t word;
    std::memcpy(&word, &bytes[at], sizeof word);
    sum += (word >> 32) + (word & 0xffffffff);
  }
  return sum + rte_raw_cksum(bytes.data() + at, bytes.size() - at);
}

// The pseudo header and the transport with whatever its checksum field holds.
uint16_t transport_sum(Bytes addresses, uint8_t protocol, Bytes transport) {
  std::array<uint8_t, 4> protocol_and_length{0, protocol};
  store_be16(&protocol_and_length[2], static_cast<uint16_t>(transport.size()));
  return fold(sum_of(addresses) + sum_of(protocol_and_length) + sum_of(transport));
}

}  // namespace

void write_ipv4_checksum(MutableBytes header) {
  store_sum(&header[kIpv4ChecksumOffset], 0);
  store_sum(&header[kIpv4ChecksumOffset],
            static_cast<uint16_t>(~rte_raw_cksum(header.data(), header.size())));
}

void write_transport_checksum(Bytes addresses, uint8_t protocol, MutableBytes transport) {
  uint8_t* const field = &transport[checksum_offset(protocol)];
  store_sum(field, 0);
  const auto checksum = static_cast<uint16_t>(~transport_sum(addresses, protocol, transport));
  // A UDP checksum of zero would say that there is none (RFC 768).
  store_sum(field, protocol == kProtocolUdp && checksum == 0 ? 0xffff : checksum);
}

void write_icmp_checksum(Bytes addresses, MutableBytes message) {
  if (!addresses.empty()) return write_transport_checksum(addresses, kProtocolIcmpv6, message);
  uint8_t* const field = &message[checksum_offset(kProtocolIcmp)];
  store_sum(field, 0);
  store_sum(field, static_cast<uint16_t>(~rte_raw_cksum(message.data(), message.size())));
}

bool transport_checksum_holds(Bytes addresses, uint8_t protocol, Bytes transport) {
  return transport_sum(addresses, protocol, transport) == 0xffff;
}

}  // namespace midstream::net
