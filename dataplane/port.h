// Ethernet ports as DPDK has them: brought up with one receive and one transmit queue a worker.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <string>

#include "lib/base/address.h"

namespace midstream {

struct PortInfo {
  uint16_t id = 0;
  MacAddress mac;
  uint16_t mtu = 1500;
  std::string name;
};

// Throws std::runtime_error with a sentence that names the port and what failed.
PortInfo start_port(uint16_t id, uint16_t queues, rte_mempool* pool);
void stop_port(uint16_t id);

}  // namespace midstream
