// bench-path: what a packet costs. The real worker, on the frames of a capture that a port of DPDK's
// plays for ever from memory (net_pcap, infinite_rx), to a port that throws away what it is sent
// (net_null). dpdk-testpmd can be given the same ports: scripts/bench does, and compares.
//
// On every turn of the capture sequence numbers and timestamps must go on, or late packets were all
// that is measured: a callback on the receiving port does that, measures its own cycles, and they are
// taken off. Two figures of cycles a packet: `cycles` from the return of receive to the call of send,
// and `cycles_all` with receive, send, and all that the worker does between two bursts.
//
//   bench-path --write-capture FILE ...   writes the frames
//   bench-path --capture FILE ...         measures

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "dataplane/port.h"
#include "tests/bench/path_capture.h"
#include "tests/bench/path_ports.h"
#include "tests/bench/peers.h"

namespace midstream::bench {
namespace {

constexpr double kWarmUp = 0.3;   // seconds
constexpr uint32_t kPackets = 6;  // that a plays of each stream before it dies
constexpr Duration kPacketTime = 10ms;
constexpr unsigned kSpareFrames = 16 * 1024;  // beside those of the capture

struct Options {
  std::string write, capture, mode = "accounted", core = "0";
  size_t streams = 10'000, frame_bytes = 200;
  double seconds = 1;
  size_t rounds = 5;
  unsigned memory_mb = 1024;
  bool huge = false;
};

void start_eal(const Options& options) {
  const std::string in = fmt::format("net_pcap_in,rx_pcap={},infinite_rx=1", options.capture);
  const std::string memory = std::to_string(options.memory_mb);
  std::vector<std::string> eal = {"bench-path",
                                  "--vdev",
                                  in,
                                  "--vdev",
                                  "net_null_out,no-rx=1",
                                  "-l",
                                  options.core,
                                  "-m",
                                  memory,
                                  "--no-pci",
                                  "--no-shconf",
                                  "--no-telemetry",
                                  "--log-level=4",
                                  "--file-prefix=bench-path"};
  if (!options.huge) eal.push_back("--no-huge");
  std::vector<char*> arguments;
  for (std::string& text : eal) arguments.push_back(text.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
    throw std::runtime_error("EAL does not start");
}

WorkerPort worker_port(const PortInfo& info, bool client_side) {
  return {info.id, client_side, info.mtu, info.receive_queues, info.mac};
}

// All sessions play, at b if their packets are to be rewritten, and their clients come by the port that
// throws away.
void play(MeasuredSwitch& dut, Peers& peers, const Options& options) {
  const size_t sessions = options.streams / kStreams;
  peers.find_servers();
  peers.open_all(sessions);
  peers.play_all(sessions);
  for (uint32_t packet = 0; packet < kPackets; ++packet) {
    peers.send_from_a(packet);
    dut.wait(kPacketTime);
  }
  if (options.mode == "rewritten") {
    peers.kill_a();
    for (const Time begin = dut.now(); peers.moved() < sessions;) {
      if (dut.now() - begin > 60s) throw std::runtime_error("the sessions do not move");
      dut.turn();
      peers.run();
    }
  }
  dut.clients_come_by(2);
  peers.sign_all(sessions);
}

// What receive and send alone cost.
void pass_on(uint16_t in, uint16_t out) {
  rte_mbuf* frames[32];
  const uint16_t count = rte_eth_rx_burst(in, 0, frames, 32);
  const uint16_t sent = rte_eth_tx_burst(out, 0, frames, count);
  rte_pktmbuf_free_bulk(frames + sent, count - sent);
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t whole = 0, resident = 0;
  file >> whole >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

nlohmann::json measure(const Options& options) {
  start_eal(options);
  const size_t room = RTE_PKTMBUF_HEADROOM + std::max<size_t>(options.frame_bytes + 64, 384);
  rte_mempool* pool =
      rte_pktmbuf_pool_create("bench", static_cast<unsigned>(options.streams + kSpareFrames), 256, 0,
                              static_cast<uint16_t>(room), SOCKET_ID_ANY);
  if (pool == nullptr) throw std::runtime_error("no memory for packet buffers: more with --memory");
  const PortInfo in = start_port(0, 1, pool), out = start_port(1, 1, pool);
  MeteredPorts meter(in.id, out.id, options.streams);
  const bool bridged = options.mode == "bridge" || options.mode == "io";
  MeasuredSwitch dut(bridged ? 1 : options.streams / kStreams,
                     {worker_port(out, true), worker_port(in, false)});
  Peers peers(dut, bridged ? 1 : options.streams / kStreams);
  const size_t before_sessions = resident_bytes();
  if (!bridged) play(dut, peers, options);
  const size_t grown = resident_bytes() - before_sessions;
  if (bridged) {  // the switch learns where the router is
    dut.clients_come_by(2);
    peers.open(0);
    dut.turn();
  }
  const auto poll = [&](Time now) {
    options.mode == "io" ? pass_on(in.id, out.id) : static_cast<void>(dut.worker().poll(now));
  };
  meter.run(poll, dut.now(), kWarmUp);
  const WorkerStats before = dut.worker().stats();
  std::vector<MeteredPorts::Figures> rounds;
  for (size_t i = 0; i < options.rounds; ++i) {
    rounds.push_back(meter.run(poll, dut.now(), options.seconds));
  }
  nlohmann::json drops = nlohmann::json::object();
  for (size_t i = 0; i < kDropCount; ++i) {
    const uint64_t count = dut.worker().stats().drops[i] - before.drops[i];
    if (count > 0) drops[to_string(static_cast<Drop>(i))] = count;
  }
  nlohmann::json figures = report(rounds, drops);
  // Streams are touched at start, so what grew is the sessions'.
  figures["bytes_per_stream"] = sizeof(StreamState);
  figures["bytes_per_session"] =
      static_cast<double>(grown) * kStreams / static_cast<double>(options.streams);
  return figures;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures what the worker needs for a packet. First --write-capture, then --capture.");
  app.add_option("--write-capture", options.write, "write the frames to this file, and end");
  app.add_option("--capture", options.capture, "the file to be played");
  app.add_option("--mode", options.mode,
                 "io (receive and send alone), bridge, accounted or rewritten (accounted)")
      ->check(CLI::IsMember({"io", "bridge", "accounted", "rewritten"}));
  app.add_option("--streams", options.streams, "an even number (10000)");
  app.add_option("--bytes", options.frame_bytes, "of a frame (200)")->check(CLI::Range(74, 1514));
  app.add_option("--seconds", options.seconds, "of a round (1)");
  app.add_option("--rounds", options.rounds, "(5)");
  app.add_option("--core", options.core, "(0)");
  app.add_option("--memory", options.memory_mb, "MB of EAL's (1024)");
  app.add_flag("--huge", options.huge, "in hugepages");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!options.write.empty()) {
      write_capture(options.write, options.mode == "rewritten" ? kB : kA, options.streams,
                    options.frame_bytes);
    } else if (!options.capture.empty()) {
      fmt::print("{}\n", measure(options).dump());
    } else {
      throw std::runtime_error("--write-capture or --capture is needed, see --help");
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-path: {}\n", error.what());
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace midstream::bench

int main(int argc, char** argv) { return midstream::bench::main(argc, argv); }
