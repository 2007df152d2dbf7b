// Heartbeat and probe of one server: RTSP OPTIONS on a connection of the device's own.
//
// Every interval one OPTIONS; `multiplier` in a row unanswered and the server is down. A connection
// that closes is opened again at once: a process that is gone refuses, and is down without waiting.
// A probe asks now: it is answered by any OPTIONS answer from then on, and fails after kProbeWait.
#pragma once

#include "control/config.h"
#include "control/network.h"
#include "lib/tcp/endpoint.h"

namespace midstream {

// What a server that is alive but busy may take for an OPTIONS; two retransmissions fit into it.
inline constexpr Duration kProbeWait = 250ms;

enum class ServerState : uint8_t { kUnknown, kUp, kDown };
const char* to_string(ServerState state);

class Heartbeat {
 public:
  Heartbeat(size_t server, uint16_t port, const HeartbeatConfig& config, Network& network,
            Random& random);

  void poll(Time now);
  void probe(Time now);

  enum class ProbeResult : uint8_t { kNone, kPending, kAlive, kDead };
  ProbeResult take_probe_result();  // kAlive and kDead are given once

  ServerState state() const { return state_; }
  Cause cause() const { return cause_; }  // why it is down
  void mark_down(Cause cause, Time now);  // others found out
  Time since() const { return since_; }
  // It has answered since then; one that nobody asks regularly gets the benefit of the doubt.
  bool alive_since(Time then) const {
    return state_ != ServerState::kDown &&
           (answered_ >= then || config_.kind == HeartbeatConfig::Kind::kNone);
  }
  std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  void open(Time now);
  void send_options(Time now);
  void on_segment(const tcp::Segment& segment, Time now);
  void on_answer(Time now);
  void watch_connection(Time now);
  void change(ServerState state, Time now);

  size_t server_;
  uint16_t remote_port_;
  HeartbeatConfig config_;
  Network& network_;
  Random& random_;
  tcp::Endpoint endpoint_;
  uint16_t local_port_ = 0;
  uint32_t cseq_ = 0;
  uint32_t missed_ = 0;
  bool opened_ = false;
  Time asked_ = Time::max();  // oldest OPTIONS without an answer
  Time answered_{};           // the newest answer
  Time next_{};
  Time probe_until_ = Time::max();
  ProbeResult probe_ = ProbeResult::kNone;
  ServerState state_ = ServerState::kUnknown;
  Cause cause_ = Cause::kHeartbeat;
  Time since_{};
  std::optional<Duration> round_trip_;
};

}  // namespace midstream
