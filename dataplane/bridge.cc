#include "dataplane/bridge.h"

#include <rte_errno.h>
#include <rte_hash_crc.h>

#include <stdexcept>
#include <string>

namespace midstream {

StationTable::StationTable(int numa_node) {
  static int instances = 0;  // rte_hash wants a process-wide name
  const std::string name = "stations" + std::to_string(instances++);
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = kMaxStations;
  parameters.key_len = sizeof(Key);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = numa_node;
  table_.reset(rte_hash_create(&parameters));
  if (!table_)
    throw std::runtime_error(std::string("no memory for the station table: ") +
                             rte_strerror(rte_errno));
  stations_.resize(static_cast<size_t>(rte_hash_max_key_id(table_.get())) + 1);
}

void StationTable::learn(const MacAddress& mac, uint16_t vlan, uint16_t port, Time now) {
  if (mac.is_group() || mac.is_zero()) return;
  const Key key{mac, vlan};
  const int32_t index = rte_hash_add_key(table_.get(), &key);
  if (index >= 0) stations_[static_cast<size_t>(index)] = {now, port};
}

std::optional<uint16_t> StationTable::find(const MacAddress& mac, uint16_t vlan, Time now) const {
  const Key key{mac, vlan};
  const int32_t index = rte_hash_lookup(table_.get(), &key);
  if (index < 0) return std::nullopt;
  const Station& station = stations_[static_cast<size_t>(index)];
  if (now - station.seen > kStationAge) return std::nullopt;
  return station.port;
}

}  // namespace midstream
