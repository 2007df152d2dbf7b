// Any server fails at any moment in any way, on any network: the contract holds. Each seed is a run of
// its own; one that fails is run again with its packets logged. SCENARIO_SEEDS=17 replays one.
#include "tests/scenario/randomized.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "tests/scenario/seeds.h"

namespace midstream::scenario {
namespace {

constexpr uint32_t kSeeds = 60;       // in a run of all scenarios; CI asks for many more
constexpr size_t kEnoughFailed = 20;  // tells more than any number

TEST_CASE("randomized: any failure at any moment holds the contract") {
  const auto all = seeds(kSeeds);
  const bool alone = all.size() == 1;
  size_t passed = 0, failed = 0;
  for (const uint32_t seed : all) {
    const Choice choice = choose(seed);
    if (alone) std::cerr << choice.text() << '\n';
    Findings found = run(choice, alone);
    if (!found.empty() && !alone && failed == 0) found = run(choice, true);
    INFO(choice.text());
    CHECK(found == Findings{});
    ++(found.empty() ? passed : failed);
    if (failed == kEnoughFailed) break;
  }
  std::cerr << "randomized: " << passed << " passed, " << failed << " failed\n";
}

}  // namespace
}  // namespace midstream::scenario
