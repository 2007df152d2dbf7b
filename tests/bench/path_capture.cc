#include "tests/bench/path_capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "tests/bench/peers.h"

namespace midstream::bench {
namespace {

constexpr size_t kHeaders = 14 + 20 + 8 + 12;  // Ethernet, IPv4, UDP, RTP
constexpr uint32_t kBehindAll = 1000;          // packets that have passed when the measurement begins
constexpr unsigned kSeed = 1;

}  // namespace

void write_capture(const std::string& file, size_t server, size_t streams, size_t frame_bytes) {
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> pcap(pcap_open_dead(DLT_EN10MB, UINT16_MAX),
                                                        pcap_close);
  const std::unique_ptr<pcap_dumper_t, void (*)(pcap_dumper_t*)> dump(
      pcap_dump_open(pcap.get(), file.c_str()), pcap_dump_close);
  if (!dump) throw std::runtime_error(pcap_geterr(pcap.get()));
  std::vector<size_t> order(streams);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::shuffle(order, std::mt19937(kSeed));
  std::array<uint8_t, 2048> frame;
  for (const size_t stream : order) {
    const size_t size = rtp_frame(frame, server, stream / kStreams, stream % kStreams, kBehindAll,
                                  frame_bytes - kHeaders);
    pcap_pkthdr header{};
    header.caplen = header.len = static_cast<bpf_u_int32>(size);
    pcap_dump(reinterpret_cast<u_char*>(dump.get()), &header, frame.data());
  }
}

}  // namespace midstream::bench
