#include <array>
#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

Address ip(const char* text) { return *parse_address(text); }

// Who has fd00::2? fd00::1 at 02:00:00:00:00:01 asks its solicited node.
const NeighbourMessage kQuestion{.is_request = true,
                                 .sender_mac = {{2, 0, 0, 0, 0, 1}},
                                 .sender = ip("fd00::1"),
                                 .target_mac = {},
                                 .target = ip("fd00::2")};
const NeighbourMessage kAnswer{.is_request = false,
                               .sender_mac = {{2, 0, 0, 0, 0, 2}},
                               .sender = ip("fd00::2"),
                               .target_mac = {{2, 0, 0, 0, 0, 1}},
                               .target = ip("fd00::1")};

Frame build(const NeighbourMessage& message, const MacAddress& destination) {
  Frame out(128);
  out.resize(
      build_neighbour_frame(out, {.source = message.sender_mac, .destination = destination}, message));
  return out;
}

Frame question() { return build(kQuestion, kBroadcastMac); }
Frame answer() { return build(kAnswer, {{2, 0, 0, 0, 0, 1}}); }

bool parse(const Frame& frame, NeighbourMessage& out) {
  return parse_neighbour(frame, parse_packet(frame), out);
}
bool is_read(const Frame& frame) {
  NeighbourMessage message;
  return parse(frame, message);
}

// The checksum anew, after a test has changed something else.
Frame repaired(Frame frame) {
  store_be16(&frame[56], 0);
  const Frame pseudo = Frame(frame.begin() + 22, frame.begin() + 54) + Frame{0, 0} +
                       Frame{frame[18], frame[19]} + Frame{0, 0, 0, 58} +
                       Frame(frame.begin() + 54, frame.end());
  store_be16(&frame[56], plain_checksum(pseudo));
  return frame;
}

void set_address(Frame& frame, size_t offset, const Address& address) {
  std::copy(address.octets.begin(), address.octets.end(), frame.begin() + offset);
}

}  // namespace

TEST_CASE("a solicitation comes out byte for byte") {
  CHECK(question() ==
        hex("3333ff000002 020000000001 86dd"
            "60000000 0020 3a ff fd000000000000000000000000000001 ff0200000000000000000001ff000002"
            "87 00 7d97 00000000 fd000000000000000000000000000002"
            "01 01 020000000001"));
}

TEST_CASE("a solicited advertisement comes out byte for byte") {
  CHECK(answer() ==
        hex("020000000001 020000000002 86dd"
            "60000000 0020 3a ff fd000000000000000000000000000002 fd000000000000000000000000000001"
            "88 00 1c9a 60000000 fd000000000000000000000000000002"
            "02 01 020000000002"));
}

TEST_CASE("the checksums of the frames above are right") {
  CHECK(repaired(question()) == question());
  CHECK(repaired(answer()) == answer());
}

TEST_CASE("neighbour messages are read as they were written, tagged or not") {
  for (const bool tagged : {false, true}) {
    for (const NeighbourMessage& message : {kQuestion, kAnswer}) {
      Frame out(128);
      out.resize(
          build_neighbour_frame(out,
                                {.source = message.sender_mac,
                                 .destination = message.is_request ? kBroadcastMac : message.target_mac,
                                 .tagged = tagged,
                                 .vlan_tci = 0xa00a},
                                message));
      CHECK(out.size() == (tagged ? 90 : 86));
      NeighbourMessage again;
      REQUIRE(parse(out, again));
      CHECK(again.is_request == message.is_request);
      CHECK(again.sender == message.sender);
      CHECK(again.sender_mac == message.sender_mac);
      CHECK(again.target == message.target);
      if (!message.is_request) CHECK(again.target_mac == message.target_mac);
    }
  }
}

TEST_CASE("a probe goes to the one that is probed") {
  const Frame probe = build(kQuestion, {{2, 0, 0, 0, 0, 2}});
  const Packet packet = parse_packet(probe);
  CHECK(packet.destination.address == kQuestion.target);
  CHECK(packet.destination_mac == MacAddress{{2, 0, 0, 0, 0, 2}});
  CHECK(is_read(probe));
}

TEST_CASE("without a link-layer option the frame's own address stands") {
  for (Frame frame : {question(), answer()}) {
    frame.resize(frame.size() - 8);
    frame[19] = 24;
    frame[11] = 0x77;  // of the Ethernet source
    NeighbourMessage message;
    REQUIRE(parse(repaired(frame), message));
    CHECK(message.sender_mac == MacAddress{{2, 0, 0, 0, 0, 0x77}});
  }
}

