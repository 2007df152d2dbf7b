// rte_hash with an owner. Memory is allocated at start, on the given NUMA node.
#pragma once

#include <rte_hash.h>

#include <cstdint>
#include <memory>

namespace midstream {

struct FreeHash {
  void operator()(rte_hash* table) const { rte_hash_free(table); }
};
using Hash = std::unique_ptr<rte_hash, FreeHash>;

// Keys are hashed as they lie in memory: no padding, aligned to eight bytes (rte_hash_crc reads words).
// Throws std::runtime_error if there is no memory.
Hash make_hash(const char* what, uint32_t entries, uint32_t key_bytes, int numa_node);

}  // namespace midstream
