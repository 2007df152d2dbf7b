#include "lib/net/checksum.h"

#include <rte_ip.h>

#include <algorithm>
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
  if (at + 4 <= bytes.size()) {
    uint32_t word;
    std::memcpy(&word, &bytes[at], sizeof word);
    sum += word;
    at += sizeof word;
  }
  return at == bytes.size() ? sum : sum + rte_raw_cksum(bytes.data() + at, bytes.size() - at);
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

namespace {

constexpr size_t kPortBytes = 4;

uint16_t load_word(const uint8_t* p) {
  uint16_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// RFC 1624 (eqn. 3).
uint16_t patched(uint16_t field, uint32_t before, uint32_t after) {
  return static_cast<uint16_t>(
      ~fold(uint64_t{static_cast<uint16_t>(~field)} + static_cast<uint16_t>(~before) + after));
}

}  // namespace

ChecksumPatch::ChecksumPatch(MutableBytes frame, const Packet& packet, size_t payload_bytes)
    : frame_(frame),
      packet_(packet),
      payload_bytes_(std::min<size_t>(payload_bytes, packet.payload_bytes)),
      addresses_(fold(sum_of_addresses())),
      transport_(fold(sum_of_transport())) {
  const uint8_t* const transport = &frame_[packet_.l4_offset];
  const bool udp = packet_.kind == PacketKind::kUdp;
  const uint8_t protocol = udp ? kProtocolUdp : kProtocolTcp;
  const size_t length = size_t{packet_.payload_offset} + packet_.payload_bytes - packet_.l4_offset;
  std::array<uint8_t, 4> rest{0, protocol};
  store_be16(&rest[2], static_cast<uint16_t>(length));
  left_to_hardware_ =
      load_word(transport + checksum_offset(protocol)) == fold(addresses_ + sum_of(rest));
}

uint64_t ChecksumPatch::sum_of_addresses() const {
  const bool v4 = packet_.ether_type == kEtherTypeIpv4;
  return sum_of(addresses_of(Bytes(frame_).subspan(packet_.l3_offset), v4));
}

uint64_t ChecksumPatch::sum_of_transport() const {
  return sum_of(Bytes(frame_).subspan(packet_.l4_offset, kPortBytes)) +
         sum_of(Bytes(frame_).subspan(packet_.payload_offset, payload_bytes_));
}

void ChecksumPatch::apply() {
  if (left_to_hardware_) return refresh_checksums(frame_, packet_);
  const uint16_t addresses = fold(sum_of_addresses());
  if (packet_.ether_type == kEtherTypeIpv4) {
    uint8_t* const field = &frame_[packet_.l3_offset + kIpv4ChecksumOffset];
    store_sum(field, patched(load_word(field), addresses_, addresses));
  }
  const bool udp = packet_.kind == PacketKind::kUdp;
  uint8_t* const field =
      &frame_[packet_.l4_offset + checksum_offset(udp ? kProtocolUdp : kProtocolTcp)];
  if (udp && load_word(field) == 0) return;  // RFC 768: there is none
  const uint16_t sum = patched(load_word(field), fold(uint64_t{addresses_} + transport_),
                               fold(addresses + sum_of_transport()));
  store_sum(field, udp && sum == 0 ? 0xffff : sum);
}

}  // namespace midstream::net
