#include "dataplane/mailbox.h"

#include <rte_errno.h>

#include <array>
#include <new>
#include <stdexcept>
#include <string>

namespace midstream {
namespace {

constexpr unsigned kReports = 1023;
constexpr unsigned round_up(size_t bytes) { return static_cast<unsigned>((bytes + 3) & ~size_t{3}); }

template <typename T>
rte_ring* make_ring(const std::string& name, uint32_t entries, int numa_node) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 4 == 0);
  rte_ring* ring =
      rte_ring_create_elem(name.c_str(), sizeof(T), entries, numa_node, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring == nullptr)
    throw std::runtime_error("no memory for ring " + name + ": " + rte_strerror(rte_errno));
  return ring;
}

template <typename T>
unsigned take_from(rte_ring* ring, std::span<T, kMailBurst> mails) {
  return rte_ring_sc_dequeue_burst_elem(ring, mails.data(), sizeof(T), kMailBurst, nullptr);
}

}  // namespace

Mailbox::Mailbox(int numa_node, uint32_t entries) {
  static int instances = 0;  // DPDK wants process-wide names
  const std::string suffix = std::to_string(instances++);
  to_control_.reset(make_ring<ToControl>("to_control" + suffix, entries, numa_node));
  to_worker_.reset(make_ring<ToWorker>("to_worker" + suffix, entries, numa_node));
  reports_.reset(rte_mempool_create(("reports" + suffix).c_str(), kReports,
                                    round_up(sizeof(SessionReport)), 0, 0, nullptr, nullptr, nullptr,
                                    nullptr, numa_node, RTE_MEMPOOL_F_SC_GET));
  if (!reports_)
    throw std::runtime_error(std::string("no memory for session reports: ") + rte_strerror(rte_errno));
}

// Frames that were on their way to the worker.
Mailbox::~Mailbox() {
  for (const ToWorker& mail : waiting_) rte_pktmbuf_free(mail.frame);
  std::array<ToWorker, kMailBurst> mails;
  while (const unsigned count = take(mails)) {
    for (unsigned i = 0; i < count; ++i) rte_pktmbuf_free(mails[i].frame);
  }
}

bool Mailbox::post(const ToControl& mail) {
  return rte_ring_sp_enqueue_elem(to_control_.get(), const_cast<ToControl*>(&mail), sizeof mail) == 0;
}
bool Mailbox::has_room_for_control(unsigned mails) const {
  return rte_ring_free_count(to_control_.get()) >= mails;
}
bool Mailbox::post(const ToWorker& mail) {
  if (!waiting_.empty()) return false;
  return rte_ring_sp_enqueue_elem(to_worker_.get(), const_cast<ToWorker*>(&mail), sizeof mail) == 0;
}
void Mailbox::send(const ToWorker& mail) {
  if (!post(mail)) waiting_.push_back(mail);
}
void Mailbox::flush() {
  while (!waiting_.empty()) {
    ToWorker mail = waiting_.front();
    if (rte_ring_sp_enqueue_elem(to_worker_.get(), &mail, sizeof mail) != 0) return;
    waiting_.pop_front();
  }
}
unsigned Mailbox::take(std::span<ToWorker, kMailBurst> mails) {
  return take_from(to_worker_.get(), mails);
}
unsigned Mailbox::take(std::span<ToControl, kMailBurst> mails) {
  return take_from(to_control_.get(), mails);
}

SessionReport* Mailbox::new_report() {
  void* memory = nullptr;
  if (rte_mempool_get(reports_.get(), &memory) != 0) return nullptr;
  return new (memory) SessionReport;
}
void Mailbox::free_report(SessionReport* report) { rte_mempool_put(reports_.get(), report); }

Mailboxes::Mailboxes(unsigned workers, uint32_t connections, int numa_node)
    : connections_(connections) {
  for (unsigned i = 0; i < workers; ++i) boxes_.push_back(std::make_unique<Mailbox>(numa_node));
}
void Mailboxes::send(const ToWorker& mail) {
  const bool for_all = mail.kind == ToWorker::Kind::kFreezeServer ||
                       mail.kind == ToWorker::Kind::kHostState ||
                       mail.kind == ToWorker::Kind::kServerState;
  if (!for_all) return of(worker_of(mail.connection)).send(mail);
  for (const auto& box : boxes_) box->send(mail);
}
void Mailboxes::flush() {
  for (const auto& box : boxes_) box->flush();
}

}  // namespace midstream
