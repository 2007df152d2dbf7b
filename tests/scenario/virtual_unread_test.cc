// What cannot be read, or not at once, on a virtual service passes all the same: other addresses, the
// bytes untouched, nothing waits for the end of a message, at the rate of media.
#include <catch2/catch.hpp>

#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

// A server of whatever protocol on a's service port, and a client of it.
struct Tunnel {
  Tunnel(const WorldOptions& options, const TcpOptions& tcp) : world(options, without_heartbeats()) {
    world.run_for(500ms);  // ARP has found the hosts
    world.a().host().listen(554, tcp, [this](TcpPeer& peer) {
      server = &peer;
      peer.on_event([this](TcpEvent event) { server_events.push_back(event); });
    });
    client = &world.client_host().connect(40000, world.dialled(), tcp);
    client->on_event([this](TcpEvent event) { client_events.push_back(event); });
    REQUIRE(world.run_until([this] { return client->established(); }, 10s));
    REQUIRE(world.run_until([this] { return server != nullptr && server->established(); }, 10s));
  }
  static WorldOptions quiet(uint64_t seed) {
    WorldOptions options;
    options.service = ServiceMode::kVirtual;
    options.seed = seed;
    return options;
  }
  static SwitchOptions without_heartbeats() {
    SwitchOptions options;
    options.heartbeat.kind = HeartbeatConfig::Kind::kNone;
    return options;
  }
  uint64_t unprotected(rtsp::Unprotected reason) const {
    return world.dut.stats().unprotected[static_cast<size_t>(reason)];
  }
  bool all_arrived(const std::string& to_client, const std::string& to_server, Duration limit) {
    return world.run_until(
        [&] {
          return client->bytes_received() == static_cast<int64_t>(to_client.size()) &&
                 server->bytes_received() == static_cast<int64_t>(to_server.size());
        },
        limit);
  }

  SwitchedWorld world;
  TcpPeer* client = nullptr;
  TcpPeer* server = nullptr;
  std::vector<TcpEvent> client_events, server_events;
};

std::string interleaved_frame(uint8_t channel, size_t size, uint8_t fill) {
  std::string frame{'$', static_cast<char>(channel), static_cast<char>(size >> 8),
                    static_cast<char>(size & 0xff)};
  for (size_t i = 0; i < size; ++i) frame += static_cast<char>(fill + i);
  return frame;
}

const std::string kSetup =
    "SETUP rtsp://10.99.0.100/movie/stream=0 RTSP/1.0\r\nCSeq: 1\r\n"
    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";
const std::string kSetupAnswer =
    "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: ABCDEFGH\r\n"
    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";

TEST_CASE("virtual: interleaved media passes at 40 Mbit/s") {
  TcpOptions tcp;
  tcp.receive_window = 256 * 1024;
  Tunnel tunnel(Tunnel::quiet(1), tcp);
  tunnel.client->send(kSetup);
  tunnel.world.run_for(10ms);
  std::string sent = kSetupAnswer;
  tunnel.server->send(kSetupAnswer);
  const Time begin = tunnel.world.timeline.now();
  for (int i = 0; i < 2000; ++i) {
    const std::string frame = interleaved_frame(i % 2 == 0 ? 0 : 1, 1300, static_cast<uint8_t>(i));
    tunnel.server->send(frame);
    sent += frame;
    tunnel.world.run_for(250us);
  }
  CHECK(tunnel.all_arrived(sent, kSetup, 100ms));
  CHECK(tunnel.world.timeline.now() - begin < 700ms);
  CHECK(tunnel.client->stream() == sent);
  CHECK(tunnel.server->retransmissions() == 0);
  CHECK(tunnel.unprotected(rtsp::Unprotected::kNoDescription) == 1);
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: interleaved media survives loss and reordering beyond what can be put in order") {
  const uint32_t seed = GENERATE(from_range(seeds(6)));
  INFO("seed " << seed);
  TcpOptions tcp;
  tcp.receive_window = 256 * 1024;
  tcp.network_reorders = tcp.recut_retransmissions = true;
  WorldOptions options = Tunnel::quiet(seed);
  options.client_link = options.server_link = {.loss = 0.01, .duplication = 0.01, .reorder = 0.02};
  Tunnel tunnel(options, tcp);
  tunnel.client->send(kSetup);
  REQUIRE(tunnel.all_arrived("", kSetup, 10s));
  std::string down = kSetupAnswer, up = kSetup;
  tunnel.server->send(kSetupAnswer);
  REQUIRE(tunnel.all_arrived(down, kSetup, 10s));
  for (int i = 0; i < 400; ++i) {
    const std::string frame = interleaved_frame(0, 1000, static_cast<uint8_t>(i));
    tunnel.server->send(frame);
    down += frame;
    if (i % 20 != 0) continue;
    const std::string report = interleaved_frame(1, 60, static_cast<uint8_t>(i));
    tunnel.client->send(report);
    up += report;
  }
  CHECK(tunnel.all_arrived(down, up, 60s));
  CHECK(tunnel.client->stream() == down);
  CHECK(tunnel.server->stream() == up);
  tunnel.server->close();
  tunnel.client->close();
  CHECK(tunnel.world.run_until([&] { return tunnel.client->over() && tunnel.server->over(); }, 20s));
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: what is no RTSP passes at once, also without an end in sight") {
  struct Row {
    std::string hello, answer;
  };
  const Row row = GENERATE(
      Row{std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(501, 'h'),
          std::string("\x16\x03\x03\x00\x7a", 5).append(122, 's')},
      Row{"GET /movie HTTP/1.0\r\nx-sessioncookie: 1\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n",
          "HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\nUlRTUC8xLjA="});
  Tunnel tunnel(Tunnel::quiet(1), {});
  tunnel.client->send(row.hello);
  REQUIRE(tunnel.all_arrived("", row.hello, 50ms));
  tunnel.server->send(row.answer);
  REQUIRE(tunnel.all_arrived(row.answer, row.hello, 50ms));
  CHECK(tunnel.client->stream() == row.answer);
  CHECK(tunnel.server->stream() == row.hello);
  // Every byte by itself: nothing is waited for any more.
  for (int i = 0; i < 20; ++i) {
    tunnel.client->send("x");
    tunnel.world.run_for(2ms);
    CHECK(tunnel.server->bytes_received() == static_cast<int64_t>(row.hello.size()) + i + 1);
  }
}

