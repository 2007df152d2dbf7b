// The memory of all connections and streams, of all workers: allocated at start, never moved. Each
// worker uses its own range of both, so an index names a connection or a stream whoever owns it.
// Example, second of two workers: connections 1024 to 2047, streams 4096 to 8191.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/living.h"
#include "dataplane/stream_state.h"

namespace midstream {

inline constexpr unsigned kMaxWorkers = 15;  // a stream's index has 16 bits, and one value means none
static_assert(kMaxWorkers * kMaxStreamStates <= kNoStream);

// The worker that a connection's index belongs to.
constexpr unsigned worker_of(uint32_t connection) { return connection / kMaxConnections; }

class Tables {
 public:
  Tables(unsigned workers, size_t services, size_t servers);

  std::span<Connection> connections() { return {connections_.get(), streams_.size() / kPerConnection}; }
  std::span<StreamState> streams() { return streams_; }
  LivingConnections& living() { return living_; }
  // Bytes in custody by connection, of those with media inside. The worker writes, all may read.
  std::span<std::atomic<uint32_t>> custody() { return custody_; }

 private:
  static constexpr uint32_t kPerConnection = kMaxStreamStates / kMaxConnections;

  std::unique_ptr<Connection[], void (*)(Connection*)> connections_;
  std::vector<StreamState> streams_;
  LivingConnections living_;
  std::vector<std::atomic<uint32_t>> custody_;
};

}  // namespace midstream
