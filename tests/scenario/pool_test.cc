// The pool behind a transparent service: while the server whose address it is is down, new clients play
// from another one under that address; when it is back, new clients are its own again.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct OtherClient {
  OtherClient(SwitchedWorld& world, const std::string& address)
      : host(world.add_host("other", address, true)), rtsp(host, options(world)) {}
  static ClientOptions options(const World& world) {
    ClientOptions options;
    options.server = world.dialled();
    return options;
  }
  Host& host;
  RtspClient rtsp;
};

TEST_CASE("a's process is down: a new client plays from b under a's address") {
  SwitchedWorld world;
  world.a().die(Death::kFin);
  world.run_for(500ms);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().sessions().size() == 1);
  CHECK(world.dut.events().size() == 0);  // nothing failed over: it began there
  CHECK(world.client_host().seen_macs().at(kServerA) == std::set{world.a().host().mac()});
  CHECK(world.b().host().seen_macs().at(kClientAddress) == std::set{world.client_host().mac()});
}

TEST_CASE("a's host is cut off: the client finds a's address and plays from b") {
  SwitchedWorld world;
  world.a().host().cut_off();
  world.run_for(3s);
  REQUIRE(world.client().begin());
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().sessions().size() == 1);
  CHECK(world.client_host().seen_macs().at(kServerA) == std::set{world.a().host().mac()});
}

TEST_CASE("everything else for a's host is bridged while its service is down") {
  SwitchedWorld world;
  Host& a = world.a().host();
  world.a().die(Death::kFin);
  world.run_for(500ms);
  REQUIRE(world.client().begin());
  std::string heard;
  a.bind_udp(9, [&](Endpoint, Bytes bytes) { heard = as_text(bytes); });
  world.client_host().send_udp(1234, {a.address(), 9}, as_bytes("hello"));
  world.client_host().ping(a.address());
  TcpPeer& elsewhere = world.client_host().connect(41000, {a.address(), 80}, {});
  world.run_for(100ms);
  CHECK(heard == "hello");
  CHECK(world.client_host().pings_answered() == 1);
  CHECK(elsewhere.over());  // refused by a's own kernel
}

TEST_CASE("a is back: new clients are its own again, byte for byte, and b keeps those it has") {
  SwitchedWorld world;
  world.a().die(Death::kFin);
  world.run_for(500ms);
  REQUIRE(world.client().begin());
  world.run_for(1s);
  world.a().start();
  world.run_for(1s);
  OtherClient other(world, "10.99.0.20");
  REQUIRE(other.rtsp.begin());
  REQUIRE(other.rtsp.await_packets(0, 100));
  CHECK(world.a().sessions().back().id == other.rtsp.session_id());
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().sessions().size() == 1);
  CHECK(world.dut.events().size() == 0);
  CHECK(other.host.heard_from() == std::set<Address>{kServerA});
}

TEST_CASE("a session that began at b fails over to the next server, or to a that is back") {
  WorldOptions options;
  options.servers = 3;
  SwitchedWorld world(options);
  world.a().die(Death::kFin);
  world.run_for(500ms);
  REQUIRE(world.client().begin());
  const bool a_returns = GENERATE(false, true);
  if (a_returns) {
    world.a().start();
    world.run_for(1s);
  }
  REQUIRE(world.client().await_packets(0, 150));
  world.b().die(Death::kReset);
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().server_from == "b");
  CHECK(world.dut.events().newest().server_to == (a_returns ? "a" : "c"));
}

TEST_CASE("nobody can stand in for a: its own host tells the client") {
  WorldOptions options;
  options.servers = 1;
  SwitchedWorld world(options);
  world.a().die(Death::kFin);
  world.run_for(500ms);
  CHECK_FALSE(world.client().connect());
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kRefused});
  CHECK(world.dut.drops(Drop::kNoServer) == 0);
}

}  // namespace
}  // namespace midstream::scenario
