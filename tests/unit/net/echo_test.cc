#include <catch2/catch.hpp>

#include "lib/net/packet.h"
#include "tests/unit/net/frames.h"

namespace midstream::net {

namespace {

const MacAddress kOwn{{2, 0, 0, 0, 0, 9}};

// 10.0.0.1 pings 10.0.0.2, five bytes of data.
const Frame kPing4 =
    hex("4500 0021 1234 4000 05 01 4fa6 0a000001 0a000002"
        "08 00 bd20 1111 0007 6162636465");
const Frame kPong4 =
    hex("4500 0021 1234 4000 40 01 14a6 0a000002 0a000001"
        "00 00 c520 1111 0007 6162636465");
// fd00::1 pings fd00::2.
const Frame kPing6 =
    hex("60000000 000d 3a 05 fd000000000000000000000000000001 fd000000000000000000000000000002"
        "80 00 4ad4 1111 0007 6162636465");
const Frame kPong6 =
    hex("60000000 000d 3a 40 fd000000000000000000000000000002 fd000000000000000000000000000001"
        "81 00 49d4 1111 0007 6162636465");

bool answer(Frame& frame) { return answer_echo(frame, parse_packet(frame), kOwn); }

}  // namespace

TEST_CASE("an echo request becomes its reply, in place") {
  Frame frame = kEthernet4 + kPing4;
  REQUIRE(answer(frame));
  CHECK(frame == hex("020000000001 020000000009 0800") + kPong4);

  frame = kEthernet6 + kPing6;
  REQUIRE(answer(frame));
  CHECK(frame == hex("020000000001 020000000009 86dd") + kPong6);
}

TEST_CASE("the checksums of the examples are right by RFC 1071's own rule") {
  CHECK(plain_checksum(prefix(kPong4, 20)) == 0);
  CHECK(plain_checksum(Frame(kPing4.begin() + 20, kPing4.end())) == 0);
  CHECK(plain_checksum(Frame(kPong4.begin() + 20, kPong4.end())) == 0);
  const auto sum6 = [](const Frame& packet) {  // RFC 4443 2.3, with RFC 8200 8.1's pseudo header
    return plain_checksum(Frame(packet.begin() + 8, packet.begin() + 40) + hex("0000000d 0000003a") +
                          Frame(packet.begin() + 40, packet.end()));
  };
  CHECK(sum6(kPing6) == 0);
  CHECK(sum6(kPong6) == 0);
}

TEST_CASE("a reply stays in the request's VLAN, padding and all") {
  Frame frame = kMacs + hex("8100 6007 0800") + kPing4 + Frame(10);
  REQUIRE(answer(frame));
  CHECK(frame == hex("020000000001 020000000009 8100 6007 0800") + kPong4 + Frame(10));
}

TEST_CASE("a damaged request makes a damaged reply, so that somebody notices") {
  Frame frame = kEthernet4 + kPing4;
  frame.back() ^= 1;
  REQUIRE(answer(frame));
  CHECK(plain_checksum(Frame(frame.begin() + 34, frame.end())) != 0);
}

TEST_CASE("what is no echo request is left alone") {
  Frame reply = kEthernet4 + kPong4;
  Frame unreachable = kEthernet4 + kPing4;
  unreachable[34] = 3;
  Frame other_code = kEthernet4 + kPing4;
  other_code[35] = 1;
  Frame udp = kEthernet4 + kUdp4;
  Frame request_of_the_other_kind = kEthernet6 + kPing6;
  request_of_the_other_kind[54] = 8;
  Frame shorter = kEthernet4 + prefix(kPing4, 27);
  shorter[14 + 3] = 27;
  for (Frame frame : {reply, unreachable, other_code, udp, request_of_the_other_kind, shorter}) {
    const Frame before = frame;
    CHECK_FALSE(answer(frame));
    CHECK(frame == before);
  }
}

TEST_CASE("no prefix of a request is answered, or read beyond its end") {
  const Frame whole = kEthernet4 + kPing4;
  for (size_t size = 0; size < whole.size(); ++size) {
    Frame frame = prefix(whole, size);
    CHECK_FALSE(answer(frame));
  }
}

}  // namespace midstream::net
