// Decides where a failed connection goes and sees it through (seed: the failover manager).
//
// A failover is: frozen connection in, candidates in the service's order of preference, one
// establishment after the other until one is done, connection handed back to the worker behind every
// frame that came meanwhile. The server that has failed is the last candidate, and only once it has
// shown that it lives. When none is done within `give_up`, the client is told; the event has every
// server's reason. A client that tears down or leaves meanwhile needs no server: the failover ends, and
// the worker sees the client off.
//
// When a server with thousands of sessions dies they come all at once. A turn does so much work and no
// more, answers first, and few attempts are begun before others have ended: what they bring along (each
// answer to PLAY is followed by a burst of media) must find room in the ports' rings. One that takes
// long is a slow server's and holds up nobody. Nothing is looked at before it is due.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "control/attempts.h"
#include "control/client_watch.h"
#include "control/events.h"
#include "control/log.h"
#include "control/owed_teardown.h"
#include "lib/base/timer_wheel.h"

namespace midstream {

class FailoverManager {
 public:
  struct Dependencies {
    const Config& config;
    Network& network;
    Mailboxes& mailbox;
    Random& random;
    OwedTeardowns& owed;
    EventLog& events;
    Log& log;
    std::span<StreamState> streams;
    int64_t unix_offset_ns = 0;                 // UNIX time at Time{}
    std::function<bool(size_t server)> usable;  // not known to be down
    // It has given a sign of life since then, as far as anybody asks it for one.
    std::function<bool(size_t server, Time then)> alive_since;
    size_t connections = 0;  // so many there may be
  };

  explicit FailoverManager(Dependencies dependencies);
  ~FailoverManager();

  void on_frozen(Connection& connection, Time now);                              // takes ownership
  void on_frame(uint32_t connection, rte_mbuf* frame, uint16_t port, Time now);  // takes the frame
  void on_resumed(const ToControl& mail);
  void poll(Time now);

  size_t active() const { return failovers_.size(); }

 private:
  struct Queued {
    rte_mbuf* frame;
    uint16_t port;
  };
  struct Failover {
    Connection* connection = nullptr;
    Event event;
    StreamEstablishment::Positions positions{};
    Attempts::Attempt attempt;
    Time begun{};                            // the attempt
    bool waiting = false;                    // for a turn that has time for its next attempt
    std::optional<size_t> settling;          // owed a TEARDOWN first; then comes its attempt
    std::vector<size_t> tried;               // in this round
    std::map<size_t, std::string> refusals;  // by server: why it was not it, newest
    bool accurate = true;                    // until a server falls silent on an accurate seek
    std::vector<Queued> queue;               // frames of the client, in order
    std::unique_ptr<ClientWatch> watch;      // what they say, if there are any
    Time next_attempt{};
    Time give_up{};
  };
  // Handed back; waits for the first new packet of every stream.
  struct Resuming {
    Event event;
    Time done_at{};
    Time deadline{};
    std::optional<Time> first_packet;
    size_t streams_left = 0;
    // By session and stream: index into event.streams, or kNoRow.
    std::array<std::array<uint8_t, rtsp::kMaxStreams>, rtsp::kMaxSessions> row;
  };
  static constexpr uint8_t kNoRow = UINT8_MAX;

  void wait_for_turn(Failover& failover);
  void begin_waiting(Time now);
  bool may_begin(Time now);
  void on_timer(uint32_t connection, Time now);
  void arm(Failover& failover, Time now);
  void end_resuming(uint32_t connection, const char* outcome);
  void next_attempt(Failover& failover, Time now);
  void begin_attempt(Failover& failover, size_t server, Time now);
  void attempt_failed(Failover& failover, Time now);
  void cancel_attempt(Failover& failover, Time now);
  void settle(Failover& failover, Time now);
  void owe_old_server(const Connection& c, Time now);
  std::optional<size_t> choose(const Failover& failover) const;
  void hand_back(Failover& failover, Time now);
  void abandon(Failover& failover, Time now);
  void end(Failover& failover, Time now);
  void give_back(Failover& failover, ToWorker::Kind kind);
  // failover_event.cc
  static bool is_moved(const rtsp::Session& session);
  static bool has_place(const rtsp::Session& session);
  void describe(Failover& failover);
  void name_refusals(Failover& failover);
  Resuming begin_resuming(Failover& failover, Time now);
  void finish(Event event);

  Dependencies d_;
  Attempts attempts_;
  std::unordered_map<uint32_t, Failover> failovers_;  // by connection
  std::unordered_map<uint32_t, Resuming> resuming_;   // likewise; never in both
  std::deque<uint32_t> waiting_;                      // some may have ended since
  TimerWheel timers_;                                 // by connection
  struct Begun {
    uint32_t connection;
    Time at;
  };
  std::deque<Begun> young_;  // the newest attempts; some may have ended
  size_t answers_ = 0;       // of servers, in this turn
};

}  // namespace midstream
