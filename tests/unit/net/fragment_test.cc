#include "lib/net/fragment.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

// A UDP datagram of `bytes`, its header counted, from port 6970 to 5000.
Frame datagram(bool v4, size_t bytes) {
  Frame payload(bytes - 8);
  std::iota(payload.begin(), payload.end(), uint8_t{0});
  const char* source = v4 ? "10.0.0.1" : "fd00::1";
  const char* destination = v4 ? "10.0.0.2" : "fd00::2";
  Frame out(bytes + 100);
  out.resize(build_udp_frame(out, {.source = {{2, 0, 0, 0, 0, 1}}, .destination = {{2, 0, 0, 0, 0, 2}}},
                             {*parse_address(source), 6970}, {*parse_address(destination), 5000},
                             payload));
  return out;
}

std::vector<Frame> cut(const Frame& frame, const FragmentSize& size) {
  std::vector<Frame> pieces;
  size_t position = 0;
  Frame out(2048);
  while (const size_t n = write_fragment(frame, parse_packet(frame), size, position, out))
    pieces.push_back(prefix(out, n));
  return pieces;
}

}  // namespace

TEST_CASE("the example of the header") {
  const bool v4 = GENERATE(true, false);
  const Frame frame = datagram(v4, 3000);
  const std::vector<Frame> pieces = cut(frame, {1500, 0x12345678});
  REQUIRE(pieces.size() == 3);
  const size_t headers = v4 ? 20 : 48, full = v4 ? 1480 : 1448;
  Frame together;
  for (size_t i = 0; i < 3; ++i) {
    const Frame& piece = pieces[i];
    const Packet packet = parse_packet(piece);
    Fragment fragment;
    REQUIRE(parse_fragment(piece, packet, fragment));
    CHECK(fragment.header_bytes == headers);
    CHECK(fragment.identification == (v4 ? 0x5678 : 0x12345678));
    CHECK(fragment.protocol == 17);
    CHECK(fragment.first == (i == 0));
    CHECK(fragment.source.port == (i == 0 ? 6970 : 0));
    CHECK(fragment.destination.port == (i == 0 ? 5000 : 0));
    CHECK(to_string(fragment.source.address) == (v4 ? "10.0.0.1" : "fd00::1"));
    CHECK(piece.size() - 14 - headers == (i < 2 ? full : 3000 - 2 * full));
    const uint16_t field = load_be16(&piece[v4 ? 20 : 56]);
    CHECK((v4 ? (field & 0x1fff) * 8u : field & 0xfff8u) == i * full);
    CHECK(((field & (v4 ? 0x2000 : 1)) != 0) == (i < 2));
    if (v4) CHECK(plain_checksum(Frame(piece.begin() + 14, piece.begin() + 34)) == 0);
    together.insert(together.end(), piece.begin() + 14 + headers, piece.end());
  }
  CHECK(together == Frame(frame.begin() + (v4 ? 34 : 54), frame.end()));
}

TEST_CASE("a piece that fits to the byte is the last") {
  const Frame frame = datagram(true, 1480 + 1477);
  const std::vector<Frame> pieces = cut(frame, {1500, 1});
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].size() == 14 + 20 + 1477);
}

TEST_CASE("the tag stays in front of every piece") {
  Frame frame = datagram(false, 2000);
  const Frame tag = hex("8100 a00a");
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  const std::vector<Frame> pieces = cut(frame, {1500, 1});
  REQUIRE(pieces.size() == 2);
  for (const Frame& piece : pieces) {
    CHECK(piece.size() <= 1518);
    CHECK(parse_packet(piece).vlan_tci == 0xa00a);
    CHECK(parse_packet(piece).kind == PacketKind::kFragment);
  }
}

TEST_CASE("padding is no part of a packet") {
  Frame frame = datagram(true, 40);
  frame.resize(frame.size() + 9);
  const std::vector<Frame> pieces = cut(frame, {44, 1});
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].size() == 14 + 20 + 16);
}

TEST_CASE("what cannot be cut is not") {
  CHECK(cut(datagram(true, 100), {27, 1}).empty());   // no room for eight bytes
  CHECK(cut(datagram(false, 100), {55, 1}).empty());  // the same
  Frame hop_by_hop = datagram(false, 100);
  const Frame options = hex("11 00 010400000000");
  hop_by_hop.insert(hop_by_hop.begin() + 54, options.begin(), options.end());
  hop_by_hop[19] += 8;
  hop_by_hop[20] = 0;
  REQUIRE(parse_packet(hop_by_hop).kind == PacketKind::kUdp);
  CHECK(cut(hop_by_hop, {80, 1}).empty());
  const Frame piece = cut(datagram(true, 100), {80, 1})[0];
  CHECK(cut(piece, {60, 1}).empty());
  CHECK(cut(kEthernet4, {60, 1}).empty());
}

TEST_CASE("no strict prefix of a fragment is read, and no whole packet") {
  for (const bool v4 : {true, false}) {
    const Frame whole = datagram(v4, 200);
    Fragment fragment;
    CHECK_FALSE(parse_fragment(whole, parse_packet(whole), fragment));
    const Frame piece = cut(whole, {100, 1})[0];
    for (size_t n = 0; n < piece.size(); ++n) {
      const Frame part = prefix(piece, n);
      CHECK_FALSE(parse_fragment(part, parse_packet(part), fragment));
    }
    CHECK_FALSE(parse_fragment(prefix(piece, 60), parse_packet(piece), fragment));
  }
}

TEST_CASE("an IPv6 fragment behind other extension headers is not ours to join") {
  Frame frame = cut(datagram(false, 200), {120, 1})[0];
  const Frame options = hex("2c 00 010400000000");
  frame.insert(frame.begin() + 54, options.begin(), options.end());
  frame[19] += 8;
  frame[20] = 60;
  REQUIRE(parse_packet(frame).kind == PacketKind::kFragment);
  Fragment fragment;
  CHECK_FALSE(parse_fragment(frame, parse_packet(frame), fragment));
}

}  // namespace midstream::net
