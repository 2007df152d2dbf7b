// The memory of all connections and streams, of all workers: allocated at start, never moved. Each
// worker uses its own range of both, so an index names a connection or a stream whoever owns it.
// Example, second of two workers, of 1024 connections and 4096 streams each: connections 1024 to 2047,
// streams 4096 to 8191.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/living.h"
#include "dataplane/stream_state.h"
#include "dataplane/table_memory.h"
#include "dataplane/worker_options.h"

namespace midstream {

inline constexpr unsigned kMaxWorkers = 32;  // the rings between them take 32 MB then

// Four for each connection (the client's side, the dialled server's, the current one's, and one that
// was left), and for each stream RTP and RTCP from the server, from the client, and behind a fence.
constexpr uint32_t flow_keys(const TableSizes& sizes) {
  return 4 * sizes.connections + 6 * sizes.streams;
}

class Tables {
 public:
  // `nodes`: each worker's NUMA node. Throws std::runtime_error if there is no memory.
  Tables(const TableSizes& sizes, const std::vector<int>& nodes, size_t services, size_t servers);

  const TableSizes& sizes() const { return sizes_; }
  std::span<Connection> connections() { return connections_.all(); }
  std::span<StreamState> streams() { return streams_.all(); }
  LivingConnections& living() { return living_; }
  // Bytes in custody by connection, of those with media inside. The worker writes, all may read.
  std::span<std::atomic<uint32_t>> custody() { return custody_.all(); }

 private:
  TableSizes sizes_;
  Table<Connection> connections_;
  Table<StreamState> streams_;
  LivingConnections living_;
  Table<std::atomic<uint32_t>> custody_;
};

}  // namespace midstream
