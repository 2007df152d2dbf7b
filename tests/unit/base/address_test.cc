#include "lib/base/address.h"

#include <catch2/catch.hpp>
#include <set>

namespace midstream {

TEST_CASE("an IPv4 address is carried mapped, and printed as IPv4") {
  const Address address = Address::v4(0x0a000001);
  CHECK(address.octets ==
        std::array<uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1});
  CHECK(address.is_v4());
  CHECK(address.v4_value() == 0x0a000001);
  CHECK(load_be32(address.v4_octets()) == 0x0a000001);
  CHECK(to_string(address) == "10.0.0.1");
}

TEST_CASE("0.0.0.0 is an IPv4 address; only the empty one is unspecified") {
  CHECK(Address::v4(0).is_v4());
  CHECK_FALSE(Address::v4(0).is_unspecified());
  CHECK(Address{}.is_unspecified());
  CHECK_FALSE(Address{}.is_v4());
}

TEST_CASE("addresses survive text") {
  for (const char* text : {"10.0.0.1", "255.255.255.255", "0.0.0.0", "fd00::1", "::", "::1",
                           "2001:db8:1:2:3:4:5:6", "fe80::a00:27ff:fe4e:66a1"}) {
    INFO(text);
    const auto address = parse_address(text);
    REQUIRE(address);
    CHECK(to_string(*address) == text);
    CHECK(address->is_v4() == (std::string_view(text).find('.') != std::string_view::npos));
  }
}

TEST_CASE("what is not exactly an address is refused") {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "10.0.0"sv, "10.0.0.256"sv, "10.0.0.1 "sv, " 10.0.0.1"sv, "10.0.0.01"sv, "10.0.0.1:554"sv,
        "10.0.0.1/24"sv, "fd00::1::2"sv, "[fd00::1]"sv, "fd00::1%eth0"sv, "server"sv, "10.0.0.1\0"sv,
        "::ffff:10.0.0.1"sv, "::ffff:a00:1"sv,
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:b"sv}) {
    INFO(text);
    CHECK_FALSE(parse_address(text));
  }
}

TEST_CASE("a prefix contains what shares its bits, in its own family") {
  struct Case {
    const char* prefix;
    const char* address;
    bool contained;
  };
  const auto c = GENERATE(values<Case>({
      {"10.99.0.254/24", "10.99.0.1", true},
      {"10.99.0.254/24", "10.99.1.1", false},
      {"10.0.0.0/9", "10.127.255.255", true},
      {"10.0.0.0/9", "10.128.0.0", false},
      {"10.0.0.1/32", "10.0.0.1", true},
      {"10.0.0.1/32", "10.0.0.0", false},
      {"0.0.0.0/0", "192.0.2.1", true},
      {"0.0.0.0/0", "fd00::1", false},
      {"fd00::1/64", "fd00::ffff:1", true},
      {"fd00::1/64", "fd00:0:0:1::1", false},
      {"fd00::1/127", "fd00::", true},
      {"fd00::1/128", "fd00::", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "10.0.0.1", false},
  }));
  INFO(c.prefix << " and " << c.address);
  const auto prefix = parse_prefix(c.prefix);
  REQUIRE(prefix);
  CHECK(prefix->contains(*parse_address(c.address)) == c.contained);
}

TEST_CASE("a prefix keeps its host bits and counts its length of 128 bits") {
  const auto prefix = parse_prefix("10.99.0.254/24");
  REQUIRE(prefix);
  CHECK(to_string(prefix->address) == "10.99.0.254");
  CHECK(prefix->length == 120);
  CHECK(parse_prefix("fd00::1/64")->length == 64);
}

TEST_CASE("what is not exactly a prefix is refused") {
  for (const char* text : {"", "/", "10.0.0.1", "10.0.0.1/", "/24", "10.0.0.1/33", "10.0.0.1/-1",
                           "10.0.0.1/+8", "10.0.0.1/24 ", "10.0.0.1/2a", "10.0.0.1/256", "10.0.0.1/280",
                           "fd00::1/129", "fd00::1/", "10.0.0/24"}) {
    INFO(text);
    CHECK_FALSE(parse_prefix(text));
  }
}

TEST_CASE("endpoints and Ethernet addresses print as people write them") {
  CHECK(to_string(Endpoint{*parse_address("10.0.0.1"), 554}) == "10.0.0.1:554");
  CHECK(to_string(Endpoint{*parse_address("fd00::1"), 65535}) == "[fd00::1]:65535");
  CHECK(to_string(MacAddress{{0x02, 0x00, 0x5e, 0x00, 0x0a, 0xff}}) == "02:00:5e:00:0a:ff");
}

TEST_CASE("group and zero Ethernet addresses are told from a host's") {
  CHECK(kBroadcastMac.is_group());
  CHECK(MacAddress{{0x01, 0x00, 0x5e, 0, 0, 1}}.is_group());
  CHECK_FALSE(MacAddress{{0x02, 0, 0, 0, 0, 1}}.is_group());
  CHECK(MacAddress{}.is_zero());
  CHECK_FALSE(MacAddress{{0, 0, 0, 0, 0, 1}}.is_zero());
}

TEST_CASE("endpoints have an order, by address, then by port") {
  const Endpoint a{Address::v4(1), 2}, b{Address::v4(1), 3}, c{Address::v4(2), 1};
  CHECK(std::set<Endpoint>{c, b, a} == std::set<Endpoint>{a, b, c});
  CHECK(a < b);
  CHECK(b < c);
}

}  // namespace midstream
