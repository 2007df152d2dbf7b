// bench-storm: all sessions of a dead server, moved at once. See measured_switch.h for what the clock
// means and peers.h for who plays.

#include <fmt/format.h>
#include <rte_eal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "tests/bench/peers.h"

namespace midstream::bench {
namespace {

constexpr uint32_t kPackets = 6;        // that a plays of each stream
constexpr Duration kPacketTime = 10ms;  // between two of them: no stream is ever silent
constexpr Duration kBeatTurn = 1ms;     // until the servers are known
constexpr Duration kLimit = 60s;        // then sessions are lost, and the figure is none
constexpr size_t kSingles = 63;

struct Options {
  size_t sessions = 10'000;
  size_t rounds = 5;
  unsigned lag = 1;
  bool json = false;
};

struct Round {
  double setup_us = 0;                   // worker, a session: from SYN to the answer to PLAY
  double storm_s = 0;                    // failure to the last session moved
  double worker_us = 0, control_us = 0;  // own CPU time, a session
  double peers_us = 0;                   // theirs
  size_t lost = 0;                       // frames that the ports' rings had no room for
  uint64_t mailbox_full = 0;             // frames and freezes that the mailbox had no room for
  std::vector<double> times_us;          // of each session, rising
};

double to_us(Duration d) { return static_cast<double>(d.count()) / 1e3; }

template <typename T>
T median(std::vector<T> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void storm(MeasuredSwitch& dut, Peers& peers, size_t sessions, unsigned lag, Round& round) {
  unsigned turns = 0;
  const Duration peers_before = peers.cpu_time();
  dut.forget_used();
  peers.kill_a();
  for (const Time begin = dut.now(); peers.moved() < sessions;) {
    if (peers.told() > 0 || dut.now() - begin > kLimit) {
      throw std::runtime_error(fmt::format("of {} sessions {} have moved, {} clients were told",
                                           sessions, peers.moved(), peers.told()));
    }
    dut.turn(++turns % lag == 0);
    peers.run();
  }
  const auto each = static_cast<double>(sessions);
  round.storm_s = to_seconds(peers.moved_after().back());
  round.worker_us = to_us(dut.used().worker) / each;
  round.control_us = to_us(dut.used().control) / each;
  round.peers_us = to_us(peers.cpu_time() - peers_before) / each;
  round.lost = peers.lost();
  round.mailbox_full = dut.stats().drops[static_cast<size_t>(Drop::kMailboxFull)];
  for (const Duration d : peers.moved_after()) round.times_us.push_back(to_us(d));
}

void play_all(MeasuredSwitch& dut, Peers& peers, size_t sessions, Round& round) {
  peers.find_servers();
  dut.forget_used();
  peers.open_all(sessions);
  peers.play_all(sessions);
  round.setup_us = to_us(dut.used().worker) / static_cast<double>(sessions);
  for (uint32_t packet = 0; packet < kPackets; ++packet) {
    peers.send_from_a(packet);
    dut.wait(kPacketTime);
  }
}

Round run(size_t sessions, unsigned lag) {
  Round round;
  MeasuredSwitch dut(sessions);
  Peers peers(dut, sessions);
  play_all(dut, peers, sessions, round);
  storm(dut, peers, sessions, lag, round);
  return round;
}

// Own time of the switch for one session alone, from the reset of its connection on: one after the
// other, right behind a heartbeat, so that nothing else happens meanwhile.
double single_us() {
  Round round;
  MeasuredSwitch dut(kSingles);
  Peers peers(dut, kSingles);
  play_all(dut, peers, kSingles, round);
  for (const unsigned beats = peers.beats(); peers.beats() < beats + 2; dut.wait(kBeatTurn)) {
    peers.send_from_a(kPackets - 1);  // no stream is silent meanwhile
  }
  std::vector<double> each;
  for (size_t i = 0; i < kSingles; ++i) {
    dut.forget_used();
    peers.reset_by_a(i);
    for (const Time begin = dut.now(); peers.moved() <= i;) {
      if (dut.now() - begin > kLimit) throw std::runtime_error("a session alone has not moved");
      dut.turn();
      peers.run();
    }
    each.push_back(to_us(dut.used().all()));
  }
  return median(each);
}

nlohmann::json report(const Options& options) {
  std::vector<Round> rounds;
  for (size_t i = 0; i < options.rounds; ++i) rounds.push_back(run(options.sessions, options.lag));
  const auto of = [&rounds](auto&& value) {
    std::vector<double> all;
    for (const Round& round : rounds) all.push_back(static_cast<double>(value(round)));
    return median(all);
  };
  const auto time = [&](double share) {
    return of([share](const Round& r) {
      return r.times_us[static_cast<size_t>(share * static_cast<double>(r.times_us.size() - 1))];
    });
  };
  const double seconds = of([](const Round& r) { return r.storm_s; });
  const double worker = of([](const Round& r) { return r.worker_us; });
  const double control = of([](const Round& r) { return r.control_us; });
  return {
      {"sessions", options.sessions},
      {"rounds", options.rounds},
      {"storm_s", seconds},
      {"moved_per_s", static_cast<double>(options.sessions) / seconds},
      {"own_us_per_session", of([](const Round& r) { return r.worker_us + r.control_us; })},
      {"worker_us_per_session", worker},
      {"control_us_per_session", control},
      {"peers_us_per_session", of([](const Round& r) { return r.peers_us; })},
      {"single_us", single_us()},
      {"setup_per_s", 1e6 / of([](const Round& r) { return r.setup_us; })},
      {"frames_lost", of([](const Round& r) { return r.lost; })},
      {"mailbox_full", of([](const Round& r) { return r.mailbox_full; })},
      {"times_us", {{"median", time(0.5)}, {"p90", time(0.9)}, {"p99", time(0.99)}, {"max", time(1)}}}};
}

void print(const nlohmann::json& r) {
  const auto number = [&r](const char* name) { return r.at(name).get<double>(); };
  const auto time = [&r](const char* name) { return r.at("times_us").at(name).get<double>() / 1e3; };
  fmt::print("{} sessions, two streams each; medians of {} rounds\n", number("sessions"),
             number("rounds"));
  fmt::print("all moved after       {:10.3f} s, {:.0f} sessions a second\n", number("storm_s"),
             number("moved_per_s"));
  fmt::print("a session, from the failure to its last stream's first new packet\n");
  fmt::print("                      {:10.1f} ms median, {:.1f} p90, {:.1f} p99, {:.1f} max\n",
             time("median"), time("p90"), time("p99"), time("max"));
  fmt::print("own time a session    {:10.1f} us: worker {:.1f}, control {:.1f}\n",
             number("own_us_per_session"), number("worker_us_per_session"),
             number("control_us_per_session"));
  fmt::print("one session alone     {:10.1f} us of the switch's own time\n", number("single_us"));
  fmt::print("simulated peers       {:10.1f} us a session, not counted\n",
             number("peers_us_per_session"));
  fmt::print("dialogues monitored   {:10.0f} a second of worker time, SYN to PLAY\n",
             number("setup_per_s"));
  fmt::print("no room               {:10.0f} frames at the ports, {:.0f} in the mailbox\n",
             number("frames_lost"), number("mailbox_full"));
}

bool start_eal() {
  std::array<const char*, 10> eal{"bench-storm",    "--no-huge",    "-m", "1024",
                                  "--no-pci",       "-l",           "0",  "--no-shconf",
                                  "--no-telemetry", "--log-level=4"};
  return rte_eal_init(static_cast<int>(eal.size()), const_cast<char**>(eal.data())) >= 0;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Kills a server with N sessions of two streams and measures how long the switch, worker and "
      "control on one core, takes to move them all to another one. Simulated peers answer at once and "
      "cost no time.");
  app.add_option("--sessions", options.sessions, "N (default 10000)")->check(CLI::Range(1, 100'000));
  app.add_option("--rounds", options.rounds, "medians of so many (default 5)")
      ->check(CLI::Range(1, 99));
  app.add_option("--lag", options.lag,
                 "control has a turn only after so many of the workers' (default 1): its mailbox fills")
      ->check(CLI::Range(1, 100'000));
  app.add_flag("--json", options.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  if (!start_eal()) return fmt::print(stderr, "bench-storm: EAL does not start\n"), 1;
  int status = 0;
  try {
    const nlohmann::json result = report(options);
    options.json ? fmt::print("{}\n", result.dump()) : print(result);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-storm: {}\n", error.what());
    status = 1;
  }
  rte_eal_cleanup();
  return status;
}

}  // namespace
}  // namespace midstream::bench

int main(int argc, char** argv) { return midstream::bench::main(argc, argv); }
