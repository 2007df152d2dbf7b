#include "dataplane/flow_table.h"

#include <rte_errno.h>
#include <rte_hash_crc.h>

#include <bit>
#include <stdexcept>
#include <string>

namespace midstream {
namespace {

static_assert(sizeof(FlowTarget) == sizeof(void*));

}  // namespace

FlowTable::FlowTable(uint32_t capacity, int numa_node) {
  static int instances = 0;  // rte_hash wants a process-wide name
  const std::string name = "flows" + std::to_string(instances++);
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = capacity;
  parameters.key_len = sizeof(FlowKey);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = numa_node;
  table_.reset(rte_hash_create(&parameters));
  if (!table_)
    throw std::runtime_error(std::string("no memory for the flow table: ") + rte_strerror(rte_errno));
}

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
