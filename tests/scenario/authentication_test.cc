// Servers that want to know who asks: the second one is answered in the client's name, with what its
// own challenge demands, and the client never notices.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "control/control_loop.h"
#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

using Scheme = Authentication::Scheme;

constexpr size_t kSomePackets = 150;
const std::string kPassword = Authentication{}.password;

// All servers demand the same, the client and the service know the password.
struct Guarded {
  WorldOptions world;
  SwitchOptions service;

  explicit Guarded(const Authentication& demands = {.scheme = Scheme::kDigest}) {
    world.a.authentication = world.b.authentication = world.c.authentication = demands;
    world.client.user = service.user = demands.user;
    world.client.password = service.password = demands.password;
  }
};

bool client_saw_401_after(World& world, Time when) {
  for (const auto& [cseq, exchange] : world.client().exchanges())
    for (const RtspMessage& answer : exchange.answers)
      if (answer.status() == 401 && answer.time > when) return true;
  return false;
}

void check_answered(World& world, uint32_t cseq, int status = 200) {
  REQUIRE(world.client().await(cseq));
  CHECK(world.client().answer(cseq)->status() == status);
}

// Plays, loses a, asks something of b, and plays to the end.
void check_failover(SwitchedWorld& world, size_t refusals_of_b) {
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  const Time died = world.timeline.now();
  world.a().die(Death::kFin);
  world.run_for(500ms);
  check_answered(world, world.client().request("GET_PARAMETER"));
  check_answered(world, world.client().request("OPTIONS"));
  CHECK(world.run_to_the_end());
  check_contract(world);
  REQUIRE(world.dut.events().size() == 1);
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK_FALSE(client_saw_401_after(world, died));
  CHECK(world.b().refusals(kClientAddress) == refusals_of_b);
}

std::string operator_view(SwitchedWorld& world) {
  std::string text;
  for (const char* command : {"servers", "sessions", "streams", "events", "counters"})
    text +=
        world.dut.control().answer({{"command", command}, {"after", nullptr}, {"limit", 100}}).dump();
  return text;
}

std::string switch_log(World& world) {
  std::string text;
  for (const PacketLog::Entry& entry : world.log.entries())
    if (entry.host == "switch") text += entry.note + "\n";
  REQUIRE_FALSE(text.empty());
  return text;
}

TEST_CASE("failover between servers that demand Basic: the client's header goes along") {
  Guarded guarded({.scheme = Scheme::kBasic});
  guarded.service.user.clear();
  SwitchedWorld world(guarded.world, guarded.service);
  check_failover(world, 0);
}

TEST_CASE("failover between servers that demand Digest") {
  const bool sha256 = GENERATE(false, true);
  const bool qop = GENERATE(false, true);
  const bool per_connection = GENERATE(false, true);
  Guarded guarded({.scheme = Scheme::kDigest,
                   .sha256 = sha256,
                   .qop = qop,
                   .opaque = sha256 && qop,  // then the header is longer than one edit of the stream
                   .nonce_per_connection = per_connection});
  guarded.world.client.cut_requests = true;
  SwitchedWorld world(guarded.world, guarded.service);
  check_failover(world, 1);
  CHECK(operator_view(world).find(kPassword) == std::string::npos);
  CHECK(switch_log(world).find(kPassword) == std::string::npos);
}

TEST_CASE("the servers of a pool demand different things") {
  struct Row {
    Scheme a, b;
    size_t refusals_of_b;
  };
  const auto row = GENERATE(values<Row>({
      {Scheme::kNone, Scheme::kDigest, 1},
      {Scheme::kNone, Scheme::kBasic, 1},
      {Scheme::kDigest, Scheme::kNone, 0},
      {Scheme::kBasic, Scheme::kDigest, 1},
      {Scheme::kDigest, Scheme::kBasic, 1},
  }));
  Guarded guarded;
  guarded.world.a.authentication.scheme = row.a;
  guarded.world.b.authentication.scheme = row.b;
  guarded.world.b.authentication.qop = true;
  SwitchedWorld world(guarded.world, guarded.service);
  check_failover(world, row.refusals_of_b);
}

