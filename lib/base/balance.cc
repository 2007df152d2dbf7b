#include "lib/base/balance.h"

#include <algorithm>

#include "lib/base/hash.h"

namespace midstream {
namespace {

std::string_view text_of(const Address& address) { return as_text(Bytes(address.octets)); }

// FNV mixes its last bytes badly, and addresses of one network differ in those alone: so they are
// finished as MurmurHash3's fmix64 does it.
uint64_t weight(const Address& client, const Address& server) {
  uint64_t h = fnv1a(text_of(server), fnv1a(text_of(client)));
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

}  // namespace

std::optional<uint16_t> choose_server(Balance balance, const Address& client,
                                      std::span<const Candidate> candidates) {
  if (candidates.empty()) return std::nullopt;
  switch (balance) {
    case Balance::kFirst:
      break;
    case Balance::kLeastSessions:
      return std::ranges::min_element(candidates, {}, &Candidate::connections)->server;
    case Balance::kHash:
      return std::ranges::max_element(
                 candidates, {},
                 [&](const Candidate& candidate) { return weight(client, candidate.address); })
          ->server;
  }
  return candidates.front().server;
}

}  // namespace midstream
