// A process that can be stopped (SIGSTOP): what it would do then waits until it is thawed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace midstream::scenario {

class Process {
 public:
  void run(std::function<void()> action) {
    if (frozen_) {
      waiting_.push_back(std::move(action));
    } else {
      action();
    }
  }
  void freeze() { frozen_ = true; }
  void thaw() {
    frozen_ = false;
    for (auto& action : std::exchange(waiting_, {})) run(std::move(action));
  }
  void forget() { waiting_.clear(); }

 private:
  bool frozen_ = false;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace midstream::scenario