TEST_CASE("virtual: a message that is longer than the receiver's window arrives") {
  TcpOptions tcp;
  tcp.receive_window = 2048;
  Tunnel tunnel(Tunnel::quiet(1), tcp);
  const std::string request =
      "SET_PARAMETER rtsp://10.99.0.100/movie RTSP/1.0\r\nCSeq: 1\r\n"
      "Content-Length: 5000\r\n\r\n" +
      std::string(5000, 'q');
  const std::string answer =
      "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 9000\r\n\r\n" + std::string(9000, 'a');
  tunnel.client->send(request);
  REQUIRE(tunnel.all_arrived("", request, 10s));
  tunnel.server->send(answer);
  CHECK(tunnel.all_arrived(answer, request, 10s));
  CHECK(tunnel.server->stream() == request);
  CHECK(tunnel.client->stream() == answer);
  const std::string next = "OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n";
  tunnel.client->send(next);
  CHECK(tunnel.all_arrived(answer, request + next, 100ms));
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: a request that its sender gives piece by piece, each when the last has arrived") {
  Tunnel tunnel(Tunnel::quiet(1), {});
  const std::string request = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: slow\r\n\r\n";
  for (size_t at = 0; at < request.size(); at += 16) {
    tunnel.client->send(request.substr(at, 16));
    REQUIRE(tunnel.world.run_until([&] { return tunnel.client->all_acknowledged(); }, 2s));
  }
  CHECK(tunnel.all_arrived("", request, 10ms));
  CHECK(tunnel.server->stream() == request);
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: media that is not followed has the address that was dialled") {
  Tunnel tunnel(Tunnel::quiet(1), {});
  const std::string setup =
      "SETUP rtsp://10.99.0.100/movie/stream=0 RTSP/1.0\r\nCSeq: 1\r\n"
      "Transport: RTP/SAVP;unicast;client_port=50000-50001\r\n\r\n";
  tunnel.client->send(setup);
  REQUIRE(tunnel.all_arrived("", setup, 50ms));
  tunnel.server->send(
      "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: ABCDEFGH\r\n"
      "Transport: RTP/SAVP;unicast;source=10.99.0.2;client_port=50000-50001;server_port=6970-6971\r\n"
      "\r\n");
  tunnel.world.run_for(10ms);
  CHECK(tunnel.client->stream().find("source=10.99.0.100;") != std::string::npos);
  CHECK(tunnel.unprotected(rtsp::Unprotected::kSecureRtp) == 1);

  Host &client = tunnel.world.client_host(), &server = tunnel.world.a().host();
  std::vector<Endpoint> to_client, to_server;
  for (const uint16_t port : {uint16_t{50000}, uint16_t{50001}})
    client.bind_udp(port, [&](Endpoint source, Bytes) { to_client.push_back(source); });
  for (const uint16_t port : {uint16_t{6970}, uint16_t{6971}})
    server.bind_udp(port, [&](Endpoint source, Bytes) { to_server.push_back(source); });
  server.send_udp(6970, {kClientAddress, 50000}, as_bytes("ciphered"));
  server.send_udp(6971, {kClientAddress, 50001}, as_bytes("ciphered"));
  client.send_udp(50001, {kVirtualAddress, 6971}, as_bytes("ciphered"));
  tunnel.world.run_for(10ms);
  CHECK(to_client == std::vector<Endpoint>{{kVirtualAddress, 6970}, {kVirtualAddress, 6971}});
  CHECK(to_server == std::vector<Endpoint>{{kClientAddress, 50001}});
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

TEST_CASE("virtual: the ending of a connection that cannot be read passes") {
  Tunnel tunnel(Tunnel::quiet(1), {});
  tunnel.client->send("\x16\x03\x01");
  tunnel.world.run_for(10ms);
  SECTION("the server resets it") {
    tunnel.server->abort();
    tunnel.world.run_for(10ms);
    CHECK(tunnel.client_events.back() == TcpEvent::kReset);
  }
  SECTION("the client resets it") {
    tunnel.client->abort();
    tunnel.world.run_for(10ms);
    CHECK(tunnel.server_events.back() == TcpEvent::kReset);
  }
  SECTION("the server closes it first") {
    tunnel.server->close();
    tunnel.world.run_for(10ms);
    CHECK(tunnel.client->peer_closed());
    tunnel.client->send("y");
    tunnel.client->close();
    tunnel.world.run_for(100ms);
    CHECK(tunnel.server->stream() == "\x16\x03\x01y");
    CHECK(tunnel.server->over());
  }
  CHECK(tunnel.world.dut.events().size() == 0);
  CHECK(tunnel.world.violations.all() == std::vector<std::string>{});
}

}  // namespace
}  // namespace midstream::scenario
