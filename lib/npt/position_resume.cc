#include <algorithm>

#include "lib/npt/position.h"

namespace midstream {
namespace {

// 10 ms are whole ticks at 8000, 16000, 44100, 48000 and 90000 Hz: asked for such positions, two
// servers round alike, and their timestamps differ by one constant.
constexpr int64_t kGridNs = 10'000'000;
constexpr int64_t kGridPerSecond = 100;

// gst-rtsp-server reads "10.02" as a double, multiplies it by 1e9 and cuts off the rest. Where that
// comes out one nanosecond short of what was meant, its timestamps come out one tick short.
// (steps / 100.0 is what strtod makes of the printed decimal: both are correctly rounded.)
bool survives_double(int64_t steps) {
  const double seconds = static_cast<double>(steps) / static_cast<double>(kGridPerSecond);
  return static_cast<int64_t>(seconds * 1e9) == steps * kGridNs;
}

int64_t floor_to_grid(int64_t ns) { return ns / kGridNs - (ns % kGridNs < 0); }

}  // namespace

Npt Position::resume_from() const {
  int64_t ticks_back = 0;
  if (anchored_) {
    ticks_back = std::max(current_.farthest_back, previous_.farthest_back) + frame_ticks_;
  }
  const int64_t wanted = (anchored_ ? at(newest_timestamp_ - ticks_back) : newest()).ns;
  const bool forward = scale_millionths_ > 0;
  int64_t steps = forward ? floor_to_grid(wanted) : -floor_to_grid(-wanted);
  // Whole seconds always survive, so this ends within a hundred steps.
  while (!survives_double(steps) && steps % kGridPerSecond != 0) steps += forward ? -1 : 1;

  // At the floor the first server was asked for the very same decimal: no grid is needed.
  const Npt on_grid{steps * kGridNs};
  return forward ? std::max(on_grid, floor_) : std::min(on_grid, floor_);
}

}  // namespace midstream
