// Which flow a packet belongs to: five-tuple -> what it is in which connection. A key without source
// stands for the media of every server toward that port of a client whose session has moved, where no
// whole key is known. One writer and one reader, the worker. Memory is allocated at start.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/hash.h"
#include "lib/base/address.h"

namespace midstream {

enum class Protocol : uint8_t { kNone = 0, kTcp = 6, kUdp = 17 };

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

constexpr bool is_media(FlowRole role) {
  return role >= FlowRole::kRtpToClient && role <= FlowRole::kRtcpToServer;
}

inline constexpr uint32_t kNoConnection = (1 << 26) - 1;

// A word, so that the table itself has room for it.
struct FlowTarget {
  FlowTarget() = default;
  FlowTarget(FlowRole what, uint8_t in_session, uint8_t of_stream, uint32_t of_connection,
             uint32_t at_slot = 0)
      : role(what),
        session(in_session & 0xf),
        stream(of_stream & 0xf),
        connection(of_connection & kNoConnection),
        slot(at_slot == UINT32_MAX ? 0 : at_slot & kNoConnection) {}
  FlowTarget at(uint32_t stream_slot) const {
    return {role, session, stream, static_cast<uint32_t>(connection), stream_slot};
  }

  FlowRole role : 4 = FlowRole::kFenced;
  uint8_t session : 4 = 0;
  uint8_t stream : 4 = 0;
  uint64_t connection : 26 = 0;
  uint64_t slot : 26 = 0;  // of the stream's state, if it was known: of media
};
static_assert(sizeof(FlowTarget) == sizeof(void*));

class FlowTable {
 public:
  FlowTable(uint32_t capacity, int numa_node);

  // False if the table is full.
  [[nodiscard]] bool put(const FlowKey& key, const FlowTarget& target);
  std::optional<FlowTarget> find(const FlowKey& key) const;
  void remove(const FlowKey& key);

  // Up to kMaxLookups keys at once: bit i of the result says whether targets[i] was found. It holds
  // until version() changes.
  static constexpr uint32_t kMaxLookups = RTE_HASH_LOOKUP_BULK_MAX;
  uint64_t find(const FlowKey* keys, uint32_t count, FlowTarget* targets) const;
  uint64_t version() const { return version_; }

 private:
  Hash table_;
  uint64_t version_ = 0;
};

}  // namespace midstream
