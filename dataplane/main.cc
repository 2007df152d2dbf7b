// midstream: the switch. EAL's flags, "--", ours. One control core (the main lcore), the others work.

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "control/config.h"
#include "control/control_loop.h"
#include "control/log.h"
#include "control/operator.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr int kBadUsage = 2;                // exit status of everything that is wrong at start
constexpr unsigned kMbufs = 32 * 1024 - 1;  // rings, parked media and frames on their way to control
constexpr unsigned kMbufCache = 256;
constexpr Duration kNap = 50us;  // idle = "sleep"

std::atomic<bool> stop_requested{false};  // written by signal handlers, read by both cores

struct Failure {
  std::string text;
};

Time read_clock() { return Time(std::chrono::steady_clock::now().time_since_epoch()); }

int64_t unix_now_ns() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Options {
  std::string config;
  std::optional<uint64_t> seed;
};

constexpr const char* kUsage =
    "usage: midstream [EAL options] -- --config FILE [--seed N]\n"
    "  midstream -l 0-2 -a 0000:03:00.0 -a 0000:03:00.1 -- --config movies.toml\n"
    "Keeps media streams alive when their server dies. The first lcore is the control core, each of "
    "the\n"
    "others a worker that polls the ports; ports are taken in EAL's order and must be as many as the\n"
    "file's [[port]] tables.\n"
    "  --config FILE   the configuration (TOML)\n"
    "  --seed N        for initial sequence numbers and local ports, to repeat a run\n"
    "EAL's own options: midstream --eal-help\n";

Options parse_options(int argc, char** argv) {
  Options options;
  CLI::App app;
  app.set_help_flag();
  app.add_option("--config", options.config)->required();
  app.add_option("--seed", options.seed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    throw Failure{fmt::format("{}\n{}", error.what(), kUsage)};
  }
  return options;
}

Config read_config(const std::string& path) {
  auto result = load_config(path);
  if (const auto* error = std::get_if<ConfigError>(&result)) throw Failure{error->text};
  return std::get<Config>(std::move(result));
}

void check_resources(const Config& config) {
  const unsigned lcores = rte_lcore_count();
  if (lcores < 2 || lcores > 1 + kMaxWorkers) {
    throw Failure{
        fmt::format("midstream needs one lcore for control and 1 to {} for workers, but EAL has {}: "
                    "start it with -l 0-1",
                    kMaxWorkers, lcores)};
  }
  const unsigned ports = rte_eth_dev_count_avail();
  if (ports != config.ports.size()) {
    throw Failure{
        fmt::format("EAL has {} Ethernet port{}, but the configuration has {} [[port]] tables: "
                    "give one -a or --vdev for each",
                    ports, ports == 1 ? "" : "s", config.ports.size())};
  }
}

rte_mempool* make_pool() {
  rte_mempool* pool = rte_pktmbuf_pool_create(
      "frames", kMbufs, kMbufCache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, static_cast<int>(rte_socket_id()));
  if (pool != nullptr) return pool;
  throw Failure{
      fmt::format("no memory for {} packet buffers ({}): reserve hugepages, at least 128 MB, or use "
                  "--no-huge -m 256",
                  kMbufs, rte_strerror(rte_errno))};
}

struct Ports {
  std::vector<WorkerPort> worker;
  std::vector<ControlPort> control;
};

Ports start_ports(const Config& config, unsigned workers, rte_mempool* pool) {
  Ports ports;
  uint64_t next = 0;
  while ((next = rte_eth_find_next_owned_by(static_cast<uint16_t>(next), RTE_ETH_DEV_NO_OWNER)) <
         RTE_MAX_ETHPORTS) {
    const auto id = static_cast<uint16_t>(next++);
    const Side side = config.ports[ports.worker.size()];
    const PortInfo info = start_port(id, workers, pool);
    ports.worker.push_back({id, side == Side::kClient, info.mtu, info.receive_queues, info.mac});
    ports.control.push_back({side, info.mac});
  }
  return ports;
}

WorkerOptions worker_options(const Config& config, const Ports& ports, rte_mempool* pool) {
  WorkerOptions options;
  options.ports = ports.worker;
  options.services = worker_services(config);
  for (const ServerConfig& server : config.servers) options.server_addresses.push_back(server.address);
  for (const Prefix& device : config.device_addresses)
    options.device_addresses.push_back(device.address);
  options.stall = config.detect.stall;
  options.pool = pool;
  return options;
}

