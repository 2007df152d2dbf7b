// The second server refuses, is silent, talks nonsense or dies at any step: the third is tried, the
// event has the reason, and nothing half made stays behind. With nobody left the client is told.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 200;  // of video: 3 to 4 seconds of the movie

WorldOptions three_servers() {
  WorldOptions options;
  options.servers = 3;
  // Half-made sessions stay unless they are torn down.
  options.b.personality.sessions_outlive_connections = true;
  return options;
}

void play_until_a_dies(SwitchedWorld& world) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
}

// At the n-th request of that method (the switch's first is 1) `act` is done instead of an answer.
void at_request(RtspServer& server, const std::string& method, int n,
                std::function<void(const RtspMessage&, TcpPeer&)> act) {
  server.intercept([method, n, act, seen = 0](const RtspMessage& request, TcpPeer& tcp) mutable {
    if (request.method() != method || ++seen != n) return false;
    act(request, tcp);
    return true;
  });
}

void check_went_to_c(SwitchedWorld& world, const std::string& reason) {
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  const Event& event = world.dut.events().newest();
  CHECK(event.outcome == "resumed");
  CHECK(event.server_to == "c");
  CHECK(event.refusals == std::vector<std::string>{"b: " + reason});
  CHECK(world.b().open_sessions() == 0);
  CHECK(world.dut.owed("b") == 0);
}

struct Step {
  const char* method;
  int n;
  const char* name;
};
const std::vector<Step> kSteps{
    {"DESCRIBE", 1, "DESCRIBE"}, {"SETUP", 1, "SETUP 1"}, {"SETUP", 2, "SETUP 2"}, {"PLAY", 1, "PLAY"}};

Step any_step() { return GENERATE(from_range(kSteps)); }

TEST_CASE("b refuses with a status") {
  const Step step = any_step();
  const std::string status =
      GENERATE("302 Moved Temporarily", "401 Unauthorized", "404 Not Found", "453 Not Enough Bandwidth",
               "454 Session Not Found", "455 Method Not Valid in This State",
               "461 Unsupported Transport", "500 Internal Server Error", "503 Service Unavailable");
  SwitchedWorld world(three_servers());
  at_request(world.b(), step.method, step.n, [&](const RtspMessage& request, TcpPeer& tcp) {
    tcp.send(fmt::format("RTSP/1.0 {}\r\nCSeq: {}\r\nLocation: rtsp://10.99.0.4/movie\r\n\r\n", status,
                         request.header("CSeq")));
  });
  play_until_a_dies(world);
  check_went_to_c(world, fmt::format("{}: {}", step.name, status));
}

TEST_CASE("b is silent at a step") {
  const Step step = any_step();
  SwitchedWorld world(three_servers());
  at_request(world.b(), step.method, step.n, [](const RtspMessage&, TcpPeer&) {});
  play_until_a_dies(world);
  check_went_to_c(world, fmt::format("{}: no answer", step.name));
}

TEST_CASE("b closes or resets at a step") {
  const Step step = any_step();
  const bool reset = GENERATE(true, false);
  SwitchedWorld world(three_servers());
  at_request(world.b(), step.method, step.n,
             [&](const RtspMessage&, TcpPeer& tcp) { reset ? tcp.abort() : tcp.close(); });
  play_until_a_dies(world);
  check_went_to_c(world, fmt::format("{}: connection {}", step.name, reset ? "reset" : "closed"));
}

TEST_CASE("b's process or host dies at a step") {
  const Step step = any_step();
  const int how = GENERATE(0, 1, 2);
  SwitchedWorld world(three_servers());
  at_request(world.b(), step.method, step.n, [&](const RtspMessage&, TcpPeer&) {
    if (how == 0) world.b().die(Death::kFin);
    if (how == 1) world.b().die(Death::kReset);
    if (how == 2) world.b().host().cut_off();
  });
  play_until_a_dies(world);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  CHECK(world.dut.events().newest().server_to == "c");
  CHECK(world.dut.events().newest().refusals.size() == 1);
}

