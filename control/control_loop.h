// The control core, one turn at a time: mail from the worker, the network, the event detector, the
// failover manager. Start here to read control.
#pragma once

#include <unordered_map>

#include "control/event_detector.h"
#include "control/failover_manager.h"
#include "control/owed_teardown.h"
#include "dataplane/worker.h"

namespace midstream {

struct ControlOptions {
  Config config;
  std::vector<ControlPort> ports;  // in the order of the configuration
  rte_mempool* pool = nullptr;
  uint64_t seed = 0;
  int64_t unix_offset_ns = 0;                      // UNIX time at Time{}
  std::span<StreamState> streams;                  // the workers'
  std::vector<const WorkerStats*> stats;           // by worker, for the operator
  std::span<const std::atomic<uint32_t>> custody;  // bytes by connection
};

// The services as workers know them.
std::vector<WorkerService> worker_services(const Config& config);

class ControlLoop {
 public:
  ControlLoop(ControlOptions options, Mailboxes& mailbox, Log& log);
  ~ControlLoop();

  // One turn. True if there was anything to do.
  bool poll(Time now);

  // The whole answer to one operator's request.
  nlohmann::json answer(const nlohmann::json& request) const;

  const EventLog& events() const { return events_; }
  const EventDetector& detector() const { return detector_; }

 private:
  template <typename F>
  bool take_mail(F handle);
  void handle(const ToControl& mail, Time now);
  void keep(SessionReport* report);

  // view.cc
  nlohmann::json server_rows() const;
  nlohmann::json counter_rows() const;
  nlohmann::json worker_rows() const;
  void add_session_row(const SessionReport& report, nlohmann::json& rows) const;
  void add_stream_rows(const SessionReport& report, nlohmann::json& rows) const;

  // A session's row keeps its key while the session lives.
  static uint64_t session_key(const SessionReport& report) {
    return uint64_t{report.connection} << 3 | report.session;
  }

  ControlOptions options_;
  Mailboxes& mailbox_;
  Random random_;
  EventLog events_;
  Network network_;
  EventDetector detector_;
  OwedTeardowns owed_;
  FailoverManager failovers_;
  std::unordered_map<uint64_t, SessionReport> sessions_;
  Time now_{};
};

}  // namespace midstream
