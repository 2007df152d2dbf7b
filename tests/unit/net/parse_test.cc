#include <array>
#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

const Frame kTag = hex("8100 6005");         // VLAN 5, priority 3
const Frame kServiceTag = hex("88a8 0064");  // VLAN 100
const Address kA4 = *parse_address("10.0.0.1"), kB4 = *parse_address("10.0.0.2");
const Address kA6 = *parse_address("fd00::1"), kB6 = *parse_address("fd00::2");

Frame with(Frame frame, size_t at, std::initializer_list<uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), frame.begin() + at);
  return frame;
}

// kUdp6 with extension headers between, whose first has the number `first`.
Frame extended(uint8_t first, const Frame& headers) {
  Frame packet = prefix(kUdp6, 40) + headers + Frame(kUdp6.begin() + 40, kUdp6.end());
  packet[5] = static_cast<uint8_t>(packet[5] + headers.size());
  packet[6] = first;
  return kEthernet6 + packet;
}

bool inside(const Packet& p, const Frame& frame) {
  return p.l3_offset <= frame.size() && p.l4_offset <= frame.size() &&
         size_t{p.payload_offset} + p.payload_bytes <= frame.size();
}

}  // namespace

TEST_CASE("a UDP datagram over IPv4 is found, with all its places") {
  const Frame frame = kEthernet4 + kUdp4;
  const Packet packet = parse_packet(frame);
  CHECK(packet.kind == PacketKind::kUdp);
  CHECK(to_string(packet.destination_mac) == "02:00:00:00:00:02");
  CHECK(to_string(packet.source_mac) == "02:00:00:00:00:01");
  CHECK(packet.ether_type == kEtherTypeIpv4);
  CHECK(packet.vlan_tags == 0);
  CHECK(packet.l3_offset == 14);
  CHECK(packet.l4_offset == 34);
  CHECK(packet.payload_offset == 42);
  CHECK(packet.payload_bytes == 5);
  CHECK(packet.source == Endpoint{kA4, 6970});
  CHECK(packet.destination == Endpoint{kB4, 5000});
}

TEST_CASE("a TCP segment over IPv6 is found, with all its places") {
  const Frame frame = kEthernet6 + kTcp6;
  const Packet packet = parse_packet(frame);
  CHECK(packet.kind == PacketKind::kTcp);
  CHECK(packet.l4_offset == 54);
  CHECK(packet.payload_offset == 74);
  CHECK(packet.payload_bytes == 4);
  CHECK(packet.source == Endpoint{kA6, 554});
  CHECK(packet.destination == Endpoint{kB6, 49152});
}

TEST_CASE("one or two VLAN tags move everything; a third is not ours") {
  const Packet one = parse_packet(kMacs + kTag + hex("0800") + kUdp4);
  CHECK(one.kind == PacketKind::kUdp);
  CHECK(one.vlan_tags == 1);
  CHECK(one.vlan_tci == 0x6005);
  CHECK(one.l3_offset == 18);
  CHECK(one.payload_offset == 46);

  const Packet two = parse_packet(kMacs + kServiceTag + kTag + hex("86dd") + kUdp6);
  CHECK(two.kind == PacketKind::kUdp);
  CHECK(two.vlan_tags == 2);
  CHECK(two.vlan_tci == 0x0064);
  CHECK(two.ether_type == kEtherTypeIpv6);
  CHECK(two.payload_offset == 70);

  const Packet three = parse_packet(kMacs + kServiceTag + kTag + kTag + hex("0800") + kUdp4);
  CHECK(three.kind == PacketKind::kOther);
  CHECK(three.vlan_tags == 2);
  CHECK(three.ether_type == kEtherTypeVlan);
}

TEST_CASE("Ethernet padding is no payload") {
  for (const Frame& packet : {kEthernet4 + kUdp4, kEthernet6 + kTcp6}) {
    const Packet bare = parse_packet(packet);
    const Packet padded = parse_packet(packet + Frame(20, 0));
    CHECK(padded.kind == bare.kind);
    CHECK(padded.payload_bytes == bare.payload_bytes);
  }
}

TEST_CASE("IPv4 options lie between the header and the transport") {
  const Frame options = hex("94040000 01010101");  // router alert, no-operations
  Frame packet = prefix(kUdp4, 20) + options + Frame(kUdp4.begin() + 20, kUdp4.end());
  packet[0] = 0x47;
  packet[3] = static_cast<uint8_t>(packet[3] + options.size());
  const Packet parsed = parse_packet(kEthernet4 + packet);
  CHECK(parsed.kind == PacketKind::kUdp);
  CHECK(parsed.l4_offset == 42);
  CHECK(parsed.source.port == 6970);
  CHECK(parsed.payload_bytes == 5);
}

