// A hashed timer wheel driven by the time that is passed in. Entries are small integers (an index
// into the owner's table); an entry has at most one timer. Constant time to set, move and cancel;
// advance() costs one step per tick passed (a whole turn at most) and one call per timer due. Never
// early; late by at most one tick plus the distance between two calls. Memory is allocated once.
//
// Time is cut into ticks; a timer hangs in the list of slot `tick % slots` and stays there, turn
// after turn, until its own tick has come. Example with 1 ms ticks and 4 slots, now 10.2 ms (tick
// 10): a timer for 12.5 ms is due at tick 13, slot 1; one for 17 ms at tick 17, slot 1 too.
// advance(13 ms) looks at slots 3, 0 and 1, fires the first and leaves the second.
#pragma once

#include <algorithm>
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

  // Calls fire(entry) for every timer due; fire may set and cancel timers, its own too. What fire
  // sets is not fired before the next tick, so a call always ends. Timers fire in the order of
  // their ticks, unless more than a whole turn has passed. Time that goes back is ignored.
  template <typename Fire>
  void advance(Time now, Fire&& fire);

 private:
  // Circular lists: an entry's node, or a list's head. A node linked to itself is in no list.
  struct Node {
    uint32_t next, previous;
    int64_t due_tick;
  };

  int64_t tick_of(Time time) const { return time.time_since_epoch() / tick_; }
  uint32_t slot_head(int64_t tick) const { return entries_ + static_cast<uint32_t>(tick % slots_); }
  uint32_t due_head() const { return entries_ + slots_; }
  void link(uint32_t head, uint32_t node);  // at the end of the list
  void unlink(uint32_t node);
  void collect(int64_t slot_tick);  // moves what is due in that slot to the due list

  uint32_t entries_;
  uint32_t slots_;
  Duration tick_;
  int64_t current_tick_ = 0;
  std::vector<Node> nodes_;  // entries, then a head per slot, then the head of the due list
};

template <typename Fire>
void TimerWheel::advance(Time now, Fire&& fire) {
  const int64_t now_tick = tick_of(now);
  if (now_tick <= current_tick_) return;
  // One turn sees every slot, however long nobody called.
  const int64_t first = std::max(current_tick_ + 1, now_tick - slots_ + 1);
  current_tick_ = now_tick;
  for (int64_t tick = first; tick <= now_tick; ++tick) {
    collect(tick);
    while (nodes_[due_head()].next != due_head()) {
      const uint32_t entry = nodes_[due_head()].next;
      unlink(entry);
      fire(entry);
    }
  }
}

}  // namespace midstream
