#include "dataplane/fragments.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "lib/base/hash.h"
#include "lib/net/checksum.h"
#include "lib/net/ip_header.h"

namespace midstream {
namespace {

constexpr uint32_t kBuckets = 64, kBucketEntries = 4, kMaxPackets = 128;
constexpr Duration kPatience = 1s;  // RFC 8200 4.5 gives a minute: media would be long out of date
constexpr unsigned kWholePackets = 255;
constexpr uint16_t kWholeBytes = 16 * 1024;

template <typename T>
T* made(T* object, const char* what) {
  if (object == nullptr)
    throw std::runtime_error(std::string("no memory for ") + what + ": " + rte_strerror(rte_errno));
  return object;
}

rte_mempool* make_pool(int numa_node) {
  static int instances = 0;  // DPDK wants process-wide names
  return rte_pktmbuf_pool_create(("whole" + std::to_string(instances++)).c_str(), kWholePackets, 0,
                                 sizeof(net::FragmentSize), RTE_PKTMBUF_HEADROOM + kWholeBytes,
                                 numa_node);
}
static_assert(sizeof(net::FragmentSize) % RTE_MBUF_PRIV_ALIGN == 0);

bool same_packet(const net::Fragment& a, const net::Fragment& b) {
  return a.identification == b.identification && a.protocol == b.protocol &&
         a.source.address == b.source.address && a.destination.address == b.destination.address;
}

}  // namespace

Fragments::Fragments(int numa_node)
    : table_(made(rte_ip_frag_table_create(kBuckets, kBucketEntries, kMaxPackets,
                                           static_cast<uint64_t>(kPatience.count()), numa_node),
                  "fragments")),
      pool_(made(make_pool(numa_node), "whole packets")) {}

bool Fragments::wants(const net::Fragment& fragment, bool followed, Time now) {
  const uint64_t hash = fnv1a(as_text(fragment.source.address.octets)) ^ fragment.identification;
  Decision& decision = decisions_[hash % decisions_.size()];
  const bool known = now - decision.at < kPatience && same_packet(decision.of, fragment);
  // One that is wanted stays so: others of it wait already.
  if (!known || (fragment.first && !decision.wanted)) decision = {fragment, followed, now};
  return decision.wanted;
}

rte_mbuf* Fragments::add(rte_mbuf* mbuf, const net::Packet& packet, const net::Fragment& fragment,
                         Time now) {
  const bool v4 = packet.ether_type == net::kEtherTypeIpv4;
  mbuf->l2_len = packet.l3_offset & 0x7f;        // seven bits; at most 22 bytes
  mbuf->l3_len = fragment.header_bytes & 0x1ff;  // nine bits; at most 60 bytes
  const auto at = static_cast<uint64_t>(now.time_since_epoch().count());
  auto* const ip = rte_pktmbuf_mtod_offset(mbuf, uint8_t*, packet.l3_offset);
  rte_mbuf* const chain =
      v4 ? rte_ipv4_frag_reassemble_packet(table_.get(), &graves_, mbuf, at,
                                           reinterpret_cast<rte_ipv4_hdr*>(ip))
         : rte_ipv6_frag_reassemble_packet(
               table_.get(), &graves_, mbuf, at, reinterpret_cast<rte_ipv6_hdr*>(ip),
               reinterpret_cast<rte_ipv6_fragment_ext*>(ip + net::kIpv6HeaderBytes));
  bury();
  if (chain == nullptr) return nullptr;
  // The first was as large as any.
  const size_t first = chain->data_len - packet.l3_offset + (v4 ? 0u : sizeof(rte_ipv6_fragment_ext));
  return linear(chain, {first, fragment.identification}, v4);
}

rte_mbuf* Fragments::linear(rte_mbuf* chain, const net::FragmentSize& size, bool v4) {
  rte_mbuf* const whole = chain->pkt_len <= kWholeBytes ? make(size) : nullptr;
  if (whole == nullptr) {
    ++lost_;
    rte_pktmbuf_free(chain);
    return nullptr;
  }
  const auto bytes = static_cast<uint16_t>(chain->pkt_len);
  auto* const out = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(whole, bytes));
  const void* data = rte_pktmbuf_read(chain, 0, bytes, out);
  if (data != out) std::memcpy(out, data, bytes);
  if (v4) {
    uint8_t* const ip = out + chain->l2_len;
    net::write_ipv4_checksum({ip, (ip[0] & 0xfu) * size_t{4}});
  }
  rte_pktmbuf_free(chain);
  return whole;
}

rte_mbuf* Fragments::make(const net::FragmentSize& size) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
  if (mbuf != nullptr) new (rte_mbuf_to_priv(mbuf)) net::FragmentSize(size);
  return mbuf;
}

const net::FragmentSize* Fragments::size_of(rte_mbuf* mbuf) const {
  if (mbuf->pool != pool_.get()) return nullptr;
  return static_cast<const net::FragmentSize*>(rte_mbuf_to_priv(mbuf));
}

void Fragments::bury() {
  lost_ += graves_.cnt;
  rte_ip_frag_free_death_row(&graves_, 0);
}

uint32_t Fragments::take_lost() { return std::exchange(lost_, 0); }

}  // namespace midstream