TEST_CASE("unknown options are stepped over") {
  Frame frame = question();
  const Frame nonce = hex("0e 01 010203040506");  // RFC 3971 5.3.2
  frame.insert(frame.begin() + 78, nonce.begin(), nonce.end());
  frame[19] = 40;
  NeighbourMessage message;
  REQUIRE(parse(repaired(frame), message));
  CHECK(message.sender_mac == kQuestion.sender_mac);
}

TEST_CASE("a host that asks whether its address is free is answered to all nodes") {
  Frame frame = question();
  frame.resize(frame.size() - 8);
  frame[19] = 24;
  set_address(frame, 22, {});
  NeighbourMessage message;
  REQUIRE(parse(repaired(frame), message));
  CHECK(message.sender.is_unspecified());
  CHECK(message.sender_mac == kQuestion.sender_mac);  // of the frame

  const Frame defence =
      build({false, {{2, 0, 0, 0, 0, 2}}, message.target, message.sender_mac, message.sender},
            message.sender_mac);
  const Packet packet = parse_packet(defence);
  CHECK(packet.destination.address == ip("ff02::1"));
  CHECK(packet.destination_mac == MacAddress{{0x33, 0x33, 0, 0, 0, 1}});
  CHECK((defence[58] & 0x40) == 0);  // RFC 4861 7.2.4: not solicited
  CHECK(is_read(defence));
}

TEST_CASE("a message that RFC 4861 7.1 forbids is refused") {
  Frame frame = question();
  const std::string what =
      GENERATE("hop limit", "checksum", "code", "type", "target", "option length 0", "option too long",
               "free, with an option", "free, to one host");
  INFO(what);
  if (what == "hop limit") frame[21] = 254;
  if (what == "code") frame[55] = 1;
  if (what == "type") frame[54] = 137;
  if (what == "target") set_address(frame, 62, ip("ff02::1"));
  if (what == "option length 0") frame[79] = 0;
  if (what == "option too long") frame[79] = 2;
  if (what == "free, with an option") set_address(frame, 22, {});
  if (what == "free, to one host") {
    set_address(frame, 22, {});
    set_address(frame, 38, ip("fd00::2"));
    frame.resize(frame.size() - 8);
    frame[19] = 24;
  }
  frame = repaired(frame);
  if (what == "checksum") frame[85] ^= 1;
  CHECK_FALSE(is_read(frame));
}

TEST_CASE("an advertisement to a group must not be solicited") {
  Frame frame = answer();
  set_address(frame, 38, ip("ff02::1"));
  CHECK_FALSE(is_read(repaired(frame)));
  frame[58] = 0x20;
  CHECK(is_read(repaired(frame)));
}

TEST_CASE("no strict prefix of a neighbour message passes") {
  for (const Frame& whole : {question(), answer()}) {
    for (size_t n = 0; n < whole.size(); ++n) {
      INFO("bytes: " << n);
      CHECK_FALSE(is_read(prefix(whole, n)));
    }
  }
}

TEST_CASE("ARP is a neighbour message too") {
  const NeighbourMessage arp{true, {{2, 0, 0, 0, 0, 1}}, ip("10.0.0.1"), {}, ip("10.0.0.2")};
  const Frame frame = build(arp, kBroadcastMac);
  CHECK(parse_packet(frame).kind == PacketKind::kArp);
  NeighbourMessage message;
  REQUIRE(parse(frame, message));
  CHECK(message.target == arp.target);
}

TEST_CASE("families are not mixed, and too little room is refused") {
  NeighbourMessage mixed = kQuestion;
  mixed.target = ip("10.0.0.2");
  CHECK(build(mixed, kBroadcastMac).empty());
  std::array<uint8_t, 85> out;
  CHECK(build_neighbour_frame(out, {}, kQuestion) == 0);
}

TEST_CASE("groups have their place in the Ethernet") {
  CHECK(to_string(solicited_node(ip("fd00::12:3456:789a"))) == "ff02::1:ff56:789a");
  CHECK(to_string(multicast_mac(ip("ff02::1:ff56:789a"))) == "33:33:ff:56:78:9a");
}

}  // namespace midstream::net
