// Seeds for the tests that leave timing, cutting and loss to chance. A test names how many it wants;
// the environment can ask for others, to repeat one or to search: SCENARIO_SEEDS=17 or
// SCENARIO_SEEDS=100-2000. Where a run is slow, SCENARIO_MOST_SEEDS=6 bounds what tests want.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace midstream::scenario {

inline std::vector<uint32_t> seeds(uint32_t count) {
  uint32_t first = 1, last = count;
  if (const char* most = std::getenv("SCENARIO_MOST_SEEDS"))
    last = std::min(count, static_cast<uint32_t>(std::stoul(most)));
  if (const char* wanted = std::getenv("SCENARIO_SEEDS")) {
    const std::string text = wanted;
    first = last = static_cast<uint32_t>(std::stoul(text));
    if (const size_t dash = text.find('-'); dash != std::string::npos)
      last = static_cast<uint32_t>(std::stoul(text.substr(dash + 1)));
  }
  std::vector<uint32_t> all;
  for (uint32_t seed = first; seed <= last; ++seed) all.push_back(seed);
  return all;
}

}  // namespace midstream::scenario
