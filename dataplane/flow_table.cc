#include "dataplane/flow_table.h"

#include <bit>

namespace midstream {
namespace {

static_assert(sizeof(FlowTarget) == sizeof(void*));

}  // namespace

FlowTable::FlowTable(uint32_t capacity, int numa_node)
    : table_(make_hash("flows", capacity, sizeof(FlowKey), numa_node)) {}

bool FlowTable::put(const FlowKey& key, const FlowTarget& target) {
  return rte_hash_add_key_data(table_.get(), &key, std::bit_cast<void*>(target)) == 0;
}

std::optional<FlowTarget> FlowTable::find(const FlowKey& key) const {
  void* data = nullptr;
  if (rte_hash_lookup_data(table_.get(), &key, &data) < 0) return std::nullopt;
  return std::bit_cast<FlowTarget>(data);
}

void FlowTable::remove(const FlowKey& key) { rte_hash_del_key(table_.get(), &key); }

}  // namespace midstream
