// Memory of the large tables: one range of anonymous pages, zeroed, a part for each worker, on that
// worker's NUMA node. It is our own and not EAL's, because no device ever reads it: hugepages that were
// set aside by hand stay for packet buffers, however many streams there are. The kernel is asked for
// huge pages here, too (transparent ones: a million streams at random are a million TLB misses
// otherwise).
//
// What is read for every packet is touched at start. What is only used by those who use it (kWhenUsed)
// is promised and not taken: it costs memory when it is first used, on the node of who uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace midstream {

enum class Pages : uint8_t { kAtStart, kWhenUsed };

class TableMemory {
 public:
  // Throws std::runtime_error, which says what it is for and how much is needed. `nodes` are the
  // workers' (negative: any).
  TableMemory(const char* what, size_t bytes_per_worker, std::span<const int> nodes, Pages pages);
  ~TableMemory();
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  size_t bytes_;
  std::byte* data_;
};

// For what zeroed memory is a valid unused thing, and what needs no destructor.
template <typename T>
class Table {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Table(const char* what, size_t per_worker, std::span<const int> nodes, Pages pages)
      : memory_(what, per_worker * sizeof(T), nodes, pages), size_(per_worker * nodes.size()) {
    if (pages == Pages::kAtStart) std::uninitialized_value_construct(all().begin(), all().end());
  }

  std::span<T> all() const { return {reinterpret_cast<T*>(memory_.data()), size_}; }

 private:
  TableMemory memory_;
  size_t size_;
};

}  // namespace midstream
