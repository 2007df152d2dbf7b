// ICMP errors about the packets of a session that has moved: each end hears what is about its own
// packets, in its own terms, and nobody hears of the others'.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct TcpFrame {
  Frame frame;
  net::Packet packet;
  tcp::Segment segment;
};

// TCP frames with data that `host` sent or got, to or from `peer`, in order.
std::vector<TcpFrame> tcp_data(const World& world, Host& host, bool sent, const Address& peer) {
  std::vector<TcpFrame> found;
  for (const PacketLog::Entry& e : world.log.entries()) {
    if (e.frame.empty() || e.host != host.name() || e.sent != sent) continue;
    TcpFrame f{e.frame, net::parse_packet(e.frame), {}};
    const net::Packet& p = f.packet;
    if (p.kind != net::PacketKind::kTcp || (sent ? p.destination : p.source).address != peer) continue;
    const size_t bytes = size_t{p.payload_offset} - p.l4_offset + p.payload_bytes;
    if (tcp::parse_segment(Bytes(f.frame).subspan(p.l4_offset, bytes), f.segment) &&
        !f.segment.payload.empty())
      found.push_back(f);
  }
  return found;
}

// "That was too big, `mtu` would pass", of a packet that came; or "nobody is there".
Frame too_big(const TcpFrame& about, uint16_t mtu) {
  const bool v4 = about.packet.ether_type == net::kEtherTypeIpv4;
  Frame message = v4 ? Frame{3, 4, 0, 0, 0, 0, 0, 0} : Frame{2, 0, 0, 0, 0, 0, 0, 0};
  store_be16(&message[6], mtu);
  message.insert(message.end(), about.frame.begin() + about.packet.l3_offset,
                 about.frame.begin() + about.packet.l4_offset + 8);
  return message;
}

struct MovedWorld : SwitchedWorld {
  explicit MovedWorld(const WorldOptions& options) : SwitchedWorld(options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 150));
    a().die(Death::kFin);
    REQUIRE(client().await(client().request("GET_PARAMETER")));
    REQUIRE(client().await_packets(0, 200));
    REQUIRE(client().await(client().request("OPTIONS")));
  }
  Host& b_host() { return b().host(); }
  Address a_address() { return a().host().address(); }
};

WorldOptions with_family() {
  WorldOptions options;
  options.ipv6 = GENERATE(false, true);
  return options;
}

