// Turns heartbeats, probes and the worker's suspicions into stream change events: "this connection",
// or "this whole server, must move now".
//
// A suspicion (silence, BYE, ICMP) is put to the server by a probe. An answer clears it; none within
// kProbeWait makes it an event. A server that goes down takes all its sessions along.
#pragma once

#include <memory>
#include <vector>

#include "control/heartbeat.h"
#include "control/log.h"

namespace midstream {

class EventDetector {
 public:
  EventDetector(const Config& config, Network& network, Mailboxes& mailbox, Random& random, Log& log,
                int64_t unix_offset_ns);

  void poll(Time now);
  void on_suspect(const ToControl& mail, Time now);

  const Heartbeat& server(size_t index) const { return *heartbeats_[index]; }
  bool usable(size_t index) const { return heartbeats_[index]->state() != ServerState::kDown; }

 private:
  struct Suspect {
    uint32_t connection, generation;
  };

  void answer_suspects(size_t server, bool alive);
  void announce(size_t server, Time now);

  const Config& config_;
  Mailboxes& mailbox_;
  Log& log_;
  int64_t unix_offset_ns_;
  std::vector<std::unique_ptr<Heartbeat>> heartbeats_;
  std::vector<std::vector<Suspect>> suspects_;  // by server
  std::vector<ServerState> announced_;
};

}  // namespace midstream
