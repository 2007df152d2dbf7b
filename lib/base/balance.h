// Which server of a pool a new connection goes to. Pure: the caller knows who lives and who is busy.
//
// Candidates come in the service's order of preference, only those that can be used. Hashing is by
// rendezvous (highest random weight): every (client, server) pair has a weight of its own and the
// highest wins, so that a server which goes away moves only its own clients. Example: of a, b, c a
// client's weights are 7, 9, 4; it goes to b; without b to a; without c still to b.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/address.h"

namespace midstream {

enum class Balance : uint8_t { kFirst, kLeastSessions, kHash };

struct Candidate {
  uint16_t server = 0;       // index into the configuration
  uint32_t connections = 0;  // living ones of this service
  Address address;
};

// The server, nullopt if there is no candidate. Among equals the first.
std::optional<uint16_t> choose_server(Balance balance, const Address& client,
                                      std::span<const Candidate> candidates);

}  // namespace midstream
