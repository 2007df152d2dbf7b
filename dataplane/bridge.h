// MAC learning (IEEE 802.1D 7.8): which port a station is behind, per outermost VLAN. Unknown and
// group addresses are flooded by the caller. Entries age; a full table learns nothing more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/hash.h"
#include "lib/base/time.h"
#include "lib/net/packet.h"

namespace midstream {

inline constexpr Duration kStationAge = 300s;  // 802.1D's default ageing time
inline constexpr uint32_t kMaxStations = 16 * 1024;

class StationTable {
 public:
  explicit StationTable(int numa_node);

  void learn(const MacAddress& mac, uint16_t vlan, uint16_t port, Time now);
  std::optional<uint16_t> find(const MacAddress& mac, uint16_t vlan, Time now) const;

 private:
  struct alignas(8) Key {  // rte_hash_crc reads words
    MacAddress mac;
    uint16_t vlan;
  };
  struct Station {
    Time seen;
    uint16_t port;
  };

  // The stations that were heard last, by a part of their address: for nearly every frame this is
  // enough.
  struct Recent {
    MacAddress mac;
    uint16_t vlan = 0;
    uint16_t port = kNowhere;
    Time seen{};
  };
  static constexpr uint16_t kNowhere = UINT16_MAX;
  static constexpr Duration kRefresh = 1s;  // of what the table knows of a station
  static constexpr size_t kRecents = 256;
  static size_t place(const MacAddress& mac, uint16_t vlan) {
    return (mac.octets[5] ^ mac.octets[4] ^ vlan) % kRecents;
  }

  Hash table_;
  std::vector<Station> stations_;  // by rte_hash's key index
  std::array<Recent, kRecents> recent_;
};

// The VLAN that a frame belongs to; 0 for untagged.
inline uint16_t vlan_of(const net::Packet& packet) {
  return packet.vlan_tags > 0 ? packet.vlan_tci & 0x0fff : 0;
}
inline uint16_t vlan_of(const net::LinkHeader& link) {
  return link.tagged ? link.vlan_tci & 0x0fff : 0;
}

}  // namespace midstream
