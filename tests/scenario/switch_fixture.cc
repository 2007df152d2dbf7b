#include "tests/scenario/switch_fixture.h"

#include <fmt/format.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <nlohmann/json.hpp>

#include "control/control_loop.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"

namespace midstream::scenario {
namespace {

constexpr unsigned kPoolFrames = 8191;
constexpr unsigned kRingFrames = 1024;
constexpr Duration kReaction = 5us;  // arrival to poll
constexpr Duration kBusy = 50us;
constexpr Duration kIdle = 1ms;
constexpr unsigned kWorkers = 2;
constexpr MacAddress kPortMacs[2] = {{{2, 0xff, 0, 0, 0, 1}}, {{2, 0xff, 0, 0, 0, 2}}};
constexpr const char* kSides[2] = {"clients", "servers"};

struct TestPort {
  uint16_t id = 0;
  rte_ring* to_switch[kWorkers] = {};
  rte_ring* from_switch[kWorkers] = {};
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
      for (unsigned w = 0; w < kWorkers; ++w) {
        const std::string queue = name + std::to_string(w);
        p.to_switch[w] = rte_ring_create((queue + "_in").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
        p.from_switch[w] = rte_ring_create((queue + "_out").c_str(), kRingFrames, SOCKET_ID_ANY, 0);
      }
      const int id =
          rte_eth_from_rings(name.c_str(), p.to_switch, kWorkers, p.from_switch, kWorkers, 0);
      if (id < 0) throw std::runtime_error("no port from rings");
      p.id = static_cast<uint16_t>(id);
      start_port(p.id, kWorkers, pool);
    }
  }
};

Dpdk& dpdk() {
  static Dpdk instance;
  return instance;
}

Config make_config(World& world, const SwitchOptions& options) {
  Config config;
  config.device_addresses = {Prefix{kDeviceAddress, 120}, Prefix{kDeviceAddress6, 64},
                             Prefix{kOtherDeviceAddress, 120}};
  config.ports = {Side::kClient, Side::kServer};
  config.detect = options.detect;
  ServiceConfig service;
  service.name = "movies";
  for (size_t i = 0; i < world.server_count(); ++i) {
    Host& host = world.server(i).host();
    config.servers.push_back({host.name(), host.address(), {}, options.heartbeat});
    if (host.vlan()) config.servers.back().vlan = static_cast<uint16_t>(*host.vlan() & 0x0fff);
    service.servers.push_back(i);
  }
  service.address = world.dialled().address;
  service.port = world.dialled().port;
  service.balance = options.balance;
  for (size_t i = 0; i < config.servers.size(); ++i)
    if (config.servers[i].address == service.address) service.own_server = i;
  if (!options.user.empty())
    REQUIRE((service.credentials.user.assign(options.user) &&
             service.credentials.password.assign(options.password)));
  config.services = {service};
  return config;
}

WorkerOptions make_worker_options(const Config& config) {
  WorkerOptions options;
  for (size_t i = 0; i < 2; ++i)
    options.ports.push_back({dpdk().ports[i].id, i == 0, 1500, kWorkers, kPortMacs[i]});
  options.services = worker_services(config);
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

struct SwitchFixture::Parts {
  explicit Parts(std::FILE* text) : log(text) {}

  Log log;
  WorkerStats shown{};
  std::unique_ptr<Tables> tables;
  std::unique_ptr<midstream::Exchange> exchange;
  std::unique_ptr<Mailboxes> mailboxes;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<ControlLoop> control;
};

SwitchFixture::SwitchFixture(World& world, const SwitchOptions& options)
    : world_(world),
      text_file_(open_memstream(&text_, &text_bytes_)),
      parts_(std::make_unique<Parts>(text_file_)) {
  cable_[0] = world.clients.attach("switch", false, [this](const Frame& f) { receive(0, f); });
  cable_[1] = world.servers.attach("switch", false, [this](const Frame& f) { receive(1, f); });
  const Config config = make_config(world, options);
  parts_->tables = std::make_unique<Tables>(options.tables, std::vector<int>(kWorkers, SOCKET_ID_ANY),
                                            config.services.size(), config.servers.size());
  parts_->exchange = std::make_unique<midstream::Exchange>(kWorkers, SOCKET_ID_ANY);
  parts_->mailboxes = std::make_unique<Mailboxes>(kWorkers, options.tables.connections, SOCKET_ID_ANY);
  ControlOptions control;
  WorkerOptions each = make_worker_options(config);
  each.max_kept = options.max_kept;
  for (each.index = 0; each.index < kWorkers; ++each.index) {
    parts_->workers.push_back(std::make_unique<Worker>(each, *parts_->tables, *parts_->exchange,
                                                       parts_->mailboxes->of(each.index)));
    control.stats.push_back(&parts_->workers.back()->stats());
  }
  control.config = config;
  control.ports = {{Side::kClient, kPortMacs[0]}, {Side::kServer, kPortMacs[1]}};
  control.pool = dpdk().pool;
  control.seed = world.random.u64();
  control.streams = parts_->tables->streams();
  control.custody = parts_->tables->custody();
  parts_->control = std::make_unique<ControlLoop>(std::move(control), *parts_->mailboxes, parts_->log);
  schedule(Duration(0));
}

SwitchFixture::~SwitchFixture() {
  parts_->control.reset();
  parts_->workers.clear();
  parts_->mailboxes.reset();
  parts_->exchange.reset();
  for (TestPort& p : dpdk().ports) {
    void* mbuf = nullptr;
    for (auto& rings : {p.to_switch, p.from_switch})
      for (unsigned w = 0; w < kWorkers; ++w)
        while (rte_ring_dequeue(rings[w], &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  }
  std::fclose(text_file_);
  std::free(text_);
  CHECK(rte_mempool_in_use_count(dpdk().pool) == 0);  // otherwise a packet buffer was lost
}

const EventLog& SwitchFixture::events() const { return parts_->control->events(); }
ControlLoop& SwitchFixture::control() { return *parts_->control; }
bool SwitchFixture::usable(size_t server) const { return parts_->control->detector().usable(server); }
bool SwitchFixture::is_up(size_t server) const {
  return parts_->control->detector().server(server).state() == ServerState::kUp;
}

size_t SwitchFixture::owed(const std::string& server) const {
  const auto answer =
      parts_->control->answer({{"command", "servers"}, {"after", nullptr}, {"limit", 100}});
  for (const auto& row : answer.at("rows"))
    if (row.at("name") == server) return row.at("owed");
  return SIZE_MAX;
}

void SwitchFixture::receive(size_t port, const Frame& frame) {
  if (detour_ && detour_(frame))
    return (port == 0 ? world_.servers : world_.clients).send(cable_[1 - port], frame);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(dpdk().pool);
  REQUIRE(mbuf != nullptr);
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(),
              frame.size());
  const auto client = client_address(frame, net::parse_packet(frame), port == 0);
  const unsigned other = client ? (owner_of(*client, kWorkers) + 1) % kWorkers : 0;
  REQUIRE(rte_ring_enqueue(dpdk().ports[port].to_switch[other], mbuf) == 0);
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
  bool busy = poll_workers(now);
  busy |= parts_->control->poll(now);
  busy |= poll_workers(now);  // what control has just mailed
  write_remarks();
  send_out();
  schedule(busy ? kBusy : kIdle);
}

bool SwitchFixture::poll_workers(Time now) {
  bool busy = false;
  for (const auto& worker : parts_->workers) busy |= worker->poll(now);
  return busy;
}

void SwitchFixture::send_out() {
  for (size_t i = 0; i < 2; ++i) {
    for (rte_ring* queue : dpdk().ports[i].from_switch) {
      void* mbuf = nullptr;
      while (rte_ring_dequeue(queue, &mbuf) == 0) {
        const Frame frame = take_frame(static_cast<rte_mbuf*>(mbuf));
        (i == 0 ? world_.clients : world_.servers).send(cable_[i], frame);
      }
    }
  }
}

WorkerStats SwitchFixture::stats() const {
  WorkerStats sum;
  for (const auto& worker : parts_->workers) sum += worker->stats();
  return sum;
}

void SwitchFixture::write_remarks() {
  const Time now = world_.timeline.now();
  std::fflush(text_file_);
  const WorkerStats all = stats();
  while (text_shown_ < text_bytes_) {
    const std::string rest(text_ + text_shown_, text_bytes_ - text_shown_);
    const std::string line = rest.substr(0, rest.find('\n'));
    text_shown_ += line.size() + 1;
    world_.log.remark(now, "switch", line);
  }
  for (size_t i = 0; i < kDropCount; ++i)
    if (all.drops[i] != parts_->shown.drops[i])
      world_.log.remark(now, "switch",
                        fmt::format("drops {}: {}", all.drops[i] - parts_->shown.drops[i],
                                    to_string(static_cast<Drop>(i))));
  for (size_t i = 0; i < rtsp::kUnprotectedCount; ++i)
    if (all.unprotected[i] != parts_->shown.unprotected[i])
      world_.log.remark(
          now, "switch",
          std::string("unprotected: ") + rtsp::to_string(static_cast<rtsp::Unprotected>(i)));
  parts_->shown = all;
}

SwitchedWorld::SwitchedWorld(const WorldOptions& options, const SwitchOptions& switch_options)
    : World(options), dut(*this, switch_options) {
  const bool heartbeats = switch_options.heartbeat.kind != HeartbeatConfig::Kind::kNone;
  const bool found = run_until(
      [&] {
        for (size_t i = 0; i < server_count() && heartbeats; ++i)
          if (!dut.is_up(i)) return false;
        return true;
      },
      2s);
  REQUIRE(found);
  run_for(50ms);
}

}  // namespace midstream::scenario
