// Servers of every kind, and failovers between every two of them.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

struct Pair {
  NamedPersonality a, b;
};

std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const NamedPersonality& a : personalities())
    for (const NamedPersonality& b : personalities()) all.push_back({a, b});
  return all;
}

bool have_a_position_in_common(const Pair& p) {
  return p.a.personality.seekable() && p.b.personality.seekable();
}

TEST_CASE("a personality plays through the switch as it is") {
  const NamedPersonality kind = GENERATE(from_range(personalities()));
  CAPTURE(kind.name);
  WorldOptions options;
  options.a.personality = kind.personality;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  const bool live = kind.personality.live;
  if (live) {
    world.run_for(6s);
    CHECK(world.client().tracks()[0].rtp.size() > 300);
    check_contract_but_media(world, {.played_to_the_end = false});
  } else {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = kind.personality.says_bye});
  }
  CHECK(world.dut.events().size() == 0);
}

TEST_CASE("every personality takes over from every other one") {
  const Pair pair = GENERATE(from_range(pairs()));
  INFO(pair.a.name << " -> " << pair.b.name);
  WorldOptions options;
  options.a.personality = pair.a.personality;
  options.b.personality = pair.b.personality;
  const Death how = GENERATE(Death::kFin, Death::kReset);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 200));
  world.a().die(how);
  REQUIRE(world.run_until([&] { return world.dut.events().size() > 0; }, 8s));
  CHECK(world.dut.events().newest().outcome == "resumed");
  if (have_a_position_in_common(pair)) {
    CHECK(world.run_to_the_end());
    check_contract(world, {.bye_at_the_end = pair.b.personality.says_bye, .timestamp_tolerance = 1});
  } else {
    world.run_for(4s);
    // Each stream goes on where it was; the streams' positions do not agree better than their frames.
    check_contract_but_media(world, {.played_to_the_end = false, .report_tolerance_ms = 40});
  }
}

}  // namespace
}  // namespace midstream::scenario