TEST_CASE("\"too big\" from the client's side reaches the new server, about its own packet") {
  MovedWorld world(with_family());
  const TcpFrame got = tcp_data(world, world.client_host(), false, world.a_address()).back();
  world.client_host().send_icmp(world.a_address(), too_big(got, 1300));
  world.run_for(10ms);

  REQUIRE(world.b_host().icmp_errors().size() == 1);
  const net::QuotedFlow& error = world.b_host().icmp_errors()[0];
  CHECK(error.source == Endpoint{world.b_host().address(), 554});
  CHECK(error.destination == Endpoint{world.client_host().address(), 40000});
  CHECK(error.path_mtu == 1300);
  const auto sent = tcp_data(world, world.b_host(), true, world.client_host().address());
  CHECK(std::ranges::count(sent, error.sequence,
                           [](const TcpFrame& f) { return f.segment.sequence; }) == 1);
  CHECK(got.segment.sequence != error.sequence);  // it was in other terms
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("\"too big\" about media reaches the new server, about its own port") {
  MovedWorld world(with_family());
  const ReceivedRtp& got = world.client().tracks()[1].rtp.back();
  // The client's own port is closed for a moment: the host complains by itself.
  world.client_host().unbind_udp(world.client().tracks()[1].rtp_port);
  world.run_for(100ms);
  REQUIRE_FALSE(world.b_host().icmp_errors().empty());
  const net::QuotedFlow& error = world.b_host().icmp_errors()[0];
  CHECK_FALSE(error.is_tcp);
  CHECK(error.source.address == world.b_host().address());
  CHECK(error.source.port == world.b().newest_session()->sender->tracks()[1].server_rtp);
  CHECK(error.source.port != got.source.port);
  CHECK(error.destination.port == world.client().tracks()[1].rtp_port);
}

TEST_CASE("\"too big\" from the server's side reaches the client in its terms") {
  MovedWorld world(with_family());
  const TcpFrame got = tcp_data(world, world.b_host(), false, world.client_host().address()).back();
  const bool by_b = GENERATE(true, false);
  Host& teller =
      by_b ? world.b_host()
           : world.add_host("router", address_of(9, world.a_address().is_v4() == false), false);
  teller.send_icmp(world.client_host().address(), too_big(got, 1300));
  world.run_for(3s);  // the router has to ask for the client first

  REQUIRE(world.client_host().icmp_errors().size() == 1);
  const net::QuotedFlow& error = world.client_host().icmp_errors()[0];
  CHECK(error.source == Endpoint{world.client_host().address(), 40000});
  CHECK(error.destination == Endpoint{world.a_address(), 554});
  const auto sent = tcp_data(world, world.client_host(), true, world.a_address());
  CHECK(std::ranges::count(sent, error.sequence,
                           [](const TcpFrame& f) { return f.segment.sequence; }) == 1);
  CHECK_FALSE(world.client_host().heard_from().contains(world.b_host().address()));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("what the switch cuts itself obeys the path that it was told of") {
  MovedWorld world(with_family());
  const bool v4 = world.a_address().is_v4();
  const uint16_t mtu = v4 ? 600 : 1280;
  TcpFrame got = tcp_data(world, world.client_host(), false, world.a_address()).back();
  const bool guessed = GENERATE(false, true);
  if (guessed) store_be32(&got.frame[got.packet.l4_offset + 4u], 12345);  // nothing that is on its way
  // The answer has left, and the client has acknowledged none of it.
  world.client_host().lose_received([](const Frame&) { return true; });
  const uint32_t cseq =
      world.client().request("DESCRIBE", "Accept: application/sdp\r\n", world.client().url());
  world.run_for(20ms);
  const auto outstanding = tcp_data(world, world.b_host(), true, world.client_host().address()).back();
  REQUIRE(outstanding.frame.size() > 600);
  world.client_host().lose_received([](const Frame&) { return false; });
  const TcpSequence unacknowledged = got.segment.end();
  if (!guessed) store_be32(&got.frame[got.packet.l4_offset + 4u], unacknowledged.value());
  const size_t before = world.log.entries().size();
  world.client_host().send_icmp(world.a_address(), too_big(got, mtu));
  CHECK(world.client().await(cseq));

  size_t largest = 0;
  for (size_t i = before; i < world.log.entries().size(); ++i) {
    const PacketLog::Entry& e = world.log.entries()[i];
    if (e.host != "client" || e.sent || e.frame.empty()) continue;
    if (net::parse_packet(e.frame).kind == net::PacketKind::kTcp)
      largest = std::max(largest, e.frame.size() - 14);
  }
  if (v4) CHECK((largest <= mtu) == !guessed);
  CHECK(largest <= 1500);
  CHECK(world.run_to_the_end());
}

TEST_CASE("nothing of the server that was left reaches the client, errors neither") {
  MovedWorld world(with_family());
  const auto to_a = tcp_data(world, world.a().host(), false, world.client_host().address());
  const uint64_t before = world.dut.drops(Drop::kFenced);
  world.a().host().send_icmp(world.client_host().address(), too_big(to_a.back(), 1300));
  Frame unreachable = too_big(to_a.back(), 0);
  unreachable[0] = world.a_address().is_v4() ? 3 : 1;
  unreachable[1] = world.a_address().is_v4() ? 3 : 4;
  world.a().host().send_icmp(world.client_host().address(), unreachable);
  world.run_for(10ms);
  CHECK(world.dut.drops(Drop::kFenced) >= before + 2);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.dut.events().size() == 1);
}

TEST_CASE("unreachable, says the new server's host: it is asked, and lives") {
  MovedWorld world(with_family());
  const uint64_t before = world.dut.drops(Drop::kHeldEnding);
  const SenderTrack& track = world.b().newest_session()->sender->tracks()[0];
  world.b_host().unbind_udp(static_cast<uint16_t>(track.server_rtp + 1));  // reports find nobody
  world.run_for(2s);
  CHECK(world.dut.drops(Drop::kHeldEnding) > before);
  CHECK(world.client_host().icmp_errors().empty());
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
  CHECK(world.dut.events().size() == 1);
  // In the last second it is no sign of a failure any more, and told to the client, about whom it knows.
  for (const net::QuotedFlow& error : world.client_host().icmp_errors())
    CHECK(error.destination.address == world.a_address());
}

TEST_CASE("before a failover errors pass as they came") {
  SwitchedWorld world(with_family());
  REQUIRE(world.client().begin());
  Host& client = world.client_host();
  Host& a = world.a().host();
  client.send_icmp(a.address(), too_big(tcp_data(world, client, false, a.address()).back(), 1400));
  a.send_icmp(client.address(), too_big(tcp_data(world, a, false, client.address()).back(), 1400));
  world.run_for(10ms);
  const auto icmp = [&](const std::string& host, bool sent) {
    std::vector<Frame> frames;
    for (const PacketLog::Entry& e : world.log.entries()) {
      net::QuotedFlow quoted;
      if (e.frame.empty() || e.host != host || e.sent != sent) continue;
      if (net::parse_icmp_error(e.frame, net::parse_packet(e.frame), quoted)) frames.push_back(e.frame);
    }
    return frames;
  };
  CHECK(icmp("client", true).size() == 1);
  CHECK(icmp("client", true) == icmp("a", false));
  CHECK(icmp("a", true).size() == 1);
  CHECK(icmp("a", true) == icmp("client", false));
}

}  // namespace
}  // namespace midstream::scenario
