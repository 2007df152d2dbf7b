// Before a failover nothing is changed: every frame of client and server comes out as it went in.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

TEST_CASE("a session without a failure passes byte for byte, in both directions") {
  WorldOptions options;
  options.seed = GENERATE(1u, 2u);
  options.client.cut_requests = true;
  options.movie.duration = 5s;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(1s);
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  REQUIRE(world.run_to_the_end());
  REQUIRE(world.client().await(world.client().request("TEARDOWN")));
  world.client().disconnect();
  world.run_for(1s);

  Host& client = world.client_host();
  Host& a = world.a().host();
  CHECK(frames(world, client, true, a).size() > 20);
  CHECK(frames(world, client, true, a) == frames(world, a, false, client));
  CHECK(frames(world, a, true, client) == frames(world, client, false, a));
  CHECK(world.dut.events().size() == 0);
  CHECK(world.b().sessions().empty());
}

TEST_CASE("lost, late and doubled frames pass byte for byte") {
  WorldOptions options;
  options.seed = GENERATE(range(1u, 6u));
  options.movie.duration = 4s;
  options.client.tcp.network_reorders = options.a.tcp.network_reorders = true;
  options.server_link = {.loss = 0.03, .duplication = 0.02, .reorder = 0.03};
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  world.run_for(2s);
  Host& client = world.client_host();
  Host& a = world.a().host();
  const std::vector<Frame> sent = frames(world, a, true, client);
  for (const Frame& f : frames(world, client, false, a))
    CHECK(std::ranges::find(sent, f) != sent.end());
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("ping and foreign UDP are bridged") {
  SwitchedWorld world;
  Host& a = world.a().host();
  std::string heard;
  a.bind_udp(9, [&](Endpoint, Bytes bytes) { heard = as_text(bytes); });
  world.client_host().send_udp(1234, {a.address(), 9}, as_bytes("hello"));
  world.client_host().ping(a.address());
  world.run_for(100ms);
  CHECK(heard == "hello");
  CHECK(world.client_host().pings_answered() == 1);
}

TEST_CASE("the whole contract holds over the switch without a failure") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 0);
}

}  // namespace
}  // namespace midstream::scenario
