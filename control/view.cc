// What the operator sees: rows of JSON, made when asked for.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "control/control_loop.h"
#include "control/operator.h"

namespace midstream {
namespace {

double rounded(double value, double unit) {
  return static_cast<double>(static_cast<int64_t>(value / unit + 0.5)) * unit;
}

std::string protection(const SessionReport& report) {
  return report.unprotected == rtsp::Unprotected::kNone ? "yes" : to_string(report.unprotected);
}

}  // namespace

nlohmann::json ControlLoop::server_rows() const {
  nlohmann::json rows = nlohmann::json::array();
  for (size_t i = 0; i < options_.config.servers.size(); ++i) {
    const Heartbeat& heartbeat = detector_.server(i);
    const Neighbour& neighbour = network_.neighbour(i);
    size_t sessions = 0;
    for (const auto& [key, report] : sessions_)
      sessions += report.server == i && !report.id.empty() ? 1 : 0;
    nlohmann::json services = nlohmann::json::array();
    for (const ServiceConfig& service : options_.config.services) {
      if (std::ranges::find(service.servers, i) != service.servers.end())
        services.push_back(service.name);
    }
    nlohmann::json row = {{"name", options_.config.servers[i].name},
                          {"address", to_string(options_.config.servers[i].address)},
                          {"state", to_string(heartbeat.state())},
                          {"since_s", rounded(to_seconds(now_ - heartbeat.since()), 0.001)},
                          {"sessions", sessions},
                          {"owed", owed_.count(i)},
                          {"host", !neighbour.known   ? "unknown"
                                   : neighbour.silent ? "silent"
                                                      : "alive"},
                          {"services", services}};
    row["rtt_ms"] =
        heartbeat.round_trip() ? nlohmann::json(to_ms(*heartbeat.round_trip())) : nlohmann::json();
    rows.push_back(std::move(row));
  }
  return rows;
}

void ControlLoop::add_session_row(const SessionReport& report, nlohmann::json& rows) const {
  const bool moving = report.connection_state == ConnectionState::kFrozen;
  rows.push_back(
      {{"key", session_key(report)},
       {"id", std::string(report.id.view())},
       {"service", options_.config.services[report.service].name},
       {"client", to_string(report.client)},
       {"server", options_.config.servers[report.server].name},
       {"state", moving ? "moving" : to_string(report.play_state)},
       {"protected", protection(report)},
       {"url", std::string(report.url.view())},
       {"streams", report.stream_count},
       {"failovers", report.failovers},
       {"custody_bytes", options_.custody[report.connection].load(std::memory_order_relaxed)}});
}

void ControlLoop::add_stream_rows(const SessionReport& report, nlohmann::json& rows) const {
  for (uint8_t i = 0; i < report.stream_count; ++i) {
    if (report.stream_state[i] == kNoStream) continue;
    const StreamPosition position = options_.streams[report.stream_state[i]].published.read();
    rows.push_back({{"key", session_key(report)},
                    {"session", std::string(report.id.view())},
                    {"stream", i},
                    {"encoding", std::string(report.encoding[i].view())},
                    {"position_s", rounded(static_cast<double>(position.npt_ns) / 1e9, 0.001)},
                    {"position_source", to_string(position.source)},
                    {"packets", position.packets},
                    {"bytes", position.bytes},
                    {"bps", position.bits_per_second},
                    {"state", to_string(report.play_state)},
                    {"ssrc", position.ssrc}});
  }
}

nlohmann::json ControlLoop::counter_rows() const {
  nlohmann::json rows = nlohmann::json::array();
  const auto add = [&](const std::string& name, uint64_t count) {
    rows.push_back({{"name", name}, {"count", count}});
  };
  WorkerStats stats;
  for (const WorkerStats* worker : options_.stats) stats += *worker;
  add("received", stats.received);
  add("transmitted", stats.transmitted);
  add("connections", stats.connections);
  add("connections not tracked, table full", stats.not_tracked);
  add("custody bytes", stats.custody_bytes);
  add("custody buffers", stats.custody_buffers);
  add("custody let go at its bound", stats.custody_let_go);
  for (size_t i = 0; i < kDropCount; ++i) {
    add(std::string("dropped, ") + to_string(static_cast<Drop>(i)), stats.drops[i]);
  }
  for (size_t i = 1; i < rtsp::kUnprotectedCount; ++i) {
    add(std::string("unprotected, ") + to_string(static_cast<rtsp::Unprotected>(i)),
        stats.unprotected[i]);
  }
  return rows;
}

nlohmann::json ControlLoop::worker_rows() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const WorkerStats* stats : options_.stats) {
    const uint64_t dropped =
        std::accumulate(std::begin(stats->drops), std::end(stats->drops), uint64_t{0});
    rows.push_back({{"worker", rows.size()},
                    {"received", stats->received},
                    {"transmitted", stats->transmitted},
                    {"passed", stats->passed},
                    {"connections", stats->connections},
                    {"dropped", dropped}});
  }
  return rows;
}

nlohmann::json ControlLoop::answer(const nlohmann::json& request) const {
  const std::string command = request.at("command");
  const nlohmann::json& after = request.at("after");
  const size_t limit = request.at("limit");
  if (command == "servers") return page(server_rows(), after, limit);
  if (command == "workers") return page(worker_rows(), after, limit);
  if (command == "counters") return page(counter_rows(), after, limit);
  if (command == "events") return events_.page(after, limit);
  if (command != "sessions" && command != "streams") {
    return {{"error", "unknown command \"" + command + "\""}};
  }
  std::vector<uint64_t> keys;
  for (const auto& [key, report] : sessions_) keys.push_back(key);
  return page(std::move(keys), after, limit, [&](uint64_t key, nlohmann::json& rows) {
    const SessionReport& report = sessions_.at(key);
    command == "sessions" ? add_session_row(report, rows) : add_stream_rows(report, rows);
  });
}

}  // namespace midstream
