// The same over IPv6: addresses in headers and texts, neighbour discovery in place of ARP.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;

WorldOptions ipv6() {
  WorldOptions options;
  options.ipv6 = true;
  return options;
}

void check_resumed(const SwitchedWorld& world) {
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK(world.dut.events().newest().server_to == "b");
}

TEST_CASE("IPv6: a session without a failure is not touched") {
  SwitchedWorld world(ipv6());
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("IPv6: the server's process is killed") {
  WorldOptions options = ipv6();
  options.seed = GENERATE(from_range(seeds(4)));
  options.client.cut_requests = true;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.a().die(how);
  CHECK(world.client().await(cseq));
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(world);
}

TEST_CASE("IPv6: the server's host is cut off") {
  SwitchedWorld world(ipv6());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(world);
}

TEST_CASE("IPv6: the server freezes, and thaws later") {
  SwitchedWorld world(ipv6());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().freeze();
  world.run_for(2s);
  world.a().thaw();
  CHECK(world.run_to_the_end());
  check_contract(world);
  check_resumed(world);
}

TEST_CASE("IPv6: the server says BYE and closes in the middle of the movie") {
  SwitchedWorld world(ipv6());
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().shut_down();
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE(
    "IPv6: while the server's host is dead, the client's solicitations are answered in its name") {
  SwitchedWorld world(ipv6());
  Host& client = world.client_host();
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().host().cut_off();
  world.run_for(1500ms);  // neighbour discovery has noticed, too

  SECTION("asked of all") {
    client.forget_arp();
    CHECK(world.client().await(world.client().request("GET_PARAMETER")));
  }
  SECTION("a probe of the one that it knows") {
    const size_t before = client.advertisements();
    client.probe(world.a().host().address());
    world.run_for(10ms);
    CHECK(client.advertisements() == before + 1);
  }
  CHECK(world.run_to_the_end());
  check_contract(world);  // one Ethernet address for one server
}

TEST_CASE("IPv6: a host that lives answers its solicitations itself") {
  SwitchedWorld world(ipv6());
  Host& client = world.client_host();
  REQUIRE(world.client().begin());
  const size_t before = client.advertisements();
  client.probe(world.a().host().address());
  client.forget_arp();
  client.ping(world.a().host().address());
  world.run_for(100ms);
  CHECK(client.pings_answered() == 1);
  CHECK(client.advertisements() == before + 2);
  CHECK(world.dut.drops(Drop::kAnswered) == 0);
}

TEST_CASE("IPv6: the switch answers solicitations for its own address, also from a link-local one") {
  SwitchedWorld world(ipv6());
  Host& neighbour = world.add_host("neighbour", "fe80::77", GENERATE(true, false));
  neighbour.ping(kDeviceAddress6);  // its question comes first
  world.run_for(10ms);
  CHECK(neighbour.advertisements() == 1);
}

TEST_CASE("IPv6: any moment, any cutting") {
  WorldOptions options = ipv6();
  options.seed = GENERATE(from_range(seeds(10)));
  options.client.cut_requests = true;
  options.client_link.jitter = options.server_link.jitter = 300us;
  SwitchedWorld world(options);
  INFO("seed " << options.seed);
  REQUIRE(world.client().begin());
  world.run_for(std::chrono::microseconds(world.random.between(20'000, 5'000'000)));
  if (options.seed % 2 == 0) {
    world.a().host().cut_off();
  } else {
    world.a().die(Death::kReset);
  }
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
