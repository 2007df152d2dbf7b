// Ethernet ports as DPDK has them: brought up with a transmit queue for each worker, and as many
// receive queues as the port has, up to one for each.
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
  uint16_t receive_queues = 1;
  std::string name;
};

// Throws std::runtime_error with a sentence that names the port and what failed.
PortInfo start_port(uint16_t id, unsigned workers, rte_mempool* pool);
void stop_port(uint16_t id);

}  // namespace midstream
