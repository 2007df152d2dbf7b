// VLANs and routers around the switch: every frame that it makes or changes wears the tag of where it
// goes, and what goes to a client goes where the client's own frames come from.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 150;
constexpr uint16_t kVideo = 5 << 13, kCritical = 3 << 13;  // priorities (IEEE 802.1Q table I-1)

void fail_over(SwitchedWorld& world) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  const bool cut = GENERATE(false, true);
  if (cut) {
    world.a().host().cut_off();
  } else {
    world.a().die(Death::kFin);
  }
  CHECK(world.client().await(cseq));
  CHECK(world.client().await_packets(0, 2 * kSomePackets));
  CHECK(world.client().await(world.client().request("OPTIONS")));
}

void check_moved(SwitchedWorld& world) {
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().server_to == "b");
}

TEST_CASE("client and servers share a VLAN, each with a priority of its own") {
  WorldOptions options;
  options.ipv6 = GENERATE(false, true);
  options.client_place.vlan = 10;
  options.a_place.vlan = 10 | kVideo;
  options.b_place.vlan = 10 | kCritical;
  SwitchedWorld world(options);
  fail_over(world);
  check_moved(world);
  // Media keep the priority that their server gave them; what the switch says itself has the client's.
  CHECK(world.client_host().seen_tags() ==
        std::set<uint16_t>{10, uint16_t{10 | kVideo}, uint16_t{10 | kCritical}});
}

// b stands in a network of its own, and a router on the clients' side leads from there to the client.
WorldOptions b_elsewhere() {
  WorldOptions options;
  options.b_place = {"10.98.0.3", {}, "10.98.0.1"};
  return options;
}

TEST_CASE("client and first server are tagged, the second server is not") {
  WorldOptions options = b_elsewhere();
  options.client_place.vlan = options.a_place.vlan = 10;
  SwitchedWorld world(options);
  Host& gateway = world.add_host("gateway", {"10.98.0.1", {}, {}}, world.clients);
  Host& foot = world.add_host("foot", {"10.99.0.1", 10, {}}, world.clients);
  gateway.route_to(foot);
  fail_over(world);
  check_moved(world);
  CHECK(world.client_host().seen_tags() == std::set<uint16_t>{10});
  CHECK(world.b().host().seen_tags() == std::set<uint16_t>{0});
}

TEST_CASE("client and first server are not tagged, the second server is") {
  WorldOptions options = b_elsewhere();
  options.b_place.vlan = 20;
  SwitchedWorld world(options);
  Host& gateway = world.add_host("gateway", {"10.98.0.1", 20, {}}, world.clients);
  Host& foot = world.add_host("foot", {"10.99.0.1", {}, {}}, world.clients);
  gateway.route_to(foot);
  fail_over(world);
  check_moved(world);
  CHECK(world.client_host().seen_tags() == std::set<uint16_t>{0});
  CHECK(world.b().host().seen_tags() == std::set<uint16_t>{20});
}

// A client behind a router that has a foot in each of the servers' VLANs.
struct RoutedWorld : SwitchedWorld {
  static WorldOptions options() {
    WorldOptions o = b_elsewhere();
    o.client_is_behind_a_router = true;
    o.client_place = {"10.97.0.10", {}, "10.97.0.1"};
    o.a_place = {"10.99.0.2", 10, "10.99.0.1"};
    o.b_place.vlan = 20;
    return o;
  }
  RoutedWorld() : SwitchedWorld(options()) { router = build_router("r1"); }

  struct Router {
    Host *inner, *to_a, *to_b;
  };
  Router build_router(const std::string& name) {
    Router r;
    r.inner = &add_host(name, {"10.97.0.1", {}, {}}, behind);
    r.to_a = &add_host(name + "-a", {"10.99.0.1", 10, {}}, clients);
    r.to_b = &add_host(name + "-b", {"10.98.0.1", 20, {}}, clients);
    r.inner->route_to(*r.to_a);  // the client talks to a's address only
    r.to_a->route_to(*r.inner);
    r.to_b->route_to(*r.inner);
    return r;
  }
  void unplug(const Router& r) {
    for (Host* foot : {r.inner, r.to_a, r.to_b}) foot->cut_off();
  }
  Router router;
};

TEST_CASE("a client behind a router, servers in two VLANs") {
  RoutedWorld world;
  fail_over(world);
  check_moved(world);
  CHECK(world.b().host().seen_tags() == std::set<uint16_t>{20});
}

TEST_CASE("several clients behind one router") {
  RoutedWorld world;
  Host& other_host = world.add_host("other", {"10.97.0.11", {}, "10.97.0.1"}, world.behind);
  ClientOptions options;
  options.server = {kServerA, 554};
  RtspClient other(other_host, options);
  REQUIRE(world.client().begin());
  REQUIRE(other.begin());
  REQUIRE(other.await_packets(0, kSomePackets));
  world.a().die(Death::kReset);
  CHECK(world.run_to_the_end());
  world.run_for(500ms);
  check_contract(world);
  CHECK(world.dut.events().size() == 2);
  CHECK(other.connection_events() == std::vector{TcpEvent::kConnected});
  CHECK(other.tracks()[0].rtp.size() == world.a().movie().tracks[0].units.size());
}

TEST_CASE("the client's router is replaced, before or after the failover") {
  RoutedWorld world;
  const bool before = GENERATE(true, false);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  if (!before) {
    world.a().die(Death::kReset);
    REQUIRE(world.client().await_packets(0, 2 * kSomePackets));
  }
  world.unplug(world.router);
  world.build_router("r2");
  world.client_host().forget_arp();
  world.a().host().forget_arp();
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  if (before) world.a().die(Death::kReset);
  const size_t so_far = world.client().tracks()[0].rtp.size();
  CHECK(world.client().await_packets(0, so_far + kSomePackets / 3));
  CHECK(world.client().await(world.client().request("OPTIONS")));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  // Between the plug and the client's next word, some packets went to the router that was there.
  const Expectation gap{.media_may_be_lost = true};
  CHECK(check_rtp(world, gap) == Findings{});
  CHECK(check_media(world, gap) == Findings{});
  CHECK(world.dut.events().size() == 1);
}

TEST_CASE("two tags: the connection passes, unprotected and counted") {
  SwitchedWorld world;
  Host& client = world.client_host();
  const MacAddress nobody{{2, 9, 9, 9, 9, 9}};  // so that it is flooded, and seen
  tcp::Segment syn;
  syn.source_port = 41000;
  syn.destination_port = 554;
  syn.flags.syn = true;
  std::array<uint8_t, 60> bytes;
  const size_t size = tcp::write_segment(syn, bytes);
  Frame frame(128);
  frame.resize(net::build_tcp_frame(frame, {client.mac(), nobody, true, 10}, client.address(),
                                    world.a().host().address(), Bytes(bytes).first(size)));
  const Frame outer{0x88, 0xa8, 0, 7};
  frame.insert(frame.begin() + 12, outer.begin(), outer.end());
  Frame arrived;
  world.servers.attach("tap", false, [&](const Frame& f) {
    if (f.size() == frame.size()) arrived = f;
  });
  client.send_frame(frame);
  world.run_for(10ms);
  CHECK(arrived == frame);
  CHECK(world.dut.stats().unprotected[static_cast<size_t>(rtsp::Unprotected::kDoubleTagged)] == 1);
  CHECK(world.dut.stats().connections == 0);
}

}  // namespace
}  // namespace midstream::scenario
