#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

// From a router 10.0.0.9 (fd00::9) to 10.0.0.1 (fd00::1): type, code 0, no checksum, and a quote.
Frame icmp4(uint8_t type, const Frame& quote) {
  Frame packet = hex("4500 0000 0000 0000 40 01 0000 0a000009 0a000001") +
                 Frame{type, 0, 0, 0, 0, 0, 0, 0} + quote;
  store_be16(&packet[2], static_cast<uint16_t>(packet.size()));
  return kEthernet4 + packet;
}

Frame icmp6(uint8_t type, const Frame& quote) {
  Frame packet = hex("60000000 0000 3a 40 fd000000000000000000000000000009"
                     "fd000000000000000000000000000001") +
                 Frame{type, 0, 0, 0, 0, 0, 0, 0} + quote;
  store_be16(&packet[4], static_cast<uint16_t>(packet.size() - 40));
  return kEthernet6 + packet;
}

bool parse(const Frame& frame, QuotedFlow& out) {
  return parse_icmp_error(frame, parse_packet(frame), out);
}

bool is_error(const Frame& frame) {
  QuotedFlow flow;
  return parse(frame, flow);
}

}  // namespace

TEST_CASE("an ICMP error names the flow that it is about") {
  struct Case {
    Frame frame;
    bool is_tcp;
    const char* source;
    const char* destination;
  };
  const auto c = GENERATE(values<Case>({
      {icmp4(3, kUdp4), false, "10.0.0.1:6970", "10.0.0.2:5000"},
      {icmp4(3, kTcp4), true, "10.0.0.1:554", "10.0.0.2:49152"},
      {icmp6(1, kUdp6), false, "[fd00::1]:6970", "[fd00::2]:5000"},
      {icmp6(2, kTcp6), true, "[fd00::1]:554", "[fd00::2]:49152"},
      // Only the header and eight bytes are quoted (RFC 792), of a packet that was longer.
      {icmp4(11, prefix(kTcp4, 28)), true, "10.0.0.1:554", "10.0.0.2:49152"},
      {icmp4(3, prefix(kUdp4, 24)), false, "10.0.0.1:6970", "10.0.0.2:5000"},
      {icmp6(3, prefix(kTcp6, 48)), true, "[fd00::1]:554", "[fd00::2]:49152"},
  }));
  QuotedFlow flow;
  REQUIRE(parse(c.frame, flow));
  CHECK(flow.is_tcp == c.is_tcp);
  CHECK(to_string(flow.source) == c.source);
  CHECK(to_string(flow.destination) == c.destination);
}

TEST_CASE("only the error types quote a flow") {
  for (unsigned type = 0; type < 256; ++type) {
    INFO("type " << type);
    const auto t = static_cast<uint8_t>(type);
    CHECK(is_error(icmp4(t, kUdp4)) == (type == 3 || type == 4 || type == 11 || type == 12));
    CHECK(is_error(icmp6(t, kUdp6)) == (type >= 1 && type <= 4));
  }
}

TEST_CASE("a quote that ends before its ports names no flow") {
  for (size_t n = 0; n < 24; ++n) CHECK_FALSE(is_error(icmp4(3, prefix(kUdp4, n))));
  for (size_t n = 0; n < 44; ++n) CHECK_FALSE(is_error(icmp6(1, prefix(kUdp6, n))));
}

TEST_CASE("no strict prefix of the frame passes for the error") {
  for (const Frame& whole : {icmp4(3, kUdp4), icmp6(1, kTcp6)}) {
    for (size_t n = 0; n < whole.size(); ++n) {
      INFO("bytes: " << n);
      CHECK_FALSE(is_error(prefix(whole, n)));
    }
  }
}

TEST_CASE("ports are looked for only where the quoted packet has them") {
  Frame first_fragment = kUdp4, later_fragment = kUdp4, igmp = kUdp4, short_length = kUdp4;
  first_fragment[6] = 0x20;
  later_fragment[7] = 0x01;
  igmp[9] = 2;
  short_length[3] = 23;  // the packet itself ended before its ports
  CHECK(is_error(icmp4(3, first_fragment)));
  CHECK_FALSE(is_error(icmp4(3, later_fragment)));
  CHECK_FALSE(is_error(icmp4(3, igmp)));
  CHECK_FALSE(is_error(icmp4(3, short_length)));
}

