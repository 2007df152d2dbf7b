// What cannot be protected passes as it came from the first byte to the last, the server's ending
// included, is counted once, and is shown with its reason.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "control/control_loop.h"
#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

using rtsp::Unprotected;

uint64_t counted(SwitchedWorld& world, Unprotected reason) {
  return world.dut.stats().unprotected[static_cast<size_t>(reason)];
}

nlohmann::json rows(SwitchedWorld& world, const char* command) {
  return world.dut.control()
      .answer({{"command", command}, {"after", nullptr}, {"limit", 100}})
      .at("rows");
}

// In the operator's view: one session for that reason, one in its counter, none in any other.
void check_shown(SwitchedWorld& world, Unprotected reason) {
  const std::string name = rtsp::to_string(reason);
  const auto sessions = rows(world, "sessions");
  const auto shown = [&](const nlohmann::json& row) { return row.at("protected") == name; };
  CHECK(std::ranges::count_if(sessions, shown) >= 1);
  CHECK(std::ranges::all_of(sessions, shown));
  for (const auto& row : rows(world, "counters")) {
    const std::string counter = row.at("name");
    if (counter.starts_with("unprotected, ")) {
      INFO(counter);
      CHECK(row.at("count") == (counter == "unprotected, " + name ? 1 : 0));
    }
  }
  CHECK(counted(world, reason) == 1);
}

void check_untouched(SwitchedWorld& world) {
  Host& client = world.client_host();
  Host& a = world.a().host();
  CHECK(frames(world, client, true, a).size() > 3);
  CHECK((frames(world, client, true, a) == frames(world, a, false, client)));
  CHECK((frames(world, a, true, client) == frames(world, client, false, a)));
  CHECK(world.violations.all().empty());
  CHECK(world.dut.events().size() == 0);
  CHECK(world.b().sessions().empty());
}

// --- scripts: what the two sides say, byte for byte ---

struct Line {
  bool from_client;
  std::string text;
};
using Script = std::vector<Line>;

