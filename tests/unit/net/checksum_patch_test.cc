#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "lib/net/checksum.h"
#include "lib/net/packet.h"

namespace midstream::net {
namespace {

struct Sample {
  std::vector<uint8_t> frame;
  Packet packet;
};

Sample udp(const Address& source, const Address& destination, size_t payload_bytes) {
  std::vector<uint8_t> payload(payload_bytes);
  for (size_t i = 0; i < payload_bytes; ++i) payload[i] = static_cast<uint8_t>(i * 37 + 11);
  Sample sample{std::vector<uint8_t>(200), {}};
  sample.frame.resize(build_udp_frame(sample.frame, {}, {source, 6970}, {destination, 5000}, payload));
  sample.packet = parse_packet(sample.frame);
  return sample;
}

// What a failover changes: the source, and the RTP header.
void change(Sample& sample, const Address& source) {
  write_addresses(MutableBytes(sample.frame).subspan(sample.packet.l3_offset), source,
                  sample.packet.destination.address);
  store_be16(&sample.frame[sample.packet.l4_offset], 7970);
  for (size_t i = 0; i < 12; ++i) sample.frame[sample.packet.payload_offset + i] ^= 0x5a;
}

const Address kA = Address::v4(0x0a630002), kB = Address::v4(0xc0a8fffe);
const Address kA6 = parse_address("fd00::2").value(), kB6 = parse_address("fd00:1::ffff:3").value();

TEST_CASE("checksum patch: the same as a new sum, for both families and any length") {
  for (const bool v6 : {false, true}) {
    for (size_t bytes = 12; bytes < 60; ++bytes) {
      Sample patched = udp(v6 ? kA6 : kA, v6 ? kB6 : kB, bytes);
      Sample whole = patched;
      ChecksumPatch patch(patched.frame, patched.packet, 12);
      change(patched, v6 ? kB6 : kB);
      patch.apply();
      change(whole, v6 ? kB6 : kB);
      refresh_checksums(whole.frame, whole.packet);
      CHECK(patched.frame == whole.frame);
    }
  }
}

TEST_CASE("checksum patch: what was damaged on its way stays damaged") {
  Sample sample = udp(kA, kB, 40);
  sample.frame.back() ^= 1;
  ChecksumPatch patch(sample.frame, sample.packet, 12);
  change(sample, kB);
  patch.apply();
  Sample whole = sample;
  refresh_checksums(whole.frame, whole.packet);
  CHECK(sample.frame != whole.frame);
}

TEST_CASE("checksum patch: one that was left to hardware is made whole, none stays none") {
  Sample sample = udp(kA, kB, 41);
  uint8_t* const field = &sample.frame[sample.packet.l4_offset + 6];
  SECTION("left to hardware: the sum of the pseudo header") {
    const uint32_t length = 8 + 41;
    uint32_t sum = 17 + length;
    for (size_t i = 0; i < 8; i += 2) sum += load_be16(&sample.frame[sample.packet.l3_offset + 12 + i]);
    store_be16(field, static_cast<uint16_t>((sum & 0xffff) + (sum >> 16)));
    ChecksumPatch patch(sample.frame, sample.packet, 12);
    change(sample, kB);
    patch.apply();
    Sample whole = sample;
    refresh_checksums(whole.frame, whole.packet);
    CHECK(sample.frame == whole.frame);
  }
  SECTION("none") {
    store_be16(field, 0);
    ChecksumPatch patch(sample.frame, sample.packet, 12);
    change(sample, kB);
    patch.apply();
    CHECK(load_be16(field) == 0);
  }
}

}  // namespace
}  // namespace midstream::net
