#include "tests/bench/path_ports.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/base/bytes.h"

namespace midstream::bench {
namespace {

constexpr size_t kRtp = 14 + 20 + 8;  // where it begins in a frame: Ethernet, IPv4, UDP
constexpr uint32_t kTicks = 3600;     // that a turn adds to the timestamps: 40 ms
constexpr double kNanos = 1e9;

}  // namespace

struct MeteredPorts::State {
  uint64_t frames;
  uint16_t in, out;
  const rte_eth_rxtx_callback *on_receive = nullptr, *on_send = nullptr;
  bool open = false;
  uint64_t turn = 0, place = 0;  // of the capture
  uint64_t received_at = 0;
  uint64_t callbacks = 0;  // cycles
  uint64_t elapsed = 0;    // cycles of all runs
  Figures figures;
};

namespace {

// Every frame of the turn is as many packets on as turns have been.
void advance(rte_mbuf* frame, uint64_t turn) {
  uint8_t* const rtp = rte_pktmbuf_mtod_offset(frame, uint8_t*, kRtp);
  store_be16(rtp + 2, static_cast<uint16_t>(load_be16(rtp + 2) + turn));
  store_be32(rtp + 4, static_cast<uint32_t>(load_be32(rtp + 4) + turn * kTicks));
}

}  // namespace

MeteredPorts::MeteredPorts(uint16_t in, uint16_t out, uint64_t frames)
    : state_(new State{.frames = frames, .in = in, .out = out}) {
  state_->on_receive = rte_eth_add_rx_callback(
      in, 0,
      [](uint16_t, uint16_t, rte_mbuf** frames_in, uint16_t count, uint16_t, void* user) -> uint16_t {
        State& s = *static_cast<State*>(user);
        const uint64_t begin = rte_rdtsc();
        if (!s.open) {
          rte_pktmbuf_free_bulk(frames_in, count);
          return 0;
        }
        for (uint16_t i = 0; i < count; ++i) {
          advance(frames_in[i], s.turn);
          if (++s.place == s.frames) s.place = 0, ++s.turn;
        }
        s.figures.packets += count;
        s.received_at = rte_rdtsc();
        s.callbacks += s.received_at - begin;
        return count;
      },
      state_);
  state_->on_send = rte_eth_add_tx_callback(
      out, 0,
      [](uint16_t, uint16_t, rte_mbuf**, uint16_t count, void* user) -> uint16_t {
        State& s = *static_cast<State*>(user);
        if (!s.open) return count;
        const uint64_t now = rte_rdtsc();
        s.figures.cycles += now - s.received_at;
        s.figures.sent += count;
        s.received_at = now;
        return count;
      },
      state_);
}

MeteredPorts::~MeteredPorts() {
  rte_eth_remove_rx_callback(state_->in, 0, state_->on_receive);
  rte_eth_remove_tx_callback(state_->out, 0, state_->on_send);
  delete state_;
}

MeteredPorts::Figures MeteredPorts::run(const std::function<void(Time)>& poll, Time begin,
                                        double seconds) {
  const auto hertz = static_cast<double>(rte_get_tsc_hz());
  const auto limit = static_cast<uint64_t>(seconds * hertz);
  state_->figures = {};
  state_->callbacks = 0;
  state_->open = true;
  const uint64_t start = rte_rdtsc();
  uint64_t now = start;
  while (now - start < limit) {
    const auto passed = static_cast<double>(state_->elapsed + now - start) / hertz * kNanos;
    poll(begin + Duration(static_cast<int64_t>(passed)));
    now = rte_rdtsc();
  }
  state_->open = false;
  state_->elapsed += now - start;
  Figures figures = state_->figures;
  figures.cycles_all = now - start - state_->callbacks;
  figures.seconds = static_cast<double>(figures.cycles_all) / hertz;
  return figures;
}

nlohmann::json report(const std::vector<MeteredPorts::Figures>& rounds, const nlohmann::json& drops) {
  const auto median = [&rounds](auto&& value) {
    std::vector<double> all;
    for (const MeteredPorts::Figures& f : rounds) all.push_back(value(f));
    std::ranges::sort(all);
    return all[all.size() / 2];
  };
  const auto each = [](const MeteredPorts::Figures& f) { return static_cast<double>(f.packets); };
  return {{"mpps", median([&](const auto& f) { return each(f) / f.seconds / 1e6; })},
          {"cycles", median([&](const auto& f) { return static_cast<double>(f.cycles) / each(f); })},
          {"cycles_all",
           median([&](const auto& f) { return static_cast<double>(f.cycles_all) / each(f); })},
          {"sent_share", median([&](const auto& f) { return static_cast<double>(f.sent) / each(f); })},
          {"drops", drops}};
}

}  // namespace midstream::bench