std::string message(const std::string& head, const std::string& body = {}) {
  std::string text = head + "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

const std::string kUrl = "rtsp://10.99.0.2/film";

std::string sdp(int media, const std::string& more = {}) {
  std::string text = "v=0\r\no=- 1 1 IN IP4 10.99.0.2\r\ns=film\r\nt=0 0\r\na=range:npt=0-60\r\n";
  for (int i = 0; i < media; ++i)
    text += "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track" + std::to_string(i) +
            "\r\n" + more;
  return text;
}

Script describe(const std::string& body = sdp(1)) {
  return {{true, message("DESCRIBE " + kUrl + " RTSP/1.0\r\nCSeq: 1")},
          {false, message("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp", body)}};
}

Script setup(int track, const std::string& answered, const std::string& session = "abc",
             const std::string& asked = {}) {
  const std::string cseq = "\r\nCSeq: " + std::to_string(2 + track);
  return {
      {true, message("SETUP " + kUrl + "/track" + std::to_string(track) + " RTSP/1.0" + cseq + asked +
                     "\r\nTransport: RTP/AVP;unicast;client_port=" + std::to_string(5000 + 2 * track) +
                     "-" + std::to_string(5001 + 2 * track))},
      {false,
       message("RTSP/1.0 200 OK" + cseq + "\r\nSession: " + session + "\r\nTransport: " + answered)}};
}

const std::string kUdp = "RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001";

Script play(const std::string& session = "abc") {
  return {
      {true, message("PLAY " + kUrl + " RTSP/1.0\r\nCSeq: 90\r\nSession: " + session)},
      {false, message("RTSP/1.0 200 OK\r\nCSeq: 90\r\nSession: " + session + "\r\nRange: npt=0-60")}};
}

Script joined(std::initializer_list<Script> parts) {
  Script all;
  for (const Script& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Script too_many_sessions() {
  Script all = describe(sdp(8));
  for (int i = 0; i < 5; ++i)
    for (const Line& line : setup(i, kUdp, "session" + std::to_string(i))) all.push_back(line);
  return all;
}

Script too_many_streams() {
  Script all = describe(sdp(8));
  for (int i = 0; i < 9; ++i)
    for (const Line& line : setup(i, kUdp, "abc", i > 0 ? "\r\nSession: abc" : "")) all.push_back(line);
  return all;
}

struct Case {
  const char* what;
  Unprotected reason;
  Script script;
};

std::vector<Case> cases() {
  const std::string hello("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11);
  return {
      {"RTSPS",
       Unprotected::kTls,
       {{true, hello + std::string(194, '\x7f')},
        {false, hello + std::string(500, '\x80')},
        {true, "\x17\x03\x03"}}},
      {"RTSP over HTTP",
       Unprotected::kHttp,
       {{true, message("GET /film HTTP/1.0\r\nx-sessioncookie: tD9hKgAA\r\nAccept: "
                       "application/x-rtsp-tunnelled")},
        {false, message("HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled")},
        {true, "T1BUSU9OUyAqIFJUU1AvMS4wDQo="}}},
      {"something else",
       Unprotected::kNotRtsp,
       {{true, "SSH-2.0-OpenSSH_9.2p1\r\n"}, {false, "SSH-2.0-OpenSSH_9.2p1\r\n"}}},
      {"RTSP 2.0",
       Unprotected::kRtsp2,
       {{true, message("OPTIONS * RTSP/2.0\r\nCSeq: 1")},
        {false, message("RTSP/2.0 200 OK\r\nCSeq: 1")}}},
      {"a client that is the source",
       Unprotected::kRecord,
       {{true, message("ANNOUNCE " + kUrl + " RTSP/1.0\r\nCSeq: 1", sdp(1))},
        {false, message("RTSP/1.0 200 OK\r\nCSeq: 1")}}},
      {"SRTP by its transport", Unprotected::kSecureRtp,
       joined({describe(), setup(0, "RTP/SAVP;unicast;client_port=5000-5001;server_port=7000-7001"),
               play()})},
      {"SRTP by its description", Unprotected::kSecureRtp,
       joined({describe(sdp(1, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n")), setup(0, kUdp),
               play()})},
      {"multicast", Unprotected::kMulticast,
       joined(
           {describe(), setup(0, "RTP/AVP;multicast;destination=239.1.1.1;port=7000-7001"), play()})},
      {"a transport that nobody knows", Unprotected::kUnknownTransport,
       joined({describe(), setup(0, "RAW/RAW/UDP;unicast;client_port=5000-5001;server_port=7000-7001"),
               play()})},
      {"no description", Unprotected::kNoDescription, joined({setup(0, kUdp), play()})},
      {"too many sessions", Unprotected::kTooManySessions, too_many_sessions()},
      {"too many streams", Unprotected::kTooManyStreams, too_many_streams()},
      {"a description beyond our limits", Unprotected::kMessageTooLarge,
       joined({describe(sdp(1) + std::string(rtsp::kMaxBody, ' ')), setup(0, kUdp), play()})},
      {"a request line beyond our limits",
       Unprotected::kMessageTooLarge,
       {{true, message("OPTIONS " + kUrl + std::string(rtsp::kMaxUrl, 'x') + " RTSP/1.0\r\nCSeq: 1")},
        {false, message("RTSP/1.0 200 OK\r\nCSeq: 1")}}},
      // A failover moves the connection, and nobody could rebuild that session at another server.
      {"one session of two", Unprotected::kMulticast,
       joined({describe(sdp(2)), setup(0, kUdp), play(),
               setup(1, "RTP/AVP;multicast;destination=239.1.1.1;port=7000-7001", "xyz")})},
  };
}

// A server at a's address and a client that keep to a script.
struct Played {
  SwitchedWorld& world;
  TcpPeer* server = nullptr;
  TcpPeer* client = nullptr;
  std::vector<TcpEvent> client_events;
  size_t media = 0;

  explicit Played(SwitchedWorld& w) : world(w) {
    world.a().host().listen(554, {}, [this](TcpPeer& peer) {
      if (peer.remote().address == kDeviceAddress) return answer_heartbeats(peer);
      server = &peer;
      peer.on_event([&peer](TcpEvent event) {
        if (event == TcpEvent::kPeerClosed) peer.close();
      });
    });
    client = &world.client_host().connect(41000, {kServerA, 554}, {});
    client->on_event([this](TcpEvent event) {
      if (event != TcpEvent::kData) client_events.push_back(event);
    });
    world.client_host().bind_udp(5000, [this](Endpoint, Bytes) { ++media; });
    world.client_host().bind_udp(5001, [this](Endpoint, Bytes) { ++media; });
    REQUIRE(world.run_until([this] { return client->established() && server != nullptr; }, 1s));
  }

  static void answer_heartbeats(TcpPeer& peer) {
    peer.on_event([&peer, unread = std::string()](TcpEvent event) mutable {
      if (event == TcpEvent::kPeerClosed) return peer.close();
      unread += peer.take();
      RtspMessage request;
      while (take_message(unread, request) == Read::kMessage)
        peer.send(message("RTSP/1.0 200 OK\r\nCSeq: " + request.header("CSeq")));
    });
  }

  void run(const Script& script) {
    std::string said[2];
    for (const Line& line : script) {
      TcpPeer& from = line.from_client ? *client : *server;
      TcpPeer& to = line.from_client ? *server : *client;
      said[line.from_client] += line.text;
      from.send(line.text);
      REQUIRE(world.run_until([&] { return to.stream() == said[line.from_client]; }, 1s));
    }
  }

  // RTP, and a BYE in the middle of the film.
  void send_media() {
    Host& a = world.a().host();
    a.send_udp(7000, {kClientAddress, 5000}, write_rtp({.payload_type = 96, .payload = Payload(100)}));
    a.send_udp(7001, {kClientAddress, 5001}, write_rtcp({.bye = true}));
    world.run_for(500ms);
    CHECK(media == 2);
  }
};

TEST_CASE("what cannot be protected passes untouched, is counted and shown") {
  const std::vector<Case> all = cases();
  const Case& c = all[GENERATE(range(size_t{0}, cases().size()))];
  INFO(c.what);
  SwitchedWorld world;
  Played played(world);
  played.run(c.script);
  played.send_media();
  check_shown(world, c.reason);

  SECTION("the server closes") {
    world.a().host().die(Death::kFin);
    world.run_for(300ms);
    CHECK(played.client_events == std::vector{TcpEvent::kConnected, TcpEvent::kPeerClosed});
  }
  SECTION("the server resets") {
    world.a().host().die(Death::kReset);
    world.run_for(300ms);
    CHECK(played.client_events == std::vector{TcpEvent::kConnected, TcpEvent::kReset});
  }
  SECTION("the server freezes, and its heartbeats fail") {
    world.a().host().cut_off();
    world.run_for(5s);
    CHECK(played.client_events == std::vector{TcpEvent::kConnected});
  }
  check_untouched(world);
}

// --- by where the packets go ---

bool is_from(const Frame& frame, const Address& address) {
  const net::Packet packet = net::parse_packet(frame);
  return packet.kind != net::PacketKind::kArp && packet.source.address == address;
}

void check_ending_passes(SwitchedWorld& world) {
  world.a().die(Death::kFin);
  world.run_for(500ms);
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kConnected, TcpEvent::kPeerClosed});
  check_untouched(world);
}

TEST_CASE("a session that began before the switch was there") {
  SwitchedWorld world;
  world.dut.detour([&](const Frame& f) { return is_from(f, kClientAddress) || is_from(f, kServerA); });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  CHECK(rows(world, "sessions").empty());
  world.dut.detour({});
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  check_shown(world, Unprotected::kJoinedWithoutSyn);
  check_ending_passes(world);
}

TEST_CASE("only one direction comes through the switch") {
  SwitchedWorld world;
  const Address unseen = GENERATE(kClientAddress, kServerA);
  world.dut.detour([&](const Frame& f) { return is_from(f, unseen); });
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  check_shown(world, Unprotected::kOneSided);
  check_ending_passes(world);
}

TEST_CASE("one direction takes another way while the session plays") {
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  const Address unseen = GENERATE(kClientAddress, kServerA);
  world.dut.detour([&](const Frame& f) { return is_from(f, unseen); });
  REQUIRE(world.client().await(world.client().request("GET_PARAMETER")));
  world.run_for(100ms);
  check_shown(world, Unprotected::kOneSided);
  check_ending_passes(world);
}

TEST_CASE("the table of connections is full") {
  SwitchOptions options;
  options.tables = {64, 128};
  SwitchedWorld world({}, options);
  Host& crowd = world.add_host("crowd", "10.99.0.66", true);
  // They come and go at once, and stay in the table for a while.
  for (uint16_t i = 0; i < options.tables.connections; ++i) {
    TcpPeer& peer = crowd.connect(static_cast<uint16_t>(20000 + i), {kServerA, 554}, {});
    REQUIRE(world.run_until([&] { return peer.established(); }, 1s));
    peer.abort();
  }
  world.run_for(100ms);
  CHECK(world.dut.stats().connections == options.tables.connections);
  CHECK(world.dut.stats().not_tracked == 0);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  CHECK(world.dut.stats().not_tracked == 1);
  const auto counters = rows(world, "counters");
  const auto row = std::ranges::find_if(counters, [](const nlohmann::json& r) {
    return r.at("name") == "connections not tracked, table full";
  });
  REQUIRE(row != counters.end());
  CHECK(row->at("count") == 1);
  check_ending_passes(world);
}

TEST_CASE("Digest, and nobody has told the switch the password") {
  WorldOptions options;
  options.a.authentication.scheme = options.b.authentication.scheme = Authentication::Scheme::kDigest;
  options.client.user = options.a.authentication.user;
  options.client.password = options.a.authentication.password;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 50));
  check_shown(world, Unprotected::kDigestWithoutCredentials);
  check_ending_passes(world);
}

}  // namespace
}  // namespace midstream::scenario
