// The client tears down, and the server that should answer is gone: the switch answers in its place, in
// the client's sequence space, and ends the connection as the server would have.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct Playing : SwitchedWorld {
  explicit Playing(const WorldOptions& options = {}) : SwitchedWorld(options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, 100));
  }
  // Both ends of the connection have been closed, and the client has nothing left to repeat.
  void close_and_check() {
    REQUIRE(run_until([this] { return client().tcp().peer_closed(); }, 2s));
    client().disconnect();
    REQUIRE(run_until([this] { return client().tcp().over(); }, 2s));
    run_for(1s);
    CHECK(client().connection_events() ==
          std::vector{TcpEvent::kConnected, TcpEvent::kPeerClosed, TcpEvent::kPeerClosed});
    CHECK(violations.all() == Findings{});
    CHECK(client().oddities() == Findings{});
    CHECK(check_old_server_fenced(*this, {}) == Findings{});
  }
  int status(uint32_t cseq) {
    const RtspMessage* answer = client().answer(cseq);
    return answer == nullptr ? 0 : answer->status();
  }
};

TEST_CASE("an unanswered TEARDOWN is answered by the switch, and nothing is established") {
  Playing world;
  world.a().stop_answering();
  const uint32_t cseq = world.client().request("TEARDOWN");
  world.run_for(5ms);
  REQUIRE(world.a().count("TEARDOWN") == 1);
  const int how = GENERATE(0, 1, 2, 3);
  if (how == 0) world.a().die(Death::kFin);
  if (how == 1) world.a().die(Death::kReset);
  if (how == 2) world.a().host().cut_off();
  if (how == 3) world.a().freeze();
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == 200);
  CHECK(world.client().answer(cseq)->header("Session") == world.client().session_id());
  world.close_and_check();
  CHECK(world.b().count("DESCRIBE") == 0);
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("a TEARDOWN that never reached the server is answered too") {
  Playing world;
  world.a().host().cut_off();
  const uint32_t cseq = world.client().request("TEARDOWN");
  REQUIRE(world.client().await(cseq));
  CHECK(world.status(cseq) == 200);
  CHECK(world.client().tcp().all_acknowledged());
  world.close_and_check();
}

TEST_CASE("requests around an unanswered TEARDOWN get honest answers in order") {
  Playing world;
  world.a().stop_answering();
  const auto cseqs = world.client().pipeline({"GET_PARAMETER", "TEARDOWN", "GET_PARAMETER"});
  world.run_for(5ms);
  world.a().die(GENERATE(Death::kFin, Death::kReset));
  REQUIRE(world.client().await(cseqs[2]));
  CHECK(world.status(cseqs[0]) == 503);
  CHECK(world.status(cseqs[1]) == 200);
  CHECK(world.status(cseqs[2]) == 454);
  const std::string& stream = world.client().tcp().stream();
  CHECK(stream.rfind("503 ") < stream.rfind("RTSP/1.0 200"));
  CHECK(stream.rfind("RTSP/1.0 200") < stream.rfind("454 "));
  world.close_and_check();
}

TEST_CASE("the answer to TEARDOWN is repeated until the client has it") {
  WorldOptions options;
  options.seed = GENERATE(from_range(seeds(6)));
  Playing world(options);
  world.a().stop_answering();
  const uint32_t cseq = world.client().request("TEARDOWN");
  world.run_for(5ms);
  size_t lost = 0;
  world.client_host().lose_received([&lost](const Frame& f) {
    return net::parse_packet(f).kind == net::PacketKind::kTcp && lost++ < 4;
  });
  world.a().die(Death::kFin);
  REQUIRE(world.client().await(cseq));
  CHECK(lost >= 4);
  CHECK(world.status(cseq) == 200);
  world.close_and_check();
}

TEST_CASE("an unanswered TEARDOWN after a failover is answered when the second server dies") {
  WorldOptions options;
  options.servers = 3;
  Playing world(options);
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 5s));
  world.b().stop_answering();
  const uint32_t cseq = world.client().request("TEARDOWN");
  world.run_for(5ms);
  REQUIRE(world.b().count("TEARDOWN") == 1);
  world.b().die(GENERATE(Death::kFin, Death::kReset));
  REQUIRE(world.client().await(cseq));
  CHECK(world.status(cseq) == 200);
  CHECK(world.client().answer(cseq)->header("Session") == world.client().session_id());
  world.close_and_check();
  CHECK(world.c().count("DESCRIBE") == 0);
  CHECK(world.dut.events().size() == 1);
}

}  // namespace
}  // namespace midstream::scenario
