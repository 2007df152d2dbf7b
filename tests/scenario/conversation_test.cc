// What the client says across a failover: every request gets one answer, under the Session id and in
// the terms that the client knows.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct Playing : SwitchedWorld {
  explicit Playing(const WorldOptions& options = {}) : SwitchedWorld(options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 150));
  }
  void await_takeover() {
    REQUIRE(run_until([this] { return dut.events().size() > 0; }, 8s));
    CHECK(dut.events().newest().outcome == "resumed");
  }
};

TEST_CASE("requests after a failover are answered under the old Session id") {
  Playing world;
  world.a().die(Death::kFin);
  world.await_takeover();
  for (const char* method : {"GET_PARAMETER", "OPTIONS", "SET_PARAMETER", "GET_PARAMETER"}) {
    const uint32_t cseq = world.client().request(method);
    REQUIRE(world.client().await(cseq));
    CHECK(world.client().answer(cseq)->status() == 200);
    CHECK(world.client().answer(cseq)->header("Session") == world.client().session_id());
  }
  CHECK(world.b().count("GET_PARAMETER") == 2);
  CHECK(world.b().newest_session()->id != world.client().session_id());
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a pipeline of requests across the failover") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(8)));
  options.client.cut_requests = options.seed % 2 == 0;
  Playing world(options);
  const auto first = world.client().pipeline({"GET_PARAMETER", "OPTIONS"});
  world.run_for(std::chrono::microseconds(world.random.between(0, 700)));
  world.a().die(options.seed % 3 == 0 ? Death::kReset : Death::kFin);
  const auto second = world.client().pipeline({"SET_PARAMETER", "GET_PARAMETER", "OPTIONS"});
  world.await_takeover();
  const auto third = world.client().pipeline({"GET_PARAMETER", "GET_PARAMETER"});
  for (const auto& cseqs : {first, second, third})
    for (uint32_t cseq : cseqs) {
      REQUIRE(world.client().await(cseq));
      CHECK(world.client().answer(cseq)->status() == 200);
    }
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a request that a acknowledged but did not answer is answered by b") {
  Playing world;
  world.a().stop_answering();
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  REQUIRE(world.client().tcp().all_acknowledged());
  REQUIRE(world.client().answer(cseq) == nullptr);
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.client().answer(cseq)->header("Session") == world.client().session_id());
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a request of which a acknowledged the first half is completed for b") {
  Playing world;
  world.client().tcp().send("GET_PARAMETER rtsp://10.99.0.2:554/movie/ RTSP/1.0\r\nCSeq: 77\r\nSess");
  world.run_for(5ms);
  REQUIRE(world.client().tcp().all_acknowledged());
  world.a().die(Death::kFin);
  world.await_takeover();
  world.client().tcp().send(fmt::format("ion: {}\r\n\r\n", world.client().session_id()));
  REQUIRE(world.run_until([&] { return !world.client().oddities().empty(); }, 3s));
  CHECK(world.client().oddities() == Findings{"nobody asked for: RTSP/1.0 200 OK CSeq 77"});
  CHECK(world.b().count("GET_PARAMETER") == 1);
  CHECK(world.b().requests().back().message.header("Session") == world.b().newest_session()->id);
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(world.client().await(world.client().request("OPTIONS")));
}

TEST_CASE("an answer of a that was lost on its way still arrives") {
  Playing world;
  Host& client = world.client_host();
  client.lose_received(
      [](const Frame& f) { return describe(f).find("RTSP/1.0 200") != std::string::npos; });
  const uint32_t cseq = world.client().request("GET_PARAMETER");
  world.run_for(5ms);
  REQUIRE(world.a().count("GET_PARAMETER") == 1);
  REQUIRE(world.client().answer(cseq) == nullptr);
  world.a().die(Death::kFin);
  world.run_for(20ms);
  client.lose_received({});
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.client().await(world.client().request("GET_PARAMETER")));
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().count("GET_PARAMETER") == 1);  // the second only
}

TEST_CASE("TEARDOWN after a failover ends b's session") {
  Playing world;
  world.a().die(Death::kFin);
  world.await_takeover();
  const uint32_t cseq = world.client().request("TEARDOWN");
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.b().count("TEARDOWN") == 1);
  world.client().disconnect();
  world.run_for(2s);
  CHECK(world.client().tcp().over());
  CHECK(world.violations.all() == Findings{});
  CHECK(world.dut.events().size() == 1);
}

TEST_CASE("PAUSE and PLAY after a failover") {
  Playing world;
  world.a().die(Death::kFin);
  world.await_takeover();
  REQUIRE(world.client().await(world.client().request("PAUSE")));
  world.run_for(2s);
  const uint32_t cseq = world.client().request("PLAY");
  REQUIRE(world.client().await(cseq));
  const RtspMessage& answer = *world.client().answer(cseq);
  CHECK(answer.status() == 200);
  // RTP-Info names a's URLs and continues the numbers that the client knows.
  const std::string info = answer.header("RTP-Info");
  CHECK(info.find(world.client().tracks()[0].control) != std::string::npos);
  REQUIRE(world.client().await_packets(0, world.client().tracks()[0].rtp.size() + 1));
  const uint16_t next = world.client().tracks()[0].rtp.back().packet.sequence;
  CHECK(parameter(info, "seq") == std::to_string(next));
  CHECK(world.run_to_the_end());
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("no server is left: the client is told within the time that is configured") {
  SwitchOptions switch_options;
  switch_options.detect.give_up = 2s;
  WorldOptions options;
  options.servers = GENERATE(1u, 2u);
  SwitchedWorld world(options, switch_options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  if (options.servers == 2) world.b().die(Death::kReset);
  world.run_for(600ms);
  const Time failed = world.timeline.now();
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 10s));
  CHECK(world.client().connection_events().back() == TcpEvent::kReset);
  CHECK(to_ms(world.timeline.now() - failed) < 2200);
  CHECK(world.violations.all() == Findings{});
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome.starts_with("failed: "));
  CHECK(world.dut.events().newest().server_to.empty());
}

TEST_CASE("a server with other content does not take over") {
  SwitchOptions switch_options;
  switch_options.detect.give_up = 2s;
  WorldOptions options;
  options.b_has_other_content = true;
  SwitchedWorld world(options, switch_options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 100));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 10s));
  REQUIRE(world.dut.events().size() == 1);
  INFO(world.dut.events().newest().outcome);
  CHECK(world.dut.events().newest().outcome.find("content") != std::string::npos);
}

}  // namespace
}  // namespace midstream::scenario
