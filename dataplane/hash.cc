#include "dataplane/hash.h"

#include <rte_errno.h>
#include <rte_hash_crc.h>

#include <stdexcept>
#include <string>

namespace midstream {

Hash make_hash(const char* what, uint32_t entries, uint32_t key_bytes, int numa_node) {
  static int instances = 0;  // rte_hash wants a process-wide name
  const std::string name = what + std::to_string(instances++);
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = entries;
  parameters.key_len = key_bytes;
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = numa_node;
  Hash table(rte_hash_create(&parameters));
  if (!table) throw std::runtime_error("no memory for table " + name + ": " + rte_strerror(rte_errno));
  return table;
}

}  // namespace midstream
