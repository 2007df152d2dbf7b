// Which flow a packet belongs to: five-tuple -> what it is in which connection. A key without source
// stands for the media of every server toward that port of a client whose session has moved, where no
// whole key is known. One writer and one reader, the worker. Memory is allocated at start.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/hash.h"
#include "lib/base/address.h"

namespace midstream {

enum class Protocol : uint8_t { kTcp = 6, kUdp = 17 };

struct alignas(8) FlowKey {  // rte_hash_crc reads words
  Endpoint source, destination;
  Protocol protocol = Protocol::kTcp;
  uint8_t zero[3] = {};  // hashed: no padding

  bool operator==(const FlowKey&) const = default;
  FlowKey reversed() const { return {destination, source, protocol, {}}; }
};
static_assert(sizeof(FlowKey) == 40);

enum class FlowRole : uint8_t {
  kControlFromClient,
  kControlFromServer,
  kRtpToClient,
  kRtcpToClient,
  kRtpToServer,
  kRtcpToServer,
  kUnknownToClient,  // UDP that a SETUP has named and that is not followed: gets other addresses
  kUnknownToServer,
  kFenced,    // from a server that the session has left, or to it
  kDiverted,  // of a connection that control holds in a client's name
};

inline constexpr uint32_t kNoConnection = UINT32_MAX;

struct FlowTarget {
  FlowRole role = FlowRole::kFenced;
  uint8_t session = 0, stream = 0;
  uint32_t connection = 0;
};

class FlowTable {
 public:
  FlowTable(uint32_t capacity, int numa_node);

  // False if the table is full.
  [[nodiscard]] bool put(const FlowKey& key, const FlowTarget& target);
  std::optional<FlowTarget> find(const FlowKey& key) const;
  void remove(const FlowKey& key);

 private:
  Hash table_;
};

}  // namespace midstream
