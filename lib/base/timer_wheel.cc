#include "lib/base/timer_wheel.h"

#include <cassert>

namespace midstream {

TimerWheel::TimerWheel(uint32_t entries, Duration tick, uint32_t slots)
    : entries_(entries), slots_(slots), tick_(tick), nodes_(size_t{entries} + slots + 1) {
  assert(tick > Duration::zero() && slots > 0);
  for (uint32_t i = 0; i < nodes_.size(); ++i) nodes_[i] = {.next = i, .previous = i, .due_tick = 0};
}

void TimerWheel::set(uint32_t entry, Time when) {
  assert(entry < entries_);
  const Duration since_start = when.time_since_epoch();
  const int64_t rounded_up = since_start / tick_ + (since_start % tick_ > Duration::zero() ? 1 : 0);
  unlink(entry);
  nodes_[entry].due_tick = std::max(rounded_up, current_tick_ + 1);
  link(slot_head(nodes_[entry].due_tick), entry);
}

void TimerWheel::cancel(uint32_t entry) {
  assert(entry < entries_);
  unlink(entry);
}

bool TimerWheel::armed(uint32_t entry) const {
  assert(entry < entries_);
  return nodes_[entry].next != entry;
}

void TimerWheel::link(uint32_t head, uint32_t node) {
  const uint32_t last = nodes_[head].previous;
  nodes_[node].next = head;
  nodes_[node].previous = last;
  nodes_[last].next = node;
  nodes_[head].previous = node;
}

void TimerWheel::unlink(uint32_t node) {
  const Node& self = nodes_[node];
  nodes_[self.next].previous = self.previous;
  nodes_[self.previous].next = self.next;
  nodes_[node].next = nodes_[node].previous = node;
}

void TimerWheel::collect(int64_t slot_tick) {
  const uint32_t head = slot_head(slot_tick);
  for (uint32_t node = nodes_[head].next; node != head;) {
    const uint32_t next = nodes_[node].next;
    if (nodes_[node].due_tick <= current_tick_) {
      unlink(node);
      link(due_head(), node);
    }
    node = next;
  }
}

}  // namespace midstream
