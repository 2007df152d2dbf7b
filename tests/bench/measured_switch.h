// The switch under measurement: the real worker and the real control loop in one thread, on ports made
// of rings, with a clock that only the switch's own work moves.
//
// turn() polls the worker and then control, and moves the clock by the CPU time that they took;
// whatever the simulated peers do between two turns takes no time at all. So the clock shows how long
// one core would need that does both the worker's and control's work, with peers that answer at once.
// CPU time is the thread's own (what others get of the core meanwhile does not count), less what
// reading it costs.
#pragma once

#include <rte_mbuf.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "control/control_loop.h"
#include "dataplane/worker.h"

namespace midstream::bench {

inline const Address kServerA = Address::v4(0x0a630002);  // 10.99.0.2
inline const Address kServerB = Address::v4(0x0a630003);
inline const Address kDevice = Address::v4(0x0a6300fe);
inline constexpr uint16_t kRtspPort = 554;
enum Server : size_t { kA, kB };

// CPU time of this thread.
class CpuClock {
 public:
  CpuClock();
  Duration read() const;
  Duration cost() const { return cost_; }  // of one read()

 private:
  Duration cost_{};
};

class MeasuredSwitch {
 public:
  // Room for so many sessions, with two streams each. `more`: ports behind the two of rings.
  explicit MeasuredSwitch(size_t sessions, const std::vector<WorkerPort>& more = {});
  ~MeasuredSwitch();
  MeasuredSwitch(const MeasuredSwitch&) = delete;
  MeasuredSwitch& operator=(const MeasuredSwitch&) = delete;

  // False, and lost, if the port's ring is full: a NIC has no more room either.
  bool receive(Side side, Bytes frame);
  // Everything that has left: f(side, frame).
  void take_sent(const std::function<void(Side, Bytes)>& f);

  void turn(bool with_control = true);
  void wait(Duration duration) { now_ += duration; }
  void clients_come_by(uint16_t port) { client_port_ = port; }  // from now on
  Worker& worker() { return *worker_; }                         // to be polled by itself
  Time now() const { return now_; }

  struct Used {
    Duration worker{}, control{};
    Duration all() const { return worker + control; }
  };
  const Used& used() const { return used_; }
  void forget_used() { used_ = {}; }

  const WorkerStats& stats() const { return worker_->stats(); }
  const EventLog& events() const { return control_->events(); }
  const EventDetector& detector() const { return control_->detector(); }

 private:
  CpuClock clock_;
  Time now_{1s};
  uint16_t client_port_ = 0;
  Used used_;
  std::FILE* log_file_;
  Log log_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<midstream::Exchange> exchange_;
  std::unique_ptr<Mailboxes> mailboxes_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<ControlLoop> control_;
};

}  // namespace midstream::bench
