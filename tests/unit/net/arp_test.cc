#include <array>
#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

// Who has 10.0.0.2? Tell 10.0.0.1.
const Frame kRequest = kMacs + hex("0806"
                                   "0001 0800 06 04 0001"
                                   "020000000001 0a000001"
                                   "000000000000 0a000002");

const NeighbourMessage kQuestion{.is_request = true,
                           .sender_mac = {{2, 0, 0, 0, 0, 1}},
                           .sender = *parse_address("10.0.0.1"),
                           .target_mac = {},
                           .target = *parse_address("10.0.0.2")};
const LinkHeader kLink{.source = {{2, 0, 0, 0, 0, 1}}, .destination = {{2, 0, 0, 0, 0, 2}}};

}  // namespace

TEST_CASE("an ARP request is read") {
  NeighbourMessage message;
  REQUIRE(parse_arp(kRequest, parse_packet(kRequest), message));
  CHECK(message.is_request);
  CHECK(message.sender_mac == kQuestion.sender_mac);
  CHECK(message.sender == kQuestion.sender);
  CHECK(message.target_mac.is_zero());
  CHECK(message.target == kQuestion.target);
}

TEST_CASE("an ARP message is written as it is read, tagged or not, request or reply") {
  for (const bool tagged : {false, true}) {
    for (const bool is_request : {false, true}) {
      LinkHeader link = kLink;
      link.tagged = tagged;
      link.vlan_tci = 7;
      NeighbourMessage message = kQuestion;
      message.is_request = is_request;
      message.target_mac = {{2, 0, 0, 0, 0, 9}};
      std::array<uint8_t, 64> out;
      const size_t size = build_arp_frame(out, link, message);
      REQUIRE(size == (tagged ? 46 : 42));
      const Bytes frame = Bytes(out).first(size);
      const Packet packet = parse_packet(frame);
      CHECK(packet.vlan_tags == (tagged ? 1 : 0));
      NeighbourMessage again;
      REQUIRE(parse_arp(frame, packet, again));
      CHECK(again.is_request == is_request);
      CHECK(again.sender_mac == message.sender_mac);
      CHECK(again.sender == message.sender);
      CHECK(again.target_mac == message.target_mac);
      CHECK(again.target == message.target);
    }
  }
}

TEST_CASE("an ARP request comes out byte for byte") {
  std::array<uint8_t, 42> out;
  REQUIRE(build_arp_frame(out, kLink, kQuestion) == 42);
  CHECK(Frame(out.begin(), out.end()) == kRequest);
}

TEST_CASE("padding behind an ARP message does not matter") {
  const Frame padded = kRequest + Frame(18, 0);
  NeighbourMessage message;
  CHECK(parse_arp(padded, parse_packet(padded), message));
}

TEST_CASE("no strict prefix of an ARP message passes") {
  for (size_t n = 0; n < kRequest.size(); ++n) {
    INFO("bytes: " << n);
    const Frame frame = prefix(kRequest, n);
    NeighbourMessage message;
    CHECK_FALSE(parse_arp(frame, parse_packet(frame), message));
  }
}

TEST_CASE("ARP for anything but IPv4 over Ethernet, or with another operation, is refused") {
  const auto at = GENERATE(15, 16, 17, 18, 19, 20, 21);
  Frame frame = kRequest;
  frame[at] = 8;
  NeighbourMessage message;
  const bool same = kRequest[at] == 8;  // the byte says that already
  CHECK(parse_arp(frame, parse_packet(frame), message) == same);
}

TEST_CASE("an IP packet is no ARP message") {
  const Frame frame = kEthernet4 + kUdp4;
  NeighbourMessage message;
  CHECK_FALSE(parse_arp(frame, parse_packet(frame), message));
}

TEST_CASE("ARP is not written for IPv6, nor into too little room") {
  std::array<uint8_t, 64> out;
  NeighbourMessage message = kQuestion;
  message.target = *parse_address("fd00::2");
  CHECK(build_arp_frame(out, kLink, message) == 0);
  CHECK(build_arp_frame(MutableBytes(out).first(41), kLink, kQuestion) == 0);
}

}  // namespace midstream::net
