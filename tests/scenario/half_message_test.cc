// A message of which one half was sent before the failover: half an answer of the old server, half a
// request of the client. The client gets one whole answer to each request.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct Playing : SwitchedWorld {
  explicit Playing(const WorldOptions& options = {}, const SwitchOptions& switch_options = {})
      : SwitchedWorld(options, switch_options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 100));
  }
  void await_takeover() {
    REQUIRE(run_until([this] { return dut.events().size() > 0; }, 8s));
    CHECK(dut.events().newest().outcome == "resumed");
  }
  std::string half_request(uint32_t cseq) {
    return fmt::format("GET_PARAMETER {}/ RTSP/1.0\r\nCSeq: {}\r\nSess", client().url(), cseq);
  }
  std::string other_half() { return fmt::format("ion: {}\r\n\r\n", client().session_id()); }
};

bool carries(const Frame& frame, std::string_view text) {
  return describe(frame).find(text) != std::string::npos;
}

TEST_CASE("an answer that a left half sent is finished from b's") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(12)));
  options.b.personality.server_name = "another";
  Playing world(options);
  const std::string method = options.seed % 3 == 0 ? "DESCRIBE" : "GET_PARAMETER";
  const uint32_t most = method == "DESCRIBE" ? 600 : 80;
  world.a().cut_next_answer(world.random.between(1, most));
  if (options.seed % 2 == 0) {  // lost on its way to the client
    world.client_host().lose_received([](const Frame& f) { return carries(f, "RTSP/1.0"); });
  }
  const uint32_t cseq = world.client().request(method);
  world.run_for(5ms);
  REQUIRE(world.client().answer(cseq) == nullptr);
  world.client_host().lose_received({});
  world.a().die(options.seed % 4 < 2 ? Death::kFin : Death::kReset);
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  if (method == "DESCRIBE") {
    CHECK(world.client().answer(cseq)->body.find("m=video") != std::string::npos);
    CHECK(world.client().answer(cseq)->body.find("m=audio") != std::string::npos);
  }
  CHECK(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("requests behind one whose answer is half sent are answered behind it") {
  Playing world;
  world.a().cut_next_answer(GENERATE(9, 30, 52, 70));
  const auto cseqs = world.client().pipeline({"SET_PARAMETER", "GET_PARAMETER", "OPTIONS"});
  world.run_for(5ms);
  world.a().die(Death::kReset);
  for (uint32_t cseq : cseqs) {
    REQUIRE(world.client().await(cseq));
    CHECK(world.client().answer(cseq)->status() == 200);
  }
  CHECK(world.b().count("SET_PARAMETER") == 1);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("half an answer waits for the server that can finish it") {
  WorldOptions options;
  options.servers = 3;
  Playing world(options);
  world.a().cut_next_answer(40);
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.b().count("GET_PARAMETER") > 0; }, 3s));
  world.b().die(Death::kReset);  // before its answer
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.c().count("GET_PARAMETER") == 1);
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("half an answer that no server can finish is told to the client with a reason") {
  SwitchOptions switch_options;
  switch_options.detect.give_up = 2s;
  WorldOptions options;
  options.b.personality.refuses = "GET_PARAMETER";
  Playing world(options, switch_options);
  world.a().cut_next_answer(30);  // "RTSP/1.0 200 OK" was said
  world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 5s));
  CHECK(world.client().connection_events().back() == TcpEvent::kReset);
  CHECK(world.violations.all() == Findings{});
  CHECK(world.dut.events().newest().outcome.find("half answer") != std::string::npos);
}

TEST_CASE("a TEARDOWN whose answer is half sent is finished by the switch") {
  Playing world;
  world.a().cut_next_answer(GENERATE(1, 12, 20, 40, 60, 80));
  const uint32_t cseq = world.client().request("TEARDOWN");
  world.run_for(5ms);
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.client().answer(cseq)->header("Session") == world.client().session_id());
  CHECK(world.client().oddities() == Findings{});
  CHECK(world.violations.all() == Findings{});
  CHECK(world.b().count("DESCRIBE") == 0);
}

// Two answers, of which the first is lost before the switch.
void leave_a_hole(Playing& world) {
  bool lost = false;
  world.a().host().lose_sent(
      [&lost](const Frame& f) { return !lost && (lost = carries(f, "RTSP/1.0 200")); });
  world.client().pipeline({"GET_PARAMETER", "SET_PARAMETER"});
  world.run_for(5ms);
  world.a().host().lose_sent({});
}

