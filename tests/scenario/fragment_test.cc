// Media in IP fragments: followed, failed over and cut again; and what is nobody's business passes.
#include "lib/net/fragment.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 150;

WorldOptions large_packets() {
  WorldOptions options;
  options.ipv6 = GENERATE(false, true);
  options.movie.most_bytes = 5000;
  options.a.personality.packet_bytes = options.b.personality.packet_bytes = 5000;
  return options;
}

// Fragments that `host` sent or got.
std::vector<Frame> fragments(const World& world, const Host& host, bool sent, const Address& peer) {
  std::vector<Frame> found;
  for (const PacketLog::Entry& e : world.log.entries()) {
    if (e.frame.empty() || e.host != host.name() || e.sent != sent) continue;
    const net::Packet p = net::parse_packet(e.frame);
    if (p.kind == net::PacketKind::kFragment && (sent ? p.destination : p.source).address == peer)
      found.push_back(e.frame);
  }
  return found;
}

TEST_CASE("fragments of a followed stream come out as they went in") {
  SwitchedWorld world(large_packets());
  REQUIRE(world.client().begin());
  REQUIRE(world.run_to_the_end());
  check_contract(world);
  Host& a = world.a().host();
  const auto sent = fragments(world, a, true, world.client_host().address());
  CHECK(sent.size() > 100);
  CHECK(fragments(world, world.client_host(), false, a.address()) == sent);
  CHECK(world.dut.drops(Drop::kFragments) == 0);
}

TEST_CASE("a stream of fragments fails over") {
  WorldOptions options = large_packets();
  SwitchedWorld world(options);
  const bool last_first = GENERATE(false, true);  // as Linux once sent them
  world.a().host().send_last_fragment_first(last_first);
  world.b().host().send_last_fragment_first(last_first);
  if (GENERATE(false, true)) world.b().host().set_mtu(1300);  // a tunnel in its way
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  const size_t before = world.client_host().fragments_received();
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.client_host().fragments_received() > before + 100);
  CHECK(world.client_host().largest_received() <= 1500);
  CHECK(world.dut.drops(Drop::kTooLarge) == 0);
}

TEST_CASE("pieces after the failover are no larger than the new server's were") {
  WorldOptions options = large_packets();
  SwitchedWorld world(options);
  world.a().host().set_mtu(1280);
  world.b().host().set_mtu(1280);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_contract(world);
  for (const Frame& f : fragments(world, world.client_host(), false, world.a().host().address()))
    CHECK(f.size() <= 1280 + 14);
}

TEST_CASE("a lost fragment is one lost packet, and what waits for it goes away") {
  WorldOptions options = large_packets();
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  REQUIRE(world.client().await_packets(0, kSomePackets + 20));
  int left = 12;
  world.b().host().lose_sent([&left](const Frame& f) {
    return net::parse_packet(f).kind == net::PacketKind::kFragment && left > 0 && left-- % 3 == 0;
  });
  CHECK(world.run_to_the_end());
  const Expectation lossy{.media_may_be_lost = true};
  CHECK(check_connection(world, lossy) == Findings{});
  CHECK(check_rtp(world, lossy) == Findings{});
  CHECK(check_media(world, lossy) == Findings{});
  size_t missing = 0;
  for (const auto& track : world.client().tracks()) {
    const auto& rtp = track.rtp;
    for (size_t i = 1; i < rtp.size(); ++i)
      missing += static_cast<uint16_t>(rtp[i].packet.sequence - rtp[i - 1].packet.sequence) - 1u;
  }
  CHECK(missing > 0);
  CHECK(missing <= 4);
}

TEST_CASE("fragments of foreign datagrams pass as they came, however many they are") {
  WorldOptions options;
  options.ipv6 = GENERATE(false, true);
  SwitchedWorld world(options);
  Host& client = world.client_host();
  Host& a = world.a().host();
  REQUIRE(world.client().begin());
  std::string heard;
  a.bind_udp(2049, [&](Endpoint, Bytes bytes) { heard = as_text(bytes); });
  const bool last_first = GENERATE(false, true);
  client.send_last_fragment_first(last_first);
  const std::string text(last_first ? 9000 : 30000, 'n');  // a file server's
  client.send_udp(700, {a.address(), 2049}, as_bytes(text));
  world.run_for(100ms);
  CHECK(heard == text);
  auto sent = fragments(world, client, true, a.address());
  auto got = fragments(world, a, false, client.address());
  std::ranges::sort(sent);
  std::ranges::sort(got);
  CHECK(sent == got);
}

TEST_CASE("half fragments do not fill the switch") {
  SwitchedWorld world;
  Host& a = world.a().host();
  Host& client = world.client_host();
  REQUIRE(world.client().begin());
  a.send_last_fragment_first(true);
  a.lose_sent([](const Frame& f) {
    net::Fragment fragment;
    return net::parse_fragment(f, net::parse_packet(f), fragment) && fragment.first;
  });
  const std::string text(4000, 'x');
  for (int i = 0; i < 500; ++i) {
    a.send_udp(2049, {client.address(), 700}, as_bytes(text));
    world.run_for(1ms);
  }
  CHECK(world.dut.drops(Drop::kFragments) > 100);  // beyond the bound
  a.lose_sent([](const Frame&) { return false; });
  world.run_for(1100ms);
  std::string heard;
  client.bind_udp(701, [&](Endpoint, Bytes bytes) { heard = as_text(bytes); });
  a.send_udp(2049, {client.address(), 701}, as_bytes(text));
  world.run_for(10ms);
  CHECK(heard == text);
}

}  // namespace
}  // namespace midstream::scenario
