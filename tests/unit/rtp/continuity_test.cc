#include "lib/rtp/continuity.h"

#include <catch2/catch.hpp>
#include <vector>

namespace midstream::rtp {
namespace {

constexpr uint32_t kSsrcA = 0xAAAAAAAA, kSsrcB = 0xBBBBBBBB, kSsrcC = 0xCCCCCCCC;

using Packet = std::vector<uint8_t>;

Packet make(uint32_t ssrc, uint8_t type, uint16_t sequence, uint32_t timestamp) {
  Packet packet = {0x80, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'x', 'y'};
  write_header(packet, {type, RtpSequence(sequence), RtpTimestamp(timestamp), ssrc});
  return packet;
}

// Sends a packet of the server through; false if it is dropped.
bool pass(Continuity& continuity, Packet& packet) {
  auto header = parse_header(packet);
  REQUIRE(header);
  if (!continuity.to_client(packet, *header)) return false;
  const auto written = parse_header(packet);  // the packet and the header say the same
  CHECK(written->payload_type == header->payload_type);
  CHECK(written->sequence_number == header->sequence_number);
  CHECK(written->timestamp == header->timestamp);
  CHECK(written->ssrc == header->ssrc);
  continuity.on_forwarded(*header, header->payload_bytes);
  return true;
}

TEST_CASE("continuity: before a failover nothing is touched") {
  Continuity continuity;
  CHECK_FALSE(continuity.has_client_ssrc());
  const Packet original = make(kSsrcA, 96, 65535, 0xFFFFFFFF);
  Packet packet = original;
  CHECK(pass(continuity, packet));
  CHECK(packet == original);
  CHECK_FALSE(continuity.active());
  CHECK(continuity.client_ssrc() == kSsrcA);
  CHECK(continuity.forwarded_packets() == 1);
  CHECK(continuity.sequence_to_client(RtpSequence(7)) == RtpSequence(7));
}

TEST_CASE("continuity: a chain of servers is one stream to the client") {
  Continuity continuity;
  Packet packet = make(kSsrcA, 96, 65534, 0xFFFFFFF0);
  pass(continuity, packet);

  // B's 100 continues A's 65534, its 5000 is A's 0xFFFFFFF0 + 0x20.
  continuity.switch_server({CutMethod::kContent, static_cast<uint16_t>(65535 - 100), 0x10u - 5000},
                           kSsrcB, uint8_t{97});
  CHECK(continuity.active());
  packet = make(kSsrcB, 97, 100, 5000);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcA, 96, 65535, 0x10));
  packet = make(kSsrcB, 97, 101, 5032);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcA, 96, 0, 0x30));
  CHECK(continuity.sequence_to_client(RtpSequence(102)) == RtpSequence(1));
  CHECK(continuity.timestamp_to_client(RtpTimestamp(5064)) == RtpTimestamp(0x50));

  // C names neither SSRC nor payload type: its first packet does.
  continuity.switch_server({CutMethod::kContent, static_cast<uint16_t>(1 - 65535), 0x50u - 9},
                           std::nullopt, std::nullopt);
  packet = make(kSsrcC, 33, 65535, 9);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcA, 96, 1, 0x50));
  packet = make(kSsrcC, 13, 0, 10);  // another payload type of the stream stays what it is
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcA, 13, 2, 0x51));
  CHECK(continuity.forwarded_packets() == 5);
}

TEST_CASE("continuity: another SSRC than the server's is dropped and left alone") {
  Continuity continuity;
  Packet packet = make(kSsrcA, 96, 1, 1);
  pass(continuity, packet);
  continuity.switch_server({CutMethod::kContent, 0, 0}, kSsrcB, std::nullopt);
  const Packet late = make(kSsrcA, 96, 2, 2);
  packet = late;
  CHECK_FALSE(pass(continuity, packet));
  CHECK(packet == late);
  CHECK(continuity.forwarded_packets() == 1);
}

TEST_CASE("continuity: if A sent nothing, B's SSRC is the client's") {
  Continuity continuity;
  continuity.switch_server({CutMethod::kKeyframe, 0, 0}, std::nullopt, std::nullopt);
  Packet packet = make(kSsrcB, 97, 5, 6);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcB, 97, 5, 6));
  continuity.switch_server({CutMethod::kContent, 5, 10}, kSsrcC, uint8_t{98});
  packet = make(kSsrcC, 98, 1, 2);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcB, 97, 6, 12));
}

TEST_CASE("continuity: if A sent nothing, its description's payload type is the client's") {
  Continuity continuity;
  continuity.announce_client_payload_type(96);
  continuity.switch_server({CutMethod::kKeyframe, 0, 0}, std::nullopt, std::nullopt);
  Packet packet = make(kSsrcB, 101, 5, 6);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcB, 96, 5, 6));
}

TEST_CASE("continuity: what A sent counts more than what its description said") {
  Continuity continuity;
  Packet packet = make(kSsrcA, 98, 1, 2);
  CHECK(pass(continuity, packet));
  continuity.announce_client_payload_type(96);
  continuity.switch_server({CutMethod::kContent, 0, 0}, std::nullopt, std::nullopt);
  packet = make(kSsrcB, 101, 2, 3);
  CHECK(pass(continuity, packet));
  CHECK(packet == make(kSsrcA, 98, 2, 3));
}

}  // namespace
}  // namespace midstream::rtp
