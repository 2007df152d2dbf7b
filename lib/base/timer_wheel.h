// A hashed timer wheel driven by the time that is passed in. Entries are small integers (an index
// into the owner's table); an entry has at most one timer. Constant time to set, move and cancel;
// advance() costs one step per tick passed and one call per timer due. Never early; late by at most
// one tick plus the distance between two calls. Memory is allocated once.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/time.h"

namespace midstream {

class TimerWheel {
 public:
  TimerWheel(uint32_t entries, Duration tick = 1ms, uint32_t slots = 4096);

  void set(uint32_t entry, Time when);  // replaces the entry's timer; the past means next tick
  void cancel(uint32_t entry);
  bool armed(uint32_t entry) const;

  // Calls fire(entry) for every timer due; fire may set and cancel timers, its own too.
  template <typename Fire>
  void advance(Time now, Fire&& fire);

 private:
  // (the implementer adds members here)
};

}  // namespace midstream
