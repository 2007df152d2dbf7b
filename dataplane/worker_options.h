// What a worker is told at its start, and what it counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/drop.h"
#include "lib/base/address.h"
#include "lib/base/balance.h"
#include "lib/base/time.h"
#include "lib/rtsp/session.h"
#include "lib/rtsp/translation.h"

struct rte_mempool;

namespace midstream {

struct TableSizes {  // of each worker: a client's address decides which one it is
  uint32_t connections = 4096;
  uint32_t streams = 8192;
};

struct WorkerPort {
  uint16_t id = 0;  // DPDK's
  bool client_side = false;
  uint16_t mtu = 1500;
  uint16_t receive_queues = 1;  // worker i polls queue i, if there is one
  MacAddress mac;
};

struct WorkerService {
  Endpoint endpoint;                   // what clients dial
  std::optional<uint16_t> own_server;  // the server whose address it is; none: a virtual address
  std::vector<uint16_t> servers;       // in order of preference
  Balance balance = Balance::kFirst;
  rtsp::AddressText text;        // of the endpoint
  bool has_credentials = false;  // the establishment can answer a server's challenge
};

struct WorkerOptions {
  std::vector<WorkerPort> ports;  // index is the port number that mail uses
  std::vector<WorkerService> services;
  std::vector<Address> server_addresses;  // by server index
  std::vector<Address> device_addresses;
  Duration stall = 200ms;
  rte_mempool* pool = nullptr;
  unsigned index = 0;      // which worker this is: its transmit queue too
  size_t max_kept = 8192;  // frames of the pool that may wait for a cut; the rest is for the ports
  int numa_node = 0;
};

// Single writer, the worker; control reads them without order (plain counters, torn reads cannot
// happen on 64-bit machines).
struct WorkerStats {
  uint64_t received = 0, transmitted = 0, polls = 0;
  uint64_t passed = 0;                                 // to the worker that owns the client's address
  uint64_t connections = 0, not_tracked = 0;           // not_tracked: table full
  uint64_t garbage = 0;                                // bytes between frames that are neither
  uint64_t custody_bytes = 0, custody_buffers = 0;     // now, of media inside connections
  uint64_t custody_let_go = 0;                         // times that the bound was met
  uint64_t unprotected[rtsp::kUnprotectedCount] = {};  // by rtsp::Unprotected
  uint64_t drops[kDropCount] = {};

  WorkerStats& operator+=(const WorkerStats& other);
};

}  // namespace midstream
