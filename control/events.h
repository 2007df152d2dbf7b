// The record of one stream change event or failover, and the ring of the newest of them.
//
// The four times of a failover, on one line (A's last packet at 0 ms):
//   0 ms        200 ms      205 ms     207 ms
//   last of A   event       B's PLAY   first new packet of B
//   |-detection-|-establish-|-catch up-|
//   |-------------- media gap ---------|
// A time that was never reached is absent, not zero: a failover that found no server has a detection
// and no more.
//
// Ids count from 1 and are never used twice while the switch runs. The ring forgets the oldest; a
// reader that follows with "what came after id N" sees every event that is still there, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/address.h"
#include "lib/base/time.h"
#include "lib/npt/npt.h"

namespace midstream {

struct StreamEvent {
  uint32_t index = 0;  // of the stream in its session
  std::string encoding;
  std::optional<Npt> position;   // of A's last packet
  std::string position_source;   // how it is known
  std::string cut_method;        // how B's first new packet was found
  uint64_t dropped_packets = 0;  // of B: already delivered by A
  bool padded = false;           // A left a packet half sent inside the connection, B has no such one
  std::optional<Npt> resume_position;  // what B was asked for
};

struct Event {
  uint64_t id = 0;  // given by EventLog
  int64_t unix_ns = 0;
  std::string service;
  Endpoint client;
  std::string session;  // the id that the client knows
  std::string cause;
  std::string server_from, server_to;  // server_to is empty if no server took over
  std::string outcome;                 // "resumed", "failed: ..."
  std::vector<std::string> refusals;   // "b: DESCRIBE: 404 Not Found": servers that were tried in vain
  std::optional<Duration> detection, establishment, catch_up, media_gap;
  Duration lag{};  // what the session has gathered over all its failovers
  std::vector<StreamEvent> streams;
};

nlohmann::json to_json(const Event& event);
std::string to_text(const Event& event);  // one log line, without a newline

inline constexpr size_t kKeptEvents = 10'000;  // about 10 MB; a storm of 10,000 sessions fits

class EventLog {
 public:
  uint64_t add(Event event);  // gives it the next id and returns that

  size_t size() const { return events_.size(); }
  const Event& newest() const { return events_.back(); }  // only if size() > 0

  // The whole answer to {"command":"events","after":...,"limit":...} (operator.h): the events with
  // ids above `after` (null: from the oldest that is kept), oldest first.
  nlohmann::json page(const nlohmann::json& after, size_t limit) const;

 private:
  std::deque<Event> events_;  // ids are consecutive
  uint64_t next_id_ = 1;
};

}  // namespace midstream
