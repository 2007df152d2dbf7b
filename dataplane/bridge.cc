#include "dataplane/bridge.h"

namespace midstream {

StationTable::StationTable(int numa_node)
    : table_(make_hash("stations", kMaxStations, sizeof(Key), numa_node)) {
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
