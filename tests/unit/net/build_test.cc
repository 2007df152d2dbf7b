#include <array>
#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

const LinkHeader kLink{.source = {{2, 0, 0, 0, 0, 1}}, .destination = {{2, 0, 0, 0, 0, 2}}};
const LinkHeader kTaggedLink{
    .source = kLink.source, .destination = kLink.destination, .tagged = true, .vlan_tci = 0x6005};
const Address kA4 = *parse_address("10.0.0.1"), kB4 = *parse_address("10.0.0.2");
const Address kA6 = *parse_address("fd00::1"), kB6 = *parse_address("fd00::2");
const Frame kPayload = hex("80 60 00 01 7f");
// The segment of kTcp4 and kTcp6, with a checksum that is neither's.
const Frame kSegment = hex("022a c000 fffffffe 01020304 50 18 2000 dead 0000 52545350");

using Out = std::array<uint8_t, 256>;

Frame udp(const LinkHeader& link, const Address& a, const Address& b, const Frame& payload) {
  Out out;
  const size_t size = build_udp_frame(out, link, {a, 6970}, {b, 5000}, payload);
  return Frame(out.begin(), out.begin() + size);
}

Frame tcp(const LinkHeader& link, const Address& a, const Address& b, const Frame& segment) {
  Out out;
  const size_t size = build_tcp_frame(out, link, a, b, segment);
  return Frame(out.begin(), out.begin() + size);
}

// The checksum over pseudo header and transport: 0 if the one inside is right.
uint16_t verify(const Frame& frame) {
  const Packet p = parse_packet(frame);
  const bool v4 = p.ether_type == kEtherTypeIpv4;
  const auto addresses = frame.begin() + p.l3_offset + (v4 ? 12 : 8);
  const size_t bytes = size_t{p.payload_offset} + p.payload_bytes - p.l4_offset;
  Frame sum(addresses, addresses + (v4 ? 8 : 32));
  sum = sum + Frame{0, static_cast<uint8_t>(p.kind == PacketKind::kTcp ? 6 : 17),
                    static_cast<uint8_t>(bytes >> 8), static_cast<uint8_t>(bytes)};
  sum.insert(sum.end(), frame.begin() + p.l4_offset, frame.begin() + p.l4_offset + bytes);
  return plain_checksum(sum);
}

}  // namespace

TEST_CASE("frames come out byte for byte, checksums included") {
  CHECK(udp(kLink, kA4, kB4, kPayload) == kEthernet4 + kUdp4);
  CHECK(udp(kLink, kA6, kB6, kPayload) == kEthernet6 + kUdp6);
  CHECK(tcp(kLink, kA4, kB4, kSegment) == kEthernet4 + kTcp4);
  CHECK(tcp(kLink, kA6, kB6, kSegment) == kEthernet6 + kTcp6);
}

TEST_CASE("a tagged link gets its tag") {
  CHECK(udp(kTaggedLink, kA4, kB4, kPayload) == kMacs + hex("8100 6005 0800") + kUdp4);
  CHECK(tcp(kTaggedLink, kA6, kB6, kSegment) == kMacs + hex("8100 6005 86dd") + kTcp6);
}

TEST_CASE("the header size that is announced is the one that is written") {
  CHECK(header_bytes(kLink, kA4) == 34);
  CHECK(header_bytes(kTaggedLink, kA4) == 38);
  CHECK(header_bytes(kLink, kA6) == 54);
  CHECK(header_bytes(kTaggedLink, kA6) == 58);
}

TEST_CASE("what is built parses as what was asked for") {
  const Frame frame = udp(kTaggedLink, kA6, kB6, kPayload);
  const Packet packet = parse_packet(frame);
  CHECK(packet.kind == PacketKind::kUdp);
  CHECK(packet.source_mac == kLink.source);
  CHECK(packet.destination_mac == kLink.destination);
  CHECK(packet.vlan_tci == 0x6005);
  CHECK(packet.source == Endpoint{kA6, 6970});
  CHECK(packet.destination == Endpoint{kB6, 5000});
  CHECK(prefix(frame, packet.payload_offset) + kPayload == frame);
}

TEST_CASE("a frame that does not fit is not begun") {
  for (const auto& [a, b] : {std::pair(kA4, kB4), std::pair(kA6, kB6)}) {
    const size_t udp_size = header_bytes(kLink, a) + 8 + kPayload.size();
    const size_t tcp_size = header_bytes(kLink, a) + kSegment.size();
    for (size_t room = 0; room <= udp_size; ++room) {
      Frame out(room, 0xee);
      CHECK(build_udp_frame(out, kLink, {a, 1}, {b, 2}, kPayload) == (room == udp_size ? udp_size : 0));
      if (room < udp_size) CHECK(out == Frame(room, 0xee));
    }
    for (size_t room = 0; room <= tcp_size; ++room) {
      Frame out(room, 0xee);
      CHECK(build_tcp_frame(out, kLink, a, b, kSegment) == (room == tcp_size ? tcp_size : 0));
      if (room < tcp_size) CHECK(out == Frame(room, 0xee));
    }
  }
}

