#include "dataplane/bridge.h"

namespace midstream {

StationTable::StationTable(int numa_node)
    : table_(make_hash("stations", kMaxStations, sizeof(Key), numa_node)) {
  stations_.resize(static_cast<size_t>(rte_hash_max_key_id(table_.get())) + 1);
}

void StationTable::learn(const MacAddress& mac, uint16_t vlan, uint16_t port, Time now) {
  Recent& recent = recent_[place(mac, vlan)];
  const bool same = recent.mac == mac && recent.vlan == vlan && recent.port == port;
  if (same && now - recent.seen < kRefresh) return;
  if (mac.is_group() || mac.is_zero()) return;
  const Key key{mac, vlan};
  const int32_t index = rte_hash_add_key(table_.get(), &key);
  if (index < 0) return;
  stations_[static_cast<size_t>(index)] = {now, port};
  recent = {mac, vlan, port, now};
}

std::optional<uint16_t> StationTable::find(const MacAddress& mac, uint16_t vlan, Time now) const {
  const Recent& recent = recent_[place(mac, vlan)];
  if (recent.mac == mac && recent.vlan == vlan && recent.port != kNowhere &&
      now - recent.seen <= kStationAge)
    return recent.port;
  const Key key{mac, vlan};
  const int32_t index = rte_hash_lookup(table_.get(), &key);
  if (index < 0) return std::nullopt;
  const Station& station = stations_[static_cast<size_t>(index)];
  if (now - station.seen > kStationAge) return std::nullopt;
  return station.port;
}

}  // namespace midstream
