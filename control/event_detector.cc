#include "control/event_detector.h"

#include <fmt/format.h>

namespace midstream {
namespace {

// A server that no service has is still asked: at RTSP's own port (RFC 2326 3.2).
uint16_t service_port(const Config& config, size_t server) {
  for (const ServiceConfig& service : config.services) {
    for (const size_t member : service.servers) {
      if (member == server) return service.port;
    }
  }
  return 554;
}

}  // namespace

EventDetector::EventDetector(const Config& config, Network& network, Mailboxes& mailbox, Random& random,
                             Log& log, int64_t unix_offset_ns)
    : config_(config),
      mailbox_(mailbox),
      log_(log),
      unix_offset_ns_(unix_offset_ns),
      suspects_(config.servers.size()),
      announced_(config.servers.size(), ServerState::kUnknown) {
  for (size_t i = 0; i < config.servers.size(); ++i) {
    heartbeats_.push_back(std::make_unique<Heartbeat>(i, service_port(config, i),
                                                      config.servers[i].heartbeat, network, random));
  }
}

void EventDetector::on_suspect(const ToControl& mail, Time now) {
  suspects_[mail.server].push_back({mail.connection, mail.generation});
  heartbeats_[mail.server]->probe(now);
}

void EventDetector::answer_suspects(size_t server, bool alive) {
  for (const Suspect& suspect : suspects_[server]) {
    ToWorker mail{};
    mail.kind = alive ? ToWorker::Kind::kAlive : ToWorker::Kind::kFreeze;
    mail.server = static_cast<uint16_t>(server);
    mail.connection = suspect.connection;
    mail.generation = suspect.generation;
    mailbox_.send(mail);
  }
  suspects_[server].clear();
}

void EventDetector::announce(size_t server, Time now) {
  const Heartbeat& heartbeat = *heartbeats_[server];
  const int64_t unix_ns = unix_offset_ns_ + now.time_since_epoch().count();
  announced_[server] = heartbeat.state();
  const std::string& name = config_.servers[server].name;
  ToWorker state{};
  state.kind = ToWorker::Kind::kServerState;
  state.server = static_cast<uint16_t>(server);
  state.flag = heartbeat.state() != ServerState::kDown;
  mailbox_.send(state);
  if (heartbeat.state() == ServerState::kUp)
    return log_.info(unix_ns, fmt::format("server {} is up", name));
  log_.warning(unix_ns, fmt::format("server {} is down: {}", name, to_string(heartbeat.cause())));
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kFreezeServer;
  mail.server = static_cast<uint16_t>(server);
  mail.cause = heartbeat.cause();
  mailbox_.send(mail);
}

void EventDetector::poll(Time now) {
  for (size_t i = 0; i < heartbeats_.size(); ++i) {
    heartbeats_[i]->poll(now);
    const Heartbeat::ProbeResult result = heartbeats_[i]->take_probe_result();
    if (result == Heartbeat::ProbeResult::kAlive || result == Heartbeat::ProbeResult::kDead) {
      answer_suspects(i, result == Heartbeat::ProbeResult::kAlive);
    }
    if (heartbeats_[i]->state() != announced_[i]) announce(i, now);
  }
}

}  // namespace midstream