TEST_CASE("requests in flight are asked again in the new server's terms") {
  Guarded guarded({.scheme = Scheme::kDigest, .qop = true});
  guarded.world.seed = GENERATE(from_range(seeds(6)));
  guarded.world.client.cut_requests = true;
  SwitchedWorld world(guarded.world, guarded.service);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().stop_answering();
  const auto cseqs = world.client().pipeline({"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"});
  world.run_for(std::chrono::microseconds(world.random.between(0, 2000)));
  world.a().die(Death::kReset);
  for (const uint32_t cseq : cseqs) check_answered(world, cseq);
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().refusals(kClientAddress) == 1);
}

TEST_CASE("a second failover answers the third server's challenge") {
  Guarded guarded({.scheme = Scheme::kDigest, .qop = true});
  guarded.world.servers = 3;
  SwitchedWorld world(guarded.world, guarded.service);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 120));
  world.a().die(Death::kFin);
  REQUIRE(world.client().await_packets(0, 240));
  world.b().die(Death::kReset);
  world.run_for(500ms);
  check_answered(world, world.client().request("GET_PARAMETER"));
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.c().refusals(kClientAddress) == 1);
}

TEST_CASE("a nonce of the new server expires: the client asks again and goes on") {
  Guarded guarded(
      {.scheme = Scheme::kDigest, .qop = GENERATE(false, true), .says_stale = GENERATE(false, true)});
  SwitchedWorld world(guarded.world, guarded.service);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  world.run_for(500ms);
  world.b().expire_nonces();
  check_answered(world, world.client().request("GET_PARAMETER"), 401);
  check_answered(world, world.client().request("GET_PARAMETER"));
  check_answered(world, world.client().request("OPTIONS"));
  CHECK(world.run_to_the_end());
  check_contract(world);
}

TEST_CASE("a nonce that expires while the new server is established is answered anew") {
  Guarded guarded;
  guarded.world.b.personality.answer_delay = 20ms;
  SwitchedWorld world(guarded.world, guarded.service);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.b().count("SETUP") > 0; }, 2s));
  world.b().expire_nonces();
  CHECK(world.run_to_the_end());
  check_contract(world);
  CHECK(world.b().refusals(kClientAddress) == 2);
}

TEST_CASE("the service's password is wrong: the event says why, and the next server is asked") {
  Guarded guarded;
  guarded.world.servers = 3;
  guarded.service.password = "wrong word";
  const bool open_door = GENERATE(true, false);
  if (open_door) guarded.world.c.authentication.scheme = Scheme::kNone;
  guarded.service.detect.give_up = 2s;
  SwitchedWorld world(guarded.world, guarded.service);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  world.a().die(Death::kFin);
  if (open_door) {
    CHECK(world.run_to_the_end());
    check_contract(world);
    CHECK(world.dut.events().newest().server_to == "c");
  } else {
    REQUIRE(world.run_until([&] { return world.client().tcp().over(); }, 3s));
    REQUIRE(world.dut.events().size() == 1);
    CHECK(world.dut.events().newest().outcome.find("DESCRIBE: 401 Unauthorized") != std::string::npos);
  }
  CHECK(operator_view(world).find("wrong word") == std::string::npos);
  CHECK(switch_log(world).find("wrong word") == std::string::npos);
}

TEST_CASE("a server that answers heartbeats with 401 is alive") {
  Guarded guarded;
  SwitchedWorld world(guarded.world, guarded.service);
  world.run_for(5s);
  CHECK(world.a().refusals(kDeviceAddress) > 5);
  CHECK(world.dut.is_up(0));
}

}  // namespace
}  // namespace midstream::scenario