TEST_CASE("TCP options are no payload") {
  Frame packet = prefix(kTcp4, 40) + hex("01010101") + Frame(kTcp4.begin() + 40, kTcp4.end());
  packet[3] = static_cast<uint8_t>(packet[3] + 4);
  packet[32] = 0x60;
  const Packet parsed = parse_packet(kEthernet4 + packet);
  CHECK(parsed.kind == PacketKind::kTcp);
  CHECK(parsed.payload_offset == 58);
  CHECK(parsed.payload_bytes == 4);
}

TEST_CASE("IPv6 extension headers are skipped where what follows them is plain") {
  struct Case {
    const char* what;
    uint8_t first;
    Frame headers;
    PacketKind kind;
  };
  const Frame kOptions = hex("11 00 010400000000");
  const auto c = GENERATE_COPY(values<Case>({
      {"hop-by-hop", 0, kOptions, PacketKind::kUdp},
      {"destination options", 60, kOptions, PacketKind::kUdp},
      {"options of 16 bytes", 0, hex("11 01 010c000000000000000000000000"), PacketKind::kUdp},
      {"hop-by-hop, then destination", 0, hex("3c 00 010400000000") + kOptions, PacketKind::kUdp},
      {"routing, arrived", 43, hex("11 00 04 00 00000000"), PacketKind::kUdp},
      {"routing, on its way", 43, hex("11 00 04 01 00000000"), PacketKind::kOtherIp},
      {"first fragment", 44, hex("11 00 0001 00000007"), PacketKind::kFragment},
      {"later fragment", 44, hex("11 00 0100 00000007"), PacketKind::kFragment},
      {"fragment of one", 44, hex("11 00 0000 00000007"), PacketKind::kFragment},
      {"fragment behind hop-by-hop", 0, hex("2c 00 010400000000 11 00 0001 00000007"),
       PacketKind::kFragment},
      {"encrypted", 50, kOptions, PacketKind::kOtherIp},
      {"authenticated", 51, kOptions, PacketKind::kOtherIp},
      {"nothing follows", 59, kOptions, PacketKind::kOtherIp},
      {"longer than the packet", 0, hex("11 ff 010400000000"), PacketKind::kOther},
  }));
  INFO(c.what);
  const Packet packet = parse_packet(extended(c.first, c.headers));
  CHECK(packet.kind == c.kind);
  const bool known = c.kind != PacketKind::kOther;
  CHECK(packet.source.address == (known ? kA6 : Address{}));
  CHECK(packet.destination.address == (known ? kB6 : Address{}));
  CHECK(packet.source.port == (c.kind == PacketKind::kUdp ? 6970 : 0));
  if (c.kind == PacketKind::kUdp) {
    CHECK(packet.l4_offset == 54 + c.headers.size());
    CHECK(packet.payload_bytes == 5);
  }
}

TEST_CASE("any IPv4 fragment has addresses and no ports") {
  struct Case {
    std::array<uint8_t, 2> field;
    PacketKind kind;
  };
  const auto [field, kind] = GENERATE(values<Case>({
      {{0x20, 0x00}, PacketKind::kFragment},  // the first
      {{0x20, 0x10}, PacketKind::kFragment},
      {{0x00, 0x10}, PacketKind::kFragment},  // the last
      {{0x1f, 0xff}, PacketKind::kFragment},
      {{0x40, 0x00}, PacketKind::kUdp},  // do not fragment
      {{0x80, 0x00}, PacketKind::kUdp},  // the evil bit (RFC 3514)
      {{0x00, 0x00}, PacketKind::kUdp},
  }));
  const Packet packet = parse_packet(kEthernet4 + with(kUdp4, 6, {field[0], field[1]}));
  CHECK(packet.kind == kind);
  CHECK(packet.source.address == kA4);
  CHECK(packet.destination.address == kB4);
  CHECK((packet.source.port == 0) == (kind == PacketKind::kFragment));
}

TEST_CASE("a length that contradicts the frame makes it none of ours") {
  struct Case {
    const char* what;
    Frame frame;
  };
  const auto c = GENERATE(values<Case>({
      {"IPv4 total length one too long", with(kEthernet4 + kUdp4, 16, {0x00, 0x22})},
      {"IPv4 total length shorter than its header", with(kEthernet4 + kUdp4, 16, {0x00, 0x13})},
      {"IPv4 header shorter than five words", with(kEthernet4 + kUdp4, 14, {0x44})},
      {"IPv4 header longer than the packet", with(kEthernet4 + kUdp4, 14, {0x4f})},
      {"IPv6 payload length one too long", with(kEthernet6 + kUdp6, 18, {0x00, 0x0e})},
      {"IPv4 header of version 6", with(kEthernet4 + kUdp4, 14, {0x65})},
      {"IPv6 header of version 4", with(kEthernet6 + kUdp6, 14, {0x40})},
      {"TCP header shorter than five words", with(kEthernet4 + kTcp4, 46, {0x40})},
      {"TCP header longer than the packet", with(kEthernet4 + kTcp4, 46, {0x70})},
      {"no room for a TCP header", with(kEthernet4 + kTcp4, 16, {0x00, 0x27})},
      {"UDP length one too long", with(kEthernet4 + kUdp4, 38, {0x00, 0x0e})},
      {"UDP length shorter than its header", with(kEthernet4 + kUdp4, 38, {0x00, 0x07})},
      {"no room for a UDP header", with(kEthernet4 + kUdp4, 16, {0x00, 0x1b})},
  }));
  INFO(c.what);
  const Packet packet = parse_packet(c.frame);
  CHECK(packet.kind == PacketKind::kOther);
  CHECK(packet.source == Endpoint{});
  CHECK(packet.payload_bytes == 0);
  CHECK_FALSE(packet.source_mac.is_zero());  // it is still bridged
}