TEST_CASE("bytes behind a hole that the client does not hold are dropped, b answers instead") {
  Playing world;
  world.client_host().lose_received([](const Frame& f) { return carries(f, "RTSP/1.0"); });
  leave_a_hole(world);
  world.client_host().lose_received({});
  world.a().die(Death::kReset);
  world.a().host().cut_off();
  world.await_takeover();
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().count("SET_PARAMETER") == 1);
}

TEST_CASE("bytes behind a hole that the client holds cannot be replaced: it is told, with a reason") {
  WorldOptions options;
  options.client.tcp.sack = GENERATE(true, false);
  Playing world(options);
  leave_a_hole(world);
  world.a().host().cut_off();
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 15s));
  CHECK(world.client().connection_events().back() == TcpEvent::kReset);
  CHECK(world.dut.events().newest().outcome.find("hole") != std::string::npos);
}

// The switch has acknowledged the first half to nobody; a has, and nobody but the switch has it now.
TEST_CASE("a completed half request that is lost on its way to b is repeated by the switch") {
  Playing world;
  world.client().tcp().send(world.half_request(77));
  world.run_for(5ms);
  REQUIRE(world.client().tcp().all_acknowledged());
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  world.await_takeover();
  int lost = 0;
  world.b().host().lose_received(
      [&lost](const Frame& f) { return carries(f, "GET_PARAMETER") && lost++ < 2; });
  world.client().tcp().send(world.other_half());
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 3s));
  CHECK(world.client().oddities() == Findings{"nobody asked for: RTSP/1.0 200 OK CSeq 77"});
  CHECK(lost >= 2);
  CHECK(world.b().count("GET_PARAMETER") == 1);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(world.client().await(world.client().request("OPTIONS")));
}

TEST_CASE("half a request that a had not acknowledged is the client's to repeat") {
  WorldOptions options;
  options.client.tcp.recut_retransmissions = GENERATE(false, true);
  Playing world(options);
  world.a().host().cut_off();
  world.client().tcp().send(world.half_request(77));
  world.await_takeover();
  world.client().tcp().send(world.other_half());
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 3s));
  CHECK(world.client().oddities() == Findings{"nobody asked for: RTSP/1.0 200 OK CSeq 77"});
  CHECK(world.b().count("GET_PARAMETER") == 1);
  CHECK(check_connection(world, {}) == Findings{});
}

TEST_CASE("half a request waits while the second server fails too") {
  WorldOptions options;
  options.servers = 3;
  Playing world(options);
  world.client().tcp().send(world.half_request(77));
  world.run_for(5ms);
  REQUIRE(world.client().tcp().all_acknowledged());
  world.a().die(Death::kFin);
  world.await_takeover();
  world.b().die(Death::kReset);
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 2; }, 8s));
  int lost = 0;
  world.c().host().lose_received(
      [&lost](const Frame& f) { return carries(f, "GET_PARAMETER") && lost++ < 1; });
  world.client().tcp().send(world.other_half());
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 3s));
  CHECK(world.client().oddities() == Findings{"nobody asked for: RTSP/1.0 200 OK CSeq 77"});
  CHECK(world.c().count("GET_PARAMETER") == 1);
  CHECK(check_connection(world, {}) == Findings{});
}

TEST_CASE("the first request's beginning is lost, the rest has come, when the server ends") {
  WorldOptions options;
  options.service = GENERATE(ServiceMode::kTransparent, ServiceMode::kVirtual);
  options.client.cut_requests = true;
  SwitchedWorld world(options);
  REQUIRE(world.client().connect());
  int pieces = 0;
  world.client_host().lose_sent(
      [&pieces](const Frame& f) { return carries(f, "\"") && pieces++ == 0; });
  const uint32_t options_request = world.client().request("OPTIONS");
  world.run_for(5ms);
  REQUIRE(pieces > 1);
  world.a().die(Death::kFin);
  CHECK(world.client().await(options_request));
  REQUIRE((world.client().describe() && world.client().setup_all() && world.client().play()));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
}

TEST_CASE(
    "an answer is lost before the switch, and the FIN behind it is held: nobody holds its bytes") {
  WorldOptions options;
  options.client.tcp.sack = false;
  Playing world(options);
  world.a().host().lose_sent([](const Frame& f) { return carries(f, "RTSP/1.0 200"); });
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(2ms);
  world.a().die(Death::kFin);
  CHECK(world.client().await(cseq));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

}  // namespace
}  // namespace midstream::scenario
