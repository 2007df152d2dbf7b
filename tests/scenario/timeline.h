// Virtual time: a queue of events. Nothing waits; advancing runs what is due, in order of time and,
// at the same instant, in order of scheduling. The same program and seed give the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "lib/base/time.h"

namespace midstream::scenario {

class Timeline {
 public:
  using Event = std::function<void()>;
  using Key = std::pair<Time, uint64_t>;

  Time now() const { return now_; }

  // The past means now.
  Key at(Time when, Event event) {
    Key key{std::max(when, now_), ++serial_};
    events_.emplace(key, std::move(event));
    return key;
  }
  Key after(Duration delay, Event event) { return at(now_ + delay, std::move(event)); }
  void cancel(Key key) { events_.erase(key); }

  // When the next event is due.
  std::optional<Time> next() const {
    return events_.empty() ? std::nullopt : std::optional(events_.begin()->first.first);
  }

  void run_for(Duration duration) { run_to(now_ + duration); }
  // True as soon as the condition holds; false if it did not within the time limit.
  template <typename Condition>
  bool run_until(Condition&& condition, Duration limit) {
    const Time end = now_ + limit;
    while (!condition()) {
      if (events_.empty() || events_.begin()->first.first > end) {
        now_ = end;
        return condition();
      }
      step();
    }
    return true;
  }

 private:
  void run_to(Time end) {
    while (!events_.empty() && events_.begin()->first.first <= end) step();
    now_ = end;
  }
  void step() {
    auto node = events_.extract(events_.begin());
    now_ = node.key().first;
    node.mapped()();
  }

  Time now_{1s};  // not zero: a forgotten Time{} is then seen to be in the past
  uint64_t serial_ = 0;
  std::map<Key, Event> events_;
};

}  // namespace midstream::scenario
