// Cables and Ethernet switches, and what goes wrong on them.
//
// A Segment is a learning, flooding switch; whatever is attached to it hangs on a cable of its own
// with a quality in each direction. A test world has two segments, one on each side of the switch
// under test (or of a plain bridge, when the harness tests itself):
//
//   client --- [ clients' segment ] --- switch under test --- [ servers' segment ] --- a, b, c
//
// Frames of one cable and direction stay in order unless `reorder` picks one to be late.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "lib/base/address.h"
#include "lib/base/random.h"
#include "tests/scenario/packet_log.h"
#include "tests/scenario/timeline.h"

namespace midstream::scenario {

struct LinkQuality {
  Duration delay = 50us;
  Duration jitter{0};  // up to this much more, order kept
  double loss = 0, duplication = 0, reorder = 0;
  Duration reorder_delay = 2ms;
  bool up = true;
};

class Segment {
 public:
  using Receive = std::function<void(const Frame&)>;
  using Filter = std::function<bool(const Frame&)>;  // true: lose this frame

  Segment(Timeline& timeline, PacketLog& log, uint64_t seed)
      : timeline_(timeline), log_(log), random_(seed) {}

  // Cables of hosts are logged at the host's end, cables of the switch under test are not.
  size_t attach(std::string name, bool logged, Receive receive);
  void send(size_t cable, const Frame& frame);

  LinkQuality& from(size_t cable) { return cables_[cable].inward.quality; }  // host -> segment
  LinkQuality& to(size_t cable) { return cables_[cable].outward.quality; }   // segment -> host
  void lose_to(size_t cable, Filter filter) { cables_[cable].outward.filter = std::move(filter); }
  void lose_from(size_t cable, Filter filter) { cables_[cable].inward.filter = std::move(filter); }

 private:
  struct Way {
    LinkQuality quality;
    Filter filter;
    Time last_delivery;
  };
  struct Cable {
    std::string name;
    bool logged;
    Receive receive;
    Way inward, outward;
  };

  void transmit(Way& way, const Frame& frame, const std::function<void(const Frame&)>& deliver,
                const std::function<void(std::string)>& log);
  void forward(size_t from, const Frame& frame);
  void deliver(size_t cable, const Frame& frame);
  bool chance(double probability) { return random_.u32() < probability * 4294967296.0; }

  Timeline& timeline_;
  PacketLog& log_;
  Random random_;
  std::deque<Cable> cables_;  // events hold references
  std::map<MacAddress, size_t> learned_;
};

// A wire in place of the switch under test.
void bridge(Segment& one, Segment& other);

}  // namespace midstream::scenario
