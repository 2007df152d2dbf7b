#include "dataplane/table_memory.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <stdexcept>
#include <string>

namespace midstream {
namespace {

// Preferred, not strict: memory far away is better than none. Where there is one node only, or no such
// call, it fails and changes nothing.
void prefer_node(std::byte* begin, size_t bytes, int node) {
  constexpr int kMaskBits = sizeof(unsigned long) * CHAR_BIT;
  if (node < 0 || node >= kMaskBits) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = reinterpret_cast<uintptr_t>(begin) / page * page;
  const unsigned long mask = 1UL << node;
  syscall(SYS_mbind, first, reinterpret_cast<uintptr_t>(begin) + bytes - first, MPOL_PREFERRED, &mask,
          kMaskBits, 0);
}

}  // namespace

TableMemory::TableMemory(const char* what, size_t bytes_per_worker, std::span<const int> nodes,
                         Pages pages)
    : bytes_(bytes_per_worker * nodes.size()) {
  const int promised = pages == Pages::kWhenUsed ? MAP_NORESERVE : 0;
  void* memory =
      mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | promised, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(std::string("no memory for ") + what + " (" + std::strerror(errno) +
                             "): " + std::to_string((bytes_ >> 20) + 1) +
                             " MB are needed; see [limits] in the configuration");
  data_ = static_cast<std::byte*>(memory);
  for (size_t i = 0; i < nodes.size(); ++i)
    prefer_node(data_ + i * bytes_per_worker, bytes_per_worker, nodes[i]);
  if (pages == Pages::kAtStart) madvise(data_, bytes_, MADV_HUGEPAGE);
}

TableMemory::~TableMemory() { munmap(data_, bytes_); }

}  // namespace midstream
