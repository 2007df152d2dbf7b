// The switch under test between the two segments of a world: the real worker and the real control loop
// in one thread, in virtual time, on DPDK ports made of rings.
//
// It has two workers, and every frame arrives at the one that does not own its client's address, so
// that each is handed over. It is polled as soon as a frame arrives, every 50 us while it is busy, and
// every millisecond otherwise. Its log lines, its drops and its events go into the packet log. Ports
// and packet pool live as long as the process; when a fixture ends, every buffer must be back in the
// pool.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "control/config.h"
#include "control/events.h"
#include "dataplane/worker_options.h"
#include "tests/scenario/world.h"

namespace midstream {
class ControlLoop;
}

namespace midstream::scenario {

inline const Address kDeviceAddress = Address::v4(0x0a6300fe);       // 10.99.0.254
inline const Address kOtherDeviceAddress = Address::v4(0x0a6200fe);  // 10.98.0.254
inline const Address kDeviceAddress6 = parse_address("fd00:99::fe").value();

struct SwitchOptions {
  HeartbeatConfig heartbeat;
  DetectConfig detect;
  Balance balance = Balance::kFirst;
  std::string user, password;  // of the service
  size_t max_kept = WorkerOptions{}.max_kept;
  TableSizes tables{256, 1024};
};

class SwitchFixture {
 public:
  SwitchFixture(World& world, const SwitchOptions& options);
  ~SwitchFixture();
  SwitchFixture(const SwitchFixture&) = delete;
  SwitchFixture& operator=(const SwitchFixture&) = delete;

  const EventLog& events() const;
  bool is_up(size_t server) const;   // heartbeats are answered
  bool usable(size_t server) const;  // not known to be down
  WorkerStats stats() const;         // of both workers
  ControlLoop& control();
  size_t owed(const std::string& server) const;  // TEARDOWNs, as the operator is shown
  // Frames that take another way from now on, as after a change of routes.
  void detour(Segment::Filter which) { detour_ = std::move(which); }
  uint64_t drops(Drop reason) const { return stats().drops[static_cast<size_t>(reason)]; }

 private:
  struct Parts;  // apart: their headers take longer to compile than most scenarios

  void receive(size_t port, const Frame& frame);
  void schedule(Duration delay);
  void poll();
  bool poll_workers(Time now);
  void send_out();
  void write_remarks();

  World& world_;
  size_t cable_[2] = {};  // to the clients' and to the servers' segment
  Segment::Filter detour_;
  std::optional<Timeline::Key> next_poll_;
  char* text_ = nullptr;  // the switch's log
  size_t text_bytes_ = 0, text_shown_ = 0;
  std::FILE* text_file_;
  std::unique_ptr<Parts> parts_;
};

// A world with the switch in it. Heartbeats have found all servers before the test begins.
struct SwitchedWorld : World {
  explicit SwitchedWorld(const WorldOptions& options = {}, const SwitchOptions& switch_options = {});

  SwitchFixture dut;
};

}  // namespace midstream::scenario