TEST_CASE("a quoted IPv6 packet may have extension headers") {
  struct Case {
    uint8_t first;
    Frame headers;
    bool found;
  };
  const auto c = GENERATE(values<Case>({
      {0, hex("11 00 010400000000"), true},
      {44, hex("11 00 0001 00000007"), true},
      {44, hex("11 00 0101 00000007"), false},
      {43, hex("11 00 04 01 00000000"), false},
  }));
  Frame quote = prefix(kUdp6, 40) + c.headers + Frame(kUdp6.begin() + 40, kUdp6.end());
  quote[5] = static_cast<uint8_t>(quote[5] + c.headers.size());
  quote[6] = c.first;
  QuotedFlow flow;
  REQUIRE(parse(icmp6(1, quote), flow) == c.found);
  if (c.found) CHECK(flow.source.port == 6970);
}

TEST_CASE("an ICMP error quotes its own IP version") {
  CHECK_FALSE(is_error(icmp4(3, kUdp6)));
  CHECK_FALSE(is_error(icmp6(1, kUdp4)));
}

TEST_CASE("what is not ICMP is no ICMP error") {
  CHECK_FALSE(is_error(kEthernet4 + kUdp4));
  CHECK_FALSE(is_error({}));
}

TEST_CASE("an ICMP error says what was not reached, or what would have passed") {
  struct Case {
    bool v4;
    uint8_t type, code;
    uint32_t word;
    bool unreachable;
    uint16_t path_mtu;
  };
  const auto c = GENERATE(values<Case>({
      {true, 3, 0, 0, false, 0},  // net: a matter of routes
      {true, 3, 1, 0, true, 0},
      {true, 3, 3, 1400, true, 0},
      {true, 3, 4, 1400, false, 1400},
      {true, 3, 4, 0, false, 576},  // a router from before RFC 1191
      {true, 11, 0, 1400, false, 0},
      {false, 1, 4, 0, true, 0},
      {false, 2, 0, 1280, false, 1280},
      {false, 2, 0, 100'000, false, 65535},
      {false, 3, 0, 1280, false, 0},
  }));
  Frame frame = c.v4 ? icmp4(c.type, kTcp4) : icmp6(c.type, kTcp6);
  const size_t l4 = parse_packet(frame).l4_offset;
  frame[l4 + 1] = c.code;
  store_be32(&frame[l4 + 4], c.word);
  QuotedFlow flow;
  REQUIRE(parse(frame, flow));
  CHECK(flow.unreachable == c.unreachable);
  CHECK(flow.path_mtu == c.path_mtu);
  CHECK(flow.sequence == TcpSequence(0xfffffffe));
}

TEST_CASE("an ICMP error is told in other terms, with good checksums") {
  const bool v4 = GENERATE(true, false);
  const bool tcp = GENERATE(true, false);
  const bool short_quote = GENERATE(true, false);
  Frame quote = v4 ? (tcp ? kTcp4 : kUdp4) : (tcp ? kTcp6 : kUdp6);
  if (short_quote) quote = prefix(quote, v4 ? 28 : 48);
  Frame frame = v4 ? icmp4(3, quote) : icmp6(1, quote);
  const Address router = *parse_address(v4 ? "10.0.0.9" : "fd00::9");
  const Address told = *parse_address(v4 ? "10.0.7.7" : "fd00::7:7");
  QuotedFlow flow;
  REQUIRE(parse(frame, flow));
  flow.source = {told, 8554};
  flow.destination.port = 4242;
  flow.sequence = TcpSequence(77);
  rewrite_icmp_error(frame, parse_packet(frame), router, told, flow);

  const Packet packet = parse_packet(frame);
  CHECK(packet.source.address == router);
  CHECK(packet.destination.address == told);
  QuotedFlow again;
  REQUIRE(parse(frame, again));
  CHECK(again.source == flow.source);
  CHECK(again.destination == flow.destination);
  if (tcp) CHECK(again.sequence == flow.sequence);
  if (!tcp) CHECK(load_be16(&frame[size_t{packet.l4_offset} + (v4 ? 32 : 52)]) == 13);  // its length

  const Frame message(frame.begin() + packet.l4_offset, frame.end());
  if (v4) {
    CHECK(plain_checksum(Frame(frame.begin() + 14, frame.begin() + 34)) == 0);
    CHECK(plain_checksum(Frame(message.begin() + 8, message.begin() + 28)) == 0);
    CHECK(plain_checksum(message) == 0);
  } else {
    const Frame pseudo = Frame(frame.begin() + 22, frame.begin() + 54) + Frame{0, 0} +
                         Frame{frame[18], frame[19]} + Frame{0, 0, 0, 58};
    CHECK(plain_checksum(pseudo + message) == 0);
  }
}

}  // namespace midstream::net
