#include "tests/bench/measured_switch.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

#include "dataplane/port.h"

namespace midstream::bench {
namespace {

constexpr unsigned kPoolFrames = 32 * 1024 - 1;  // as midstream's own
constexpr unsigned kPoolCache = 256;
constexpr unsigned kRingFrames = 4096;  // what NICs have at most
constexpr MacAddress kPortMacs[2] = {{{2, 0xff, 0, 0, 0, 1}}, {{2, 0xff, 0, 0, 0, 2}}};
constexpr const char* kSides[2] = {"clients", "servers"};

struct RingPort {
  uint16_t id = 0;
  rte_ring *to_switch = nullptr, *from_switch = nullptr;
};

struct Dpdk {  // once per process
  rte_mempool* pool;
  RingPort ports[2];

  Dpdk() {
    pool = rte_pktmbuf_pool_create("storm", kPoolFrames, kPoolCache, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == nullptr) throw std::runtime_error("no memory for packet buffers");
    for (size_t i = 0; i < 2; ++i) {
      RingPort& port = ports[i];
      const std::string name = kSides[i];
      port.to_switch = rte_ring_create((name + "_in").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
      port.from_switch = rte_ring_create((name + "_out").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
      const int id = rte_eth_from_rings(name.c_str(), &port.to_switch, 1, &port.from_switch, 1, 0);
      if (id < 0) throw std::runtime_error("no port from rings");
      port.id = static_cast<uint16_t>(id);
      start_port(port.id, 1, pool);
    }
  }
};

Dpdk& dpdk() {
  static Dpdk instance;
  return instance;
}

Config make_config() {
  Config config;
  config.device_addresses = {Prefix{kDevice, 120}};
  config.ports = {Side::kClient, Side::kServer};
  config.servers = {{"a", kServerA, {}, {}}, {"b", kServerB, {}, {}}};
  ServiceConfig service;
  service.name = "movies";
  service.address = kServerA;
  service.port = kRtspPort;
  service.servers = {kA, kB};
  service.own_server = kA;
  config.services = {service};
  return config;
}

WorkerOptions make_worker_options(const Config& config, const std::vector<WorkerPort>& more) {
  WorkerOptions options;
  for (size_t i = 0; i < 2; ++i) {
    options.ports.push_back({dpdk().ports[i].id, i == 0, 1500, 1, kPortMacs[i]});
  }
  options.ports.insert(options.ports.end(), more.begin(), more.end());
  options.services = worker_services(config);
  for (const ServerConfig& server : config.servers) options.server_addresses.push_back(server.address);
  options.device_addresses = {kDevice};
  options.stall = config.detect.stall;
  options.pool = dpdk().pool;
  return options;
}

}  // namespace

CpuClock::CpuClock() {
  std::array<Duration, 1001> reads;
  for (Duration& cost : reads) {
    const Duration begin = read();
    cost = read() - begin;
  }
  std::ranges::nth_element(reads, reads.begin() + reads.size() / 2);
  cost_ = reads[reads.size() / 2];
}

Duration CpuClock::read() const {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

MeasuredSwitch::MeasuredSwitch(size_t sessions, const std::vector<WorkerPort>& more)
    : log_file_(std::tmpfile()), log_(log_file_) {
  const Config config = make_config();
  const TableSizes sizes{static_cast<uint32_t>(sessions), static_cast<uint32_t>(2 * sessions)};
  tables_ = std::make_unique<Tables>(sizes, std::vector<int>{SOCKET_ID_ANY}, config.services.size(),
                                     config.servers.size());
  exchange_ = std::make_unique<midstream::Exchange>(1, SOCKET_ID_ANY);
  mailboxes_ = std::make_unique<Mailboxes>(1, sizes.connections, SOCKET_ID_ANY);
  worker_ = std::make_unique<Worker>(make_worker_options(config, more), *tables_, *exchange_,
                                     mailboxes_->of(0));
  ControlOptions control;
  control.stats.push_back(&worker_->stats());
  control.config = config;
  control.ports = {{Side::kClient, kPortMacs[0]}, {Side::kServer, kPortMacs[1]}};
  control.pool = dpdk().pool;
  control.seed = 1;
  control.streams = tables_->streams();
  control.custody = tables_->custody();
  control_ = std::make_unique<ControlLoop>(std::move(control), *mailboxes_, log_);
}

MeasuredSwitch::~MeasuredSwitch() {
  control_.reset();
  worker_.reset();
  mailboxes_.reset();
  exchange_.reset();
  void* frame = nullptr;
  for (RingPort& port : dpdk().ports)
    while (rte_ring_dequeue(port.to_switch, &frame) == 0)
      rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
  take_sent([](Side, Bytes) {});
  std::fclose(log_file_);
}

bool MeasuredSwitch::receive(Side side, Bytes frame) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(dpdk().pool);
  if (mbuf == nullptr) return false;
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(),
              frame.size());
  if (side == Side::kClient && client_port_ != 0) {
    ToWorker mail{};
    mail.kind = ToWorker::Kind::kHandle;
    mail.frame = mbuf;
    mail.port = client_port_;
    if (mailboxes_->of(0).post(mail)) return true;
  } else if (rte_ring_enqueue(dpdk().ports[side == Side::kServer ? 1 : 0].to_switch, mbuf) == 0) {
    return true;
  }
  rte_pktmbuf_free(mbuf);
  return false;
}

void MeasuredSwitch::take_sent(const std::function<void(Side, Bytes)>& f) {
  for (size_t i = 0; i < 2; ++i) {
    void* frame = nullptr;
    while (rte_ring_dequeue(dpdk().ports[i].from_switch, &frame) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(frame);
      f(i == 0 ? Side::kClient : Side::kServer,
        {rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len});
      rte_pktmbuf_free(mbuf);
    }
  }
}

// The CPU's own time, less what each reading of it costs.
void MeasuredSwitch::turn(bool with_control) {
  const auto since = [this](Duration begin, Duration end) {
    return std::max(end - begin - clock_.cost(), Duration{});
  };
  const Duration begin = clock_.read();
  worker_->poll(now_);
  const Duration polled = clock_.read();
  if (with_control) control_->poll(now_);
  const Duration end = clock_.read();
  used_.worker += since(begin, polled);
  used_.control += since(polled, end);
  now_ += since(begin, polled) + since(polled, end);
}

}  // namespace midstream::bench