TEST_CASE("b dies between its PLAY answer and its first packet, or right after that") {
  WorldOptions options = three_servers();
  const Duration media_delay = GENERATE(0ms, 50ms);
  options.b.personality.media_delay = media_delay;
  SwitchedWorld world(options);
  play_until_a_dies(world);
  REQUIRE(world.run_until(
      [&] { return world.b().newest_session() && world.b().newest_session()->sender->playing(); }, 3s));
  world.run_for(200us);
  world.b().die(Death::kReset);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  CHECK(world.dut.events().newest().server_to == "c");
}

TEST_CASE("b accepts the connection and says nothing at all") {
  SwitchedWorld world(three_servers());
  world.b().intercept(
      [](const RtspMessage& request, TcpPeer&) { return request.method() != "OPTIONS"; });
  play_until_a_dies(world);
  check_went_to_c(world, "DESCRIBE: no answer");
}

TEST_CASE("b's SYN-ACK does not come back") {
  SwitchedWorld world(three_servers());
  world.b().host().lose_sent([](const Frame& frame) {
    const net::Packet packet = net::parse_packet(frame);
    return packet.kind == net::PacketKind::kTcp && packet.destination.address == kClientAddress;
  });
  play_until_a_dies(world);
  check_went_to_c(world, "no SYN-ACK came back");
}

TEST_CASE("b answers with garbage, or with more than anybody keeps") {
  const Step step = any_step();
  const bool huge = GENERATE(true, false);
  SwitchedWorld world(three_servers());
  at_request(world.b(), step.method, step.n, [&](const RtspMessage& request, TcpPeer& tcp) {
    if (!huge) return tcp.send(std::string("\x16\x03\x01\x02garbage, and a line end\r\n\r\n"));
    tcp.send(fmt::format("RTSP/1.0 200 OK\r\nCSeq: {}\r\nContent-Length: 400000000\r\n\r\n",
                         request.header("CSeq")));
    tcp.send(std::string(30'000, 'x'));
  });
  play_until_a_dies(world);
  check_went_to_c(world, fmt::format("{}: the answer is no RTSP", step.name));
}

TEST_CASE("b shows something else") {
  WorldOptions options = three_servers();
  std::string from, to, reason;
  std::tie(from, to, reason) = GENERATE(table<std::string, std::string, std::string>(
      {{"H264/90000", "H265/90000", "media 1: encoding H265, was H264"},
       {"m=audio", "a=other\r\nm=application", "media 2: type application, was audio"},
       {"packetization-mode=1", "packetization-mode=0", "media 1: format parameters differ"}}));
  SwitchedWorld world(options);
  world.b().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() != "DESCRIBE") return false;
    std::string body = world.b().sdp(request);
    const size_t at = body.find(from);
    REQUIRE(at != std::string::npos);
    body.replace(at, from.size(), to);
    tcp.send(
        fmt::format("RTSP/1.0 200 OK\r\nCSeq: {}\r\nContent-Type: application/sdp\r\n"
                    "Content-Base: {}/\r\nContent-Length: {}\r\n\r\n{}",
                    request.header("CSeq"), request.uri(), body.size(), body));
    return true;
  });
  play_until_a_dies(world);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  const Event& event = world.dut.events().newest();
  CHECK(event.server_to == "c");
  REQUIRE(event.refusals.size() == 1);
  INFO(event.refusals[0]);
  CHECK(event.refusals[0].starts_with("b: content differs: " + reason));
}

TEST_CASE("b's answers come in single bytes, or all at once") {
  WorldOptions options;
  const bool single = GENERATE(true, false);
  options.b.tcp.mss = single ? 536 : 1460;
  SwitchedWorld world(options);
  std::string kept;
  TcpPeer* connection = nullptr;
  // What b sends goes through the test's hands by way of its TCP: cut, or joined with a request of b's.
  world.b().intercept([&](const RtspMessage& request, TcpPeer& tcp) {
    if (request.is_response() || request.method() != "DESCRIBE") return false;
    connection = &tcp;
    const std::string body = world.b().sdp(request);
    std::string text = fmt::format(
        "RTSP/1.0 200 OK\r\nCSeq: {}\r\nContent-Type: application/sdp\r\nContent-Base: {}/\r\n"
        "Content-Length: {}\r\n\r\n{}",
        request.header("CSeq"), request.uri(), body.size(), body);
    text = "OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n" + text;  // a server may ask, too
    for (size_t at = 0; at < text.size(); at += single ? 1 : text.size())
      tcp.send(single ? text.substr(at, 1) : text);
    return true;
  });
  play_until_a_dies(world);
  CHECK(world.run_to_the_end(30s));
  check_contract(world);
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK(connection != nullptr);
}

