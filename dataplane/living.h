// How many connections live, by service and server: what `balance = "least-sessions"` goes by. Each
// worker writes its own counts; all read all of them, without order: a count may be a moment old.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace midstream {

class LivingConnections {
 public:
  LivingConnections(unsigned workers, size_t services, size_t servers)
      : workers_(workers), servers_(servers), per_worker_(services * servers) {
    counts_ = std::vector<std::atomic<uint32_t>>(workers * per_worker_);
  }

  // Worker `worker` only.
  void add(unsigned worker, uint16_t service, uint16_t server, int change) {
    std::atomic<uint32_t>& count = counts_[place(worker, service, server)];
    count.store(count.load(std::memory_order_relaxed) + static_cast<uint32_t>(change),
                std::memory_order_relaxed);
  }
  // Any thread.
  uint32_t count(uint16_t service, uint16_t server) const {
    uint32_t all = 0;
    for (unsigned worker = 0; worker < workers_; ++worker)
      all += counts_[place(worker, service, server)].load(std::memory_order_relaxed);
    return all;
  }

 private:
  size_t place(unsigned worker, uint16_t service, uint16_t server) const {
    return worker * per_worker_ + service * servers_ + server;
  }

  unsigned workers_;
  size_t servers_, per_worker_;
  std::vector<std::atomic<uint32_t>> counts_;  // [worker][service][server]
};

}  // namespace midstream
