// The two ports of bench-path with callbacks of ethdev's on them: they let frames pass while the meter
// runs, make every turn of the capture go on where the one before ended, and read the time stamp
// counter where receive returns and where send is called.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "lib/base/time.h"

namespace midstream::bench {

class MeteredPorts {
 public:
  struct Figures {
    uint64_t packets = 0, sent = 0;
    uint64_t cycles = 0;      // return of receive to call of send
    uint64_t cycles_all = 0;  // less those of the callbacks
    double seconds = 0;       // the same
  };

  // `frames` that the capture has.
  MeteredPorts(uint16_t in, uint16_t out, uint64_t frames);
  ~MeteredPorts();
  MeteredPorts(const MeteredPorts&) = delete;
  MeteredPorts& operator=(const MeteredPorts&) = delete;

  // Polls for so long; the time that is passed goes on from `begin`, run by run.
  Figures run(const std::function<void(Time)>& poll, Time begin, double seconds);

 private:
  struct State;
  State* state_;
};

nlohmann::json report(const std::vector<MeteredPorts::Figures>& rounds, const nlohmann::json& drops);

}  // namespace midstream::bench
