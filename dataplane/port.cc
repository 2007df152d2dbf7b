#include "dataplane/port.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <stdexcept>

namespace midstream {
namespace {

constexpr uint16_t kDescriptors = 1024;  // 10 ms of a full gigabit of 1500-byte frames

void check(int result, const std::string& name, const char* what) {
  if (result >= 0) return;
  throw std::runtime_error("port " + name + " cannot " + what + ": " + rte_strerror(-result));
}

}  // namespace

PortInfo start_port(uint16_t id, unsigned workers, rte_mempool* pool) {
  PortInfo port;
  port.id = id;
  char name[RTE_ETH_NAME_MAX_LEN];
  port.name = rte_eth_dev_get_name_by_port(id, name) == 0 ? name : std::to_string(id);

  rte_eth_dev_info info;
  check(rte_eth_dev_info_get(id, &info), port.name, "tell what it can do");
  if (info.max_tx_queues < workers) {
    throw std::runtime_error("port " + port.name + " has " + std::to_string(info.max_tx_queues) +
                             " transmit queue(s), but each of the " + std::to_string(workers) +
                             " workers needs one: use fewer lcores, or give the port more queues");
  }
  const auto transmit_queues = static_cast<uint16_t>(workers);
  port.receive_queues = std::min(info.max_rx_queues, transmit_queues);
  rte_eth_conf conf{};
  check(rte_eth_dev_configure(id, port.receive_queues, transmit_queues, &conf), port.name,
        "be configured");
  uint16_t receive = kDescriptors, transmit = kDescriptors;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(id, &receive, &transmit), port.name, "size its rings");
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(id));
  for (uint16_t queue = 0; queue < port.receive_queues; ++queue) {
    check(rte_eth_rx_queue_setup(id, queue, receive, node, nullptr, pool), port.name, "receive");
  }
  for (uint16_t queue = 0; queue < transmit_queues; ++queue) {
    check(rte_eth_tx_queue_setup(id, queue, transmit, node, nullptr), port.name, "transmit");
  }
  check(rte_eth_dev_start(id), port.name, "be started");
  rte_eth_promiscuous_enable(id);  // a bridge hears everything; vdevs that cannot already do
  rte_ether_addr mac;
  check(rte_eth_macaddr_get(id, &mac), port.name, "tell its address");
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), port.mac.octets.begin());
  check(rte_eth_dev_get_mtu(id, &port.mtu), port.name, "tell its MTU");
  return port;
}

void stop_port(uint16_t id) {
  rte_eth_dev_stop(id);
  rte_eth_dev_close(id);
}

}  // namespace midstream