// --- nobody is left ---

TEST_CASE("when nobody can serve it the client is reset, and the event says why of everybody") {
  SwitchOptions soon;
  soon.detect.give_up = 3s;
  WorldOptions options = three_servers();
  SwitchedWorld world(options, soon);
  world.b().intercept([](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() != "DESCRIBE") return false;
    tcp.send("RTSP/1.0 404 Not Found\r\nCSeq: " + request.header("CSeq") + "\r\n\r\n");
    return true;
  });
  world.c().intercept([](const RtspMessage& request, TcpPeer& tcp) {
    if (request.method() != "SETUP") return false;
    tcp.send("RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: " + request.header("CSeq") + "\r\n\r\n");
    return true;
  });
  play_until_a_dies(world);
  const Time failed = world.timeline.now();
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 5s));
  CHECK(to_ms(world.timeline.now() - failed) == Approx(3000).margin(50));
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kConnected, TcpEvent::kReset});
  CHECK(world.violations.all() == std::vector<std::string>{});  // the RST was at RCV.NXT
  REQUIRE(world.dut.events().size() == 1);
  const Event& event = world.dut.events().newest();
  CHECK(event.outcome == "failed: b: DESCRIBE: 404 Not Found, c: SETUP 1: 453 Not Enough Bandwidth");
  CHECK(event.server_to.empty());
  CHECK_FALSE(event.establishment);
  // Asked again, but not in a hot loop.
  CHECK(world.b().count("DESCRIBE") >= 5);
  CHECK(world.b().count("DESCRIBE") <= 3000 / 200 + 1);
  CHECK(check_old_server_fenced(world, {}) == Findings{});
}

TEST_CASE("nobody is left: every client that had not acknowledged everything is reset, too") {
  SwitchOptions soon;
  soon.detect.give_up = 1s;
  WorldOptions options;
  options.servers = 1;
  SwitchedWorld world(options, soon);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  // The answer to this one never arrives.
  world.client_host().lose_received([](const Frame& frame) {
    return net::parse_packet(frame).kind == net::PacketKind::kTcp &&
           net::parse_packet(frame).payload_bytes > 0;
  });
  world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  world.a().die(Death::kReset);
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 3s));
  CHECK(world.client().connection_events() == std::vector{TcpEvent::kConnected, TcpEvent::kReset});
  CHECK(world.dut.events().newest().outcome == "failed: no other server of the service is up");
}

TEST_CASE("a server that comes up before the time is over is used") {
  WorldOptions options;
  const bool cable = GENERATE(true, false);
  SwitchedWorld world(options);
  cable ? world.b().host().cut_off() : world.b().die(Death::kFin);
  world.run_for(3s);
  play_until_a_dies(world);
  world.run_for(4s);
  CHECK(world.dut.events().size() == 0);
  cable ? world.b().host().reconnect() : world.b().start();
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().server_to == "b");
}

// What it made is owed, and paid when it answers again.
TEST_CASE("b falls silent in the middle of the replay, and keeps half a session") {
  SwitchedWorld world(three_servers());
  bool silent = false;
  world.b().intercept([&](const RtspMessage& request, TcpPeer&) {
    silent = silent || request.method() == "PLAY";
    return silent;
  });
  play_until_a_dies(world);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 10s));
  CHECK(world.dut.events().newest().server_to == "c");
  CHECK(world.b().open_sessions() == 1);
  CHECK(world.dut.owed("b") == 1);
  silent = false;
  world.b().intercept({});
  CHECK(world.run_until([&] { return world.dut.owed("b") == 0; }, 8s));
  CHECK(world.b().open_sessions() == 0);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