TEST_CASE("IP lengths end at 65535, however large the room") {
  Frame out(70000);
  const Frame data(65536, 1);
  const auto udp_size = [&](const Address& a, const Address& b, size_t n) {
    return build_udp_frame(out, kLink, {a, 1}, {b, 2}, Bytes(data).first(n));
  };
  CHECK(udp_size(kA4, kB4, 65535 - 20 - 8) == 14 + 65535);
  CHECK(udp_size(kA4, kB4, 65535 - 20 - 8 + 1) == 0);
  CHECK(udp_size(kA6, kB6, 65535 - 8) == 14 + 40 + 65535);
  CHECK(udp_size(kA6, kB6, 65535 - 8 + 1) == 0);
}

TEST_CASE("addresses of two families make no frame, nor does half a TCP header") {
  CHECK(udp(kLink, kA4, kB6, kPayload).empty());
  CHECK(tcp(kLink, kA6, kB4, kSegment).empty());
  CHECK(tcp(kLink, kA4, kB4, prefix(kSegment, 19)).empty());
}

TEST_CASE("a UDP checksum of zero is sent as all ones") {
  const Frame frame4 = udp(kLink, kA4, kB4, hex("bd15"));
  CHECK(load_be16(&frame4[40]) == 0xffff);
  const Frame frame6 = udp(kLink, kA6, kB6, hex("d713"));
  CHECK(load_be16(&frame6[60]) == 0xffff);
}

TEST_CASE("an empty datagram is a datagram") {
  const Frame frame = udp(kLink, kA4, kB4, {});
  CHECK(frame.size() == 42);
  CHECK(verify(frame) == 0);
}

TEST_CASE("segment and payload may lie in the buffer already, before, at or behind their place") {
  for (size_t at = 0; at < 80; ++at) {
    INFO("at " << at);
    Out out{};
    std::copy(kSegment.begin(), kSegment.end(), out.begin() + at);
    size_t size = build_tcp_frame(out, kLink, kA4, kB4, Bytes(out).subspan(at, kSegment.size()));
    CHECK(Frame(out.begin(), out.begin() + size) == kEthernet4 + kTcp4);

    std::copy(kPayload.begin(), kPayload.end(), out.begin() + at);
    size =
        build_udp_frame(out, kLink, {kA6, 6970}, {kB6, 5000}, Bytes(out).subspan(at, kPayload.size()));
    CHECK(Frame(out.begin(), out.begin() + size) == kEthernet6 + kUdp6);
  }
}

TEST_CASE("checksums are right for every length, odd and even") {
  for (size_t n = 0; n < 64; ++n) {
    const Frame payload(n, static_cast<uint8_t>(0xf0 + n));
    CHECK(verify(udp(kLink, kA4, kB4, payload)) == 0);
    CHECK(verify(tcp(kLink, kA6, kB6, kSegment + payload)) == 0);
  }
}

TEST_CASE("checksums of a frame that was changed in place are made anew") {
  const auto original = GENERATE(values<Frame>({
      kEthernet4 + kUdp4, kEthernet6 + kUdp6, kEthernet4 + kTcp4, kEthernet6 + kTcp6,
      kMacs + hex("8100 6005 0800") + kTcp4,
      kEthernet4 + kUdp4 + hex("eeee"),  // padded: not summed
  }));
  Frame frame = original;
  const Packet packet = parse_packet(frame);
  refresh_checksums(frame, packet);
  CHECK(frame == original);

  frame[packet.l4_offset - 1] = 77;            // another destination address
  store_be16(&frame[packet.l4_offset], 9999);  // another source port
  frame[packet.payload_offset] ^= 0xff;
  REQUIRE(verify(frame) != 0);
  refresh_checksums(frame, packet);
  CHECK(verify(frame) == 0);
  if (packet.ether_type == kEtherTypeIpv4) {
    const auto header = frame.begin() + packet.l3_offset;
    CHECK(plain_checksum(Frame(header, header + 20)) == 0);
  }
}

TEST_CASE("IPv4 options are part of the header checksum") {
  Frame packet = prefix(kUdp4, 20) + hex("94040000") + Frame(kUdp4.begin() + 20, kUdp4.end());
  packet[0] = 0x46;
  packet[3] = static_cast<uint8_t>(packet[3] + 4);
  Frame frame = kEthernet4 + packet;
  refresh_checksums(frame, parse_packet(frame));
  CHECK(plain_checksum(Frame(frame.begin() + 14, frame.begin() + 38)) == 0);
  CHECK(verify(frame) == 0);
}

TEST_CASE("a checksum behind IPv6 extension headers is found and right") {
  Frame packet = prefix(kUdp6, 40) + hex("11 00 010400000000") + Frame(kUdp6.begin() + 40, kUdp6.end());
  packet[5] = static_cast<uint8_t>(packet[5] + 8);
  packet[6] = 0;
  Frame frame = kEthernet6 + packet;
  frame[68] = frame[69] = 0;
  refresh_checksums(frame, parse_packet(frame));
  CHECK(load_be16(&frame[68]) == 0xd7ab);  // the extension header is not summed
}

}  // namespace midstream::net
