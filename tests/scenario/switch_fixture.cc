#include "tests/scenario/switch_fixture.h"

#include <fmt/format.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "dataplane/port.h"

namespace midstream::scenario {
namespace {

constexpr unsigned kPoolFrames = 8191;
constexpr unsigned kRingFrames = 1024;
constexpr Duration kReaction = 5us;  // arrival to poll
constexpr Duration kBusy = 50us;
constexpr Duration kIdle = 1ms;
constexpr const char* kSides[2] = {"clients", "servers"};

struct TestPort {
  uint16_t id = 0;
  rte_ring* to_switch = nullptr;
  rte_ring* from_switch = nullptr;
};

struct Dpdk {  // once per process
  rte_mempool* pool;
  TestPort ports[2];

  Dpdk() {
    pool = rte_pktmbuf_pool_create("scenario", kPoolFrames, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == nullptr) throw std::runtime_error("no memory for packet buffers");
    for (size_t i = 0; i < 2; ++i) {
      TestPort& p = ports[i];
      const std::string name = kSides[i];
      p.to_switch = rte_ring_create((name + "_in").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
      p.from_switch = rte_ring_create((name + "_out").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
      const int id = rte_eth_from_rings(name.c_str(), &p.to_switch, 1, &p.from_switch, 1, 0);
      if (id < 0) throw std::runtime_error("no port from rings");
      p.id = static_cast<uint16_t>(id);
      start_port(p.id, 1, pool);
    }
  }
};

Dpdk& dpdk() {
  static Dpdk instance;
  return instance;
}

Config make_config(World& world, const SwitchOptions& options) {
  Config config;
  config.device_addresses = {Prefix{kDeviceAddress, 120}};
  config.ports = {Side::kClient, Side::kServer};
  config.detect = options.detect;
  ServiceConfig service;
  service.name = "movies";
  for (size_t i = 0; i < world.server_count(); ++i) {
    Host& host = world.server(i).host();
    config.servers.push_back({host.name(), host.address(), std::nullopt, options.heartbeat});
    service.servers.push_back(i);
  }
  service.address = config.servers[0].address;
  config.services = {service};
  return config;
}

WorkerOptions make_worker_options(const Config& config) {
  WorkerOptions options;
  for (size_t i = 0; i < 2; ++i) options.ports.push_back({dpdk().ports[i].id, i == 0, 1500});
  for (const ServiceConfig& s : config.services)
    options.services.push_back({{s.address, s.port}, static_cast<uint16_t>(s.own_server)});
  for (const ServerConfig& s : config.servers) options.server_addresses.push_back(s.address);
  for (const Prefix& p : config.device_addresses) options.device_addresses.push_back(p.address);
  options.stall = config.detect.stall;
  options.pool = dpdk().pool;
  return options;
}

Frame take_frame(rte_mbuf* mbuf) {
  Frame frame(mbuf->pkt_len);
  if (const void* data = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, frame.data()); data != frame.data())
    std::memcpy(frame.data(), data, frame.size());
  rte_pktmbuf_free(mbuf);
  return frame;
}

}  // namespace

SwitchFixture::SwitchFixture(World& world, const SwitchOptions& options)
    : world_(world), text_file_(open_memstream(&text_, &text_bytes_)), log_(text_file_) {
  cable_[0] = world.clients.attach("switch", false, [this](const Frame& f) { receive(0, f); });
  cable_[1] = world.servers.attach("switch", false, [this](const Frame& f) { receive(1, f); });
  const Config config = make_config(world, options);
  mailbox_ = std::make_unique<Mailbox>(SOCKET_ID_ANY);
  worker_ = std::make_unique<Worker>(make_worker_options(config), *mailbox_);
  ControlOptions control;
  control.config = config;
  control.ports = {{Side::kClient, MacAddress{{2, 0xff, 0, 0, 0, 1}}},
                   {Side::kServer, MacAddress{{2, 0xff, 0, 0, 0, 2}}}};
  control.pool = dpdk().pool;
  control.seed = world.random.u64();
  control.streams = worker_->streams();
  control.stats = &worker_->stats();
  control_ = std::make_unique<ControlLoop>(std::move(control), *mailbox_, log_);
  schedule(Duration(0));
}

SwitchFixture::~SwitchFixture() {
  control_.reset();
  worker_.reset();
  mailbox_.reset();
  for (TestPort& p : dpdk().ports) {
    void* mbuf = nullptr;
    for (rte_ring* ring : {p.to_switch, p.from_switch})
      while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  }
  std::fclose(text_file_);
  std::free(text_);
  CHECK(rte_mempool_in_use_count(dpdk().pool) == 0);  // otherwise a packet buffer was lost
}

void SwitchFixture::receive(size_t port, const Frame& frame) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(dpdk().pool);
  REQUIRE(mbuf != nullptr);
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(),
              frame.size());
  REQUIRE(rte_ring_enqueue(dpdk().ports[port].to_switch, mbuf) == 0);
  schedule(kReaction);
}

void SwitchFixture::schedule(Duration delay) {
  const Time when = world_.timeline.now() + delay;
  if (next_poll_ && next_poll_->first <= when) return;
  if (next_poll_) world_.timeline.cancel(*next_poll_);
  next_poll_ = world_.timeline.at(when, [this] { poll(); });
}

void SwitchFixture::poll() {
  next_poll_.reset();
  const Time now = world_.timeline.now();
  bool busy = worker_->poll(now);
  busy |= control_->poll(now);
  busy |= worker_->poll(now);  // what control has just mailed
  write_remarks();
  send_out();
  schedule(busy ? kBusy : kIdle);
}

void SwitchFixture::send_out() {
  for (size_t i = 0; i < 2; ++i) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(dpdk().ports[i].from_switch, &mbuf) == 0) {
      const Frame frame = take_frame(static_cast<rte_mbuf*>(mbuf));
      (i == 0 ? world_.clients : world_.servers).send(cable_[i], frame);
    }
  }
}

void SwitchFixture::write_remarks() {
  const Time now = world_.timeline.now();
  std::fflush(text_file_);
  while (text_shown_ < text_bytes_) {
    const std::string rest(text_ + text_shown_, text_bytes_ - text_shown_);
    const std::string line = rest.substr(0, rest.find('\n'));
    text_shown_ += line.size() + 1;
    world_.log.remark(now, "switch", line);
  }
  for (size_t i = 0; i < kDropCount; ++i)
    if (stats().drops[i] != shown_.drops[i])
      world_.log.remark(now, "switch",
                        fmt::format("drops {}: {}", stats().drops[i] - shown_.drops[i],
                                    to_string(static_cast<Drop>(i))));
  for (size_t i = 0; i < rtsp::kUnprotectedCount; ++i)
    if (stats().unprotected[i] != shown_.unprotected[i])
      world_.log.remark(
          now, "switch",
          std::string("unprotected: ") + rtsp::to_string(static_cast<rtsp::Unprotected>(i)));
  shown_ = stats();
}

SwitchedWorld::SwitchedWorld(const WorldOptions& options, const SwitchOptions& switch_options)
    : World(options), dut(*this, switch_options) {
  const bool heartbeats = switch_options.heartbeat.kind != HeartbeatConfig::Kind::kNone;
  const bool found = run_until(
      [&] {
        for (size_t i = 0; i < server_count() && heartbeats; ++i)
          if (dut.detector().server(i).state() != ServerState::kUp) return false;
        return true;
      },
      2s);
  REQUIRE(found);
  run_for(50ms);
}

}  // namespace midstream::scenario
