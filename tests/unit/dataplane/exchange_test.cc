#include "dataplane/exchange.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>

namespace midstream {
namespace {

const Address kClient = Address::v4(0x0a63000a);
const Address kServer = Address::v4(0x0a630002);
const net::LinkHeader kLink{MacAddress{{2, 0, 0, 0, 0, 1}}, MacAddress{{2, 0, 0, 0, 0, 2}}};

std::optional<Address> client_of(Bytes frame, bool client_side) {
  return client_address(frame, net::parse_packet(frame), client_side);
}

TEST_CASE("the client is the source on its own side and the destination on the other") {
  std::array<uint8_t, 200> room;
  const std::array<uint8_t, 4> payload{};
  const size_t up = net::build_udp_frame(room, kLink, {kClient, 5000}, {kServer, 6970}, payload);
  CHECK(client_of(Bytes(room).first(up), true) == kClient);
  const size_t down = net::build_udp_frame(room, kLink, {kServer, 6970}, {kClient, 5000}, payload);
  CHECK(client_of(Bytes(room).first(down), false) == kClient);
}

TEST_CASE("ARP belongs to no client") {
  std::array<uint8_t, 200> room;
  const size_t size =
      net::build_arp_frame(room, kLink, {true, kLink.source, kClient, kLink.destination, kServer});
  CHECK_FALSE(client_of(Bytes(room).first(size), true));
}

TEST_CASE("one client has one owner, many clients have all workers") {
  for (const unsigned workers : {1u, 2u, 3u, 15u}) {
    std::set<unsigned> owners;
    for (uint32_t host = 0; host < 256; ++host) {
      const Address client = Address::v4(0x0a630000 + host);
      const unsigned owner = owner_of(client, workers);
      CHECK(owner == owner_of(client, workers));
      owners.insert(owner);
    }
    CHECK(owners.size() == workers);
    CHECK(*owners.rbegin() == workers - 1);
  }
}

}  // namespace
}  // namespace midstream
