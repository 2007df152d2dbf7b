// A real network interface as a cable of a scripted segment, and the clock on the wall as its time.
//
// Frames that arrive go into the segment at the time of their arrival; what the segment sends to the
// cable leaves at once. run() advances the timeline with the clock: an event that is due while nothing
// arrives is run within a millisecond.
#pragma once

#include <functional>
#include <string>

#include "tests/scenario/network.h"

namespace midstream::scenario {

class Wire {
 public:
  // Throws std::runtime_error with a sentence if the interface cannot be had (that takes CAP_NET_RAW).
  Wire(Timeline& timeline, Segment& segment, const std::string& interface);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  MacAddress mac() const { return mac_; }
  // Until on_input says false; it is called when standard input can be read.
  void run(const std::function<bool()>& on_input);

 private:
  void advance();
  void receive_all();

  Timeline& timeline_;
  Segment& segment_;
  size_t cable_;
  MacAddress mac_;
  int socket_;
  Duration ahead_;  // of the timeline over the steady clock
};

}  // namespace midstream::scenario
