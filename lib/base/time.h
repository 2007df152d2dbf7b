// Time is a parameter. Nothing below main() reads a clock: a Time comes in with every call, be it
// the machine's monotonic clock, the packets' own time in a replay, or a test's virtual time.
#pragma once

#include <chrono>
#include <cstdint>

namespace midstream {

// Names the time line; deliberately has no now().
struct MonotonicTimeline {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<MonotonicTimeline, Duration>;

using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr double to_ms(Duration d) { return static_cast<double>(d.count()) / 1e6; }
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace midstream
