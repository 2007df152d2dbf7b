// IP fragments of followed flows: made whole on the way in, so that ports and payloads can be read, and
// cut again on the way out, in pieces no larger than they came in.
//
// Only a first fragment has ports. It decides for those behind it: what belongs to no followed flow
// passes as it came. Where a later one comes first, it waits if one of its addresses is a server's.
//
// What bounds it: a packet has at most 8 fragments (RTE_LIBRTE_IP_FRAG_MAX_FRAG, 11.8 KB at an MTU of
// 1500), 128 packets wait at a time, for a second at most; whole ones lie in 255 buffers of 16 KB. What
// does not fit is dropped and counted. A whole packet carries its mark in the buffer's private area.
#pragma once

#include <rte_ip_frag.h>
#include <rte_mempool.h>

#include <array>
#include <memory>
#include <optional>

#include "lib/base/time.h"
#include "lib/net/fragment.h"

namespace midstream {

class Fragments {
 public:
  explicit Fragments(int numa_node);

  // Is this fragment to be made whole? `followed`: of a first one, that its flow is; of others, that it
  // may be.
  bool wants(const net::Fragment& fragment, bool followed, Time now);
  // Takes it. The whole packet, linear, once all are there.
  rte_mbuf* add(rte_mbuf* mbuf, const net::Packet& packet, const net::Fragment& fragment, Time now);
  uint32_t take_lost();  // fragments and packets that were dropped meanwhile

  // A buffer for a packet of ours that is to leave in pieces. nullptr if there is none.
  rte_mbuf* make(const net::FragmentSize& size);
  // How a packet is to be cut; nullptr for what is none of ours.
  const net::FragmentSize* size_of(rte_mbuf* mbuf) const;
  uint32_t next_identification() { return ++identification_; }

 private:
  struct Decision {
    net::Fragment of;
    bool wanted = false;
    Time at{};
  };
  struct FreeTable {
    void operator()(rte_ip_frag_tbl* table) const { rte_ip_frag_table_destroy(table); }
  };
  struct FreePool {
    void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
  };

  rte_mbuf* linear(rte_mbuf* chain, const net::FragmentSize& size, bool v4);
  void bury();

  std::unique_ptr<rte_ip_frag_tbl, FreeTable> table_;
  std::unique_ptr<rte_mempool, FreePool> pool_;
  rte_ip_frag_death_row graves_{};
  std::array<Decision, 256> decisions_;  // by hash; a newer one takes the place
  uint32_t lost_ = 0;
  uint32_t identification_ = 0;
};

}  // namespace midstream