TEST_CASE("a UDP datagram may end before its IP packet") {
  const Packet packet = parse_packet(with(kEthernet4 + kUdp4, 38, {0x00, 0x0a}));
  CHECK(packet.kind == PacketKind::kUdp);
  CHECK(packet.payload_bytes == 2);
}

TEST_CASE("IPv6 addresses that would pass for IPv4 ones are refused") {
  const auto at = GENERATE(8, 24);  // source, destination
  const Frame mapped =
      with(kEthernet6 + kUdp6, 14 + at, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1});
  CHECK(parse_packet(mapped).kind == PacketKind::kOther);
}

TEST_CASE("ICMP belongs to its own IP version") {
  struct Case {
    Frame ethernet, packet;
    uint8_t protocol;
    PacketKind kind;
  };
  const auto c = GENERATE(values<Case>({
      {kEthernet4, kUdp4, 1, PacketKind::kIcmp},
      {kEthernet4, kUdp4, 58, PacketKind::kOtherIp},
      {kEthernet6, kUdp6, 58, PacketKind::kIcmp},
      {kEthernet6, kUdp6, 1, PacketKind::kOtherIp},
      {kEthernet4, kUdp4, 2, PacketKind::kOtherIp},    // IGMP
      {kEthernet6, kUdp6, 132, PacketKind::kOtherIp},  // SCTP
  }));
  Frame frame = c.ethernet + c.packet;
  frame[14 + (c.packet == kUdp4 ? 9 : 6)] = c.protocol;
  const Packet packet = parse_packet(frame);
  CHECK(packet.kind == c.kind);
  CHECK(packet.source.port == 0);
  CHECK(packet.source.address == (c.packet == kUdp4 ? kA4 : kA6));
  if (c.kind == PacketKind::kIcmp) {
    CHECK(packet.payload_offset == packet.l4_offset + 4);
    CHECK(packet.payload_bytes == 9);
  }
}

TEST_CASE("other protocols keep their Ethernet type") {
  CHECK(parse_packet(kMacs + hex("0806") + Frame(28, 0)).kind == PacketKind::kArp);
  const Packet lldp = parse_packet(kMacs + hex("88cc 0207"));
  CHECK(lldp.kind == PacketKind::kOther);
  CHECK(lldp.ether_type == 0x88cc);
}

TEST_CASE("a frame beyond 64 KiB is not looked into") {
  CHECK(parse_packet(kEthernet4 + kUdp4 + Frame(65535 - 47, 0)).kind == PacketKind::kUdp);
  CHECK(parse_packet(kEthernet4 + kUdp4 + Frame(65535 - 46, 0)).kind == PacketKind::kOther);
}

TEST_CASE("no strict prefix of a packet passes for it") {
  const auto frame = GENERATE(values<Frame>({
      kEthernet4 + kUdp4,
      kEthernet4 + kTcp4,
      kEthernet6 + kUdp6,
      kEthernet6 + kTcp6,
      kMacs + kServiceTag + kTag + hex("0800") + kTcp4,
      extended(0, hex("3c 00 010400000000 2b 00 010400000000 11 00 04 00 00000000")),
      extended(44, hex("11 00 0001 00000007")),
  }));
  REQUIRE(parse_packet(frame).kind != PacketKind::kOther);
  for (size_t n = 0; n < frame.size(); ++n) {
    INFO("bytes: " << n);
    const Packet packet = parse_packet(prefix(frame, n));
    CHECK(packet.kind == PacketKind::kOther);
    CHECK(inside(packet, prefix(frame, n)));
  }
}

TEST_CASE("whatever one byte says, every place stays inside the frame") {
  const auto original = GENERATE(values<Frame>({
      kEthernet4 + kTcp4,
      kEthernet6 + kTcp6,
      extended(0, hex("3c 00 010400000000 2b 00 010400000000 11 00 04 00 00000000")),
  }));
  for (size_t at = 12; at < original.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      const Frame frame = with(original, at, {static_cast<uint8_t>(value)});
      if (!inside(parse_packet(frame), frame)) FAIL("byte " << at << " as " << value);
    }
  }
}

}  // namespace midstream::net
