#include "dataplane/exchange.h"

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include <stdexcept>
#include <string>

#include "lib/base/hash.h"

namespace midstream {
namespace {

constexpr unsigned kEntries = 2048;  // 2 ms of a million packets a second
static_assert(sizeof(PassedFrame) % 4 == 0);

}  // namespace

Exchange::Exchange(unsigned workers, int numa_node)
    : workers_(workers), rings_(size_t{workers} * workers) {
  static int instances = 0;  // DPDK wants process-wide names
  const std::string name = "pass" + std::to_string(instances++) + '_';
  for (unsigned i = 0; i < rings_.size(); ++i) {
    if (i / workers == i % workers) continue;
    rings_[i].reset(rte_ring_create_elem((name + std::to_string(i)).c_str(), sizeof(PassedFrame),
                                         kEntries, numa_node, RING_F_SP_ENQ | RING_F_SC_DEQ));
    if (!rings_[i])
      throw std::runtime_error(std::string("no memory for the rings between workers: ") +
                               rte_strerror(rte_errno));
  }
}

Exchange::~Exchange() {
  for (unsigned from = 0; from < workers_; ++from) {
    for (unsigned to = 0; to < workers_; ++to) {
      while (const auto frame = take(from, to)) rte_pktmbuf_free(frame->mbuf);
    }
  }
}

bool Exchange::pass(unsigned from, unsigned to, const PassedFrame& frame) {
  return rte_ring_sp_enqueue_elem(ring(from, to), const_cast<PassedFrame*>(&frame), sizeof frame) == 0;
}

std::optional<PassedFrame> Exchange::take(unsigned from, unsigned to) {
  PassedFrame frame;
  if (from == to || rte_ring_sc_dequeue_elem(ring(from, to), &frame, sizeof frame) != 0)
    return std::nullopt;
  return frame;
}

std::optional<Address> client_address(Bytes frame, const net::Packet& packet, bool client_side) {
  switch (packet.kind) {
    case net::PacketKind::kArp:
    case net::PacketKind::kOther:
      return std::nullopt;
    case net::PacketKind::kIcmp: {
      // An error from a router on the clients' side is about what went to the client.
      net::QuotedFlow quoted;
      if (client_side && net::parse_icmp_error(frame, packet, quoted))
        return quoted.destination.address;
      break;
    }
    case net::PacketKind::kTcp:
    case net::PacketKind::kUdp:
    case net::PacketKind::kFragment:
    case net::PacketKind::kOtherIp:
      break;
  }
  return client_side ? packet.source.address : packet.destination.address;
}

unsigned owner_of(const Address& client, unsigned workers) {
  return static_cast<unsigned>(fnv1a(as_text(client.octets)) % workers);
}

}  // namespace midstream
