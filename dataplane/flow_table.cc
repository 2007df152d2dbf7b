#include "dataplane/flow_table.h"

#include <array>
#include <bit>
#include <cstring>

namespace midstream {

namespace {

// rte_hash knows how to compare keys of some sizes; of others it asks memcmp.
int differ(const void* a, const void* b, size_t) {
  std::array<uint64_t, sizeof(FlowKey) / 8> x, y;
  std::memcpy(x.data(), a, sizeof x);
  std::memcpy(y.data(), b, sizeof y);
  uint64_t difference = 0;
  for (size_t i = 0; i < x.size(); ++i) difference |= x[i] ^ y[i];
  return difference != 0;
}

}  // namespace

FlowTable::FlowTable(uint32_t capacity, int numa_node)
    : table_(make_hash("flows", capacity, sizeof(FlowKey), numa_node)) {
  rte_hash_set_cmp_func(table_.get(), differ);
}

bool FlowTable::put(const FlowKey& key, const FlowTarget& target) {
  ++version_;
  return rte_hash_add_key_data(table_.get(), &key, std::bit_cast<void*>(target)) == 0;
}

std::optional<FlowTarget> FlowTable::find(const FlowKey& key) const {
  void* data = nullptr;
  if (rte_hash_lookup_data(table_.get(), &key, &data) < 0) return std::nullopt;
  return std::bit_cast<FlowTarget>(data);
}

uint64_t FlowTable::find(const FlowKey* keys, uint32_t count, FlowTarget* targets) const {
  const void* all[kMaxLookups];
  void* data[kMaxLookups];
  uint64_t found = 0;
  if (count == 0) return found;
  for (uint32_t i = 0; i < count; ++i) all[i] = &keys[i];
  rte_hash_lookup_bulk_data(table_.get(), all, count, &found, data);
  for (uint32_t i = 0; i < count; ++i) {
    if ((found >> i & 1) != 0) targets[i] = std::bit_cast<FlowTarget>(data[i]);
  }
  return found;
}

void FlowTable::remove(const FlowKey& key) {
  ++version_;
  rte_hash_del_key(table_.get(), &key);
}

}  // namespace midstream
