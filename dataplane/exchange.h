// Frames on their way from the worker that received them to the worker that owns their client's
// address: one single-producer single-consumer ring for each pair of workers.
//
// A client address belongs to one worker, in both directions. Frames of one client keep their order as
// long as the NIC gives them to one queue. Example with two workers: a frame from 10.99.0.10, which
// hashes to worker 1, is received by worker 0 on a port with a single queue; it goes through the ring
// 0 -> 1, and worker 1 handles it at its next poll as if it had received it.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/net/packet.h"

namespace midstream {

struct PassedFrame {
  rte_mbuf* mbuf = nullptr;
  uint32_t port = 0;  // index in WorkerOptions::ports
  uint32_t unused = 0;
};

class Exchange {
 public:
  // Throws std::runtime_error if there is no memory.
  Exchange(unsigned workers, int numa_node);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  unsigned workers() const { return workers_; }

  // Worker `from` only. False if the ring is full: the frame is still the caller's.
  [[nodiscard]] bool pass(unsigned from, unsigned to, const PassedFrame& frame);
  // Worker `to` only.
  std::optional<PassedFrame> take(unsigned from, unsigned to);

 private:
  struct FreeRing {
    void operator()(rte_ring* ring) const { rte_ring_free(ring); }
  };
  rte_ring* ring(unsigned from, unsigned to) { return rings_[from * workers_ + to].get(); }

  unsigned workers_;
  std::vector<std::unique_ptr<rte_ring, FreeRing>> rings_;  // [from][to]; none to oneself
};

// The address that decides which worker handles a packet: its client's. Nothing for what has none (ARP,
// other protocols): whoever receives it handles it.
std::optional<Address> client_address(Bytes frame, const net::Packet& packet, bool client_side);

unsigned owner_of(const Address& client, unsigned workers);

}  // namespace midstream