std::vector<int> worker_nodes() {
  std::vector<int> nodes;
  unsigned lcore = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) nodes.push_back(static_cast<int>(rte_lcore_to_socket_id(lcore)));
  return nodes;
}

struct WorkerCore {
  Worker* worker;
  Idle idle;
};

int run_worker(void* argument) {
  const auto [worker, idle] = *static_cast<WorkerCore*>(argument);
  while (!stop_requested.load(std::memory_order_relaxed)) {
    if (!worker->poll(read_clock()) && idle == Idle::kSleep) std::this_thread::sleep_for(kNap);
  }
  return 0;
}

void run_control(ControlLoop& control, Operator& socket, Idle idle) {
  const auto handler = [&](const nlohmann::json& request) { return control.answer(request); };
  Time next_socket{};
  while (!stop_requested.load(std::memory_order_relaxed)) {
    const Time now = read_clock();
    const bool busy = control.poll(now);
    if (now >= next_socket) {  // people are slow: not every turn
      socket.poll(handler);
      next_socket = now + 2ms;
    }
    if (!busy && idle == Idle::kSleep) std::this_thread::sleep_for(kNap);
  }
}

void run(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  const Config config = read_config(options.config);
  check_resources(config);
  rte_mempool* pool = make_pool();
  const unsigned workers = rte_lcore_count() - 1;
  const Ports ports = start_ports(config, workers, pool);

  const int64_t unix_offset = unix_now_ns() - read_clock().time_since_epoch().count();
  Log log(stderr);
  const auto node = static_cast<int>(rte_socket_id());
  const std::vector<int> nodes = worker_nodes();
  Tables tables({config.limits.sessions, config.limits.streams}, nodes, config.services.size(),
                config.servers.size());
  Exchange exchange(workers, node);
  Mailboxes mailboxes(workers, config.limits.sessions, node);
  std::vector<std::unique_ptr<Worker>> all;
  std::vector<WorkerCore> cores;
  ControlOptions control_options{
      config,      ports.control,    pool, options.seed.value_or(std::random_device{}()),
      unix_offset, tables.streams(), {},   tables.custody()};
  WorkerOptions each = worker_options(config, ports, pool);
  each.max_kept /= workers;
  for (each.index = 0; each.index < workers; ++each.index) {
    each.numa_node = nodes[each.index];
    all.push_back(std::make_unique<Worker>(each, tables, exchange, mailboxes.of(each.index)));
    control_options.stats.push_back(&all.back()->stats());
    cores.push_back({all.back().get(), config.idle});
  }
  ControlLoop control(std::move(control_options), mailboxes, log);
  Operator socket(operator_socket_in(rte_eal_get_runtime_dir()));
  if (const auto problem = socket.open()) throw Failure{*problem};

  unsigned lcore = 0, next = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) rte_eal_remote_launch(run_worker, &cores[next++], lcore);
  log.info(unix_now_ns(),
           fmt::format("midstream is running: {} ports, {} servers, {} services, {} worker{}",
                       config.ports.size(), config.servers.size(), config.services.size(), workers,
                       workers == 1 ? "" : "s"));
  run_control(control, socket, config.idle);
  rte_eal_mp_wait_lcore();
  for (const WorkerPort& port : ports.worker) stop_port(port.id);
  log.info(unix_now_ns(), "midstream has stopped");
}

}  // namespace
}  // namespace midstream

int main(int argc, char** argv) {
  using namespace midstream;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--help" || option == "-h") return fmt::print("{}", kUsage), 0;
    if (option == "--eal-help") argv[i] = const_cast<char*>("--help");
  }
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop_requested = true; });
  const int used = rte_eal_init(argc, argv);
  if (used < 0) {
    fmt::print(stderr,
               "midstream: EAL cannot start ({}): see its message above; without hugepages add "
               "--no-huge -m 256\n",
               rte_strerror(rte_errno));
    return kBadUsage;
  }
  int status = 0;
  try {
    run(argc - used, argv + used);
  } catch (const Failure& failure) {
    fmt::print(stderr, "midstream: {}\n", failure.text);
    status = kBadUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "midstream: {}\n", error.what());
    status = kBadUsage;
  }
  rte_eal_cleanup();
  return status;
}
