#include "control/control_loop.h"

#include <array>

namespace midstream {

std::vector<WorkerService> worker_services(const Config& config) {
  std::vector<WorkerService> services;
  for (const ServiceConfig& service : config.services) {
    WorkerService& out = services.emplace_back();
    out.endpoint = {service.address, service.port};
    if (!out.text.assign(to_string(service.address))) out.text.clear();
    if (service.own_server) out.own_server = static_cast<uint16_t>(*service.own_server);
    for (const size_t server : service.servers) out.servers.push_back(static_cast<uint16_t>(server));
    out.balance = service.balance;
    out.has_credentials = !service.credentials.empty();
  }
  return services;
}

ControlLoop::ControlLoop(ControlOptions options, Mailboxes& mailbox, Log& log)
    : options_(std::move(options)),
      mailbox_(mailbox),
      random_(options_.seed),
      network_(options_.config, options_.ports, mailbox, options_.pool, random_),
      detector_(options_.config, network_, mailbox, random_, log, options_.unix_offset_ns),
      owed_(options_.config, network_, random_,
            [this](size_t server) { return detector_.usable(server); }),
      failovers_(
          {options_.config, network_, mailbox, random_, owed_, events_, log, options_.streams,
           options_.unix_offset_ns, [this](size_t server) { return detector_.usable(server); },
           [this](size_t server, Time then) { return detector_.server(server).alive_since(then); },
           options_.custody.size()}) {}

ControlLoop::~ControlLoop() {
  const auto discard = [this](const ToControl& mail) {
    rte_pktmbuf_free(mail.frame);
    if (mail.report != nullptr) mailbox_.free_report(mail.report);
  };
  while (take_mail(discard)) {
  }
}

// A burst of every worker's.
template <typename F>
bool ControlLoop::take_mail(F handle) {
  std::array<ToControl, kMailBurst> mails;
  bool any = false;
  for (unsigned worker = 0; worker < mailbox_.size(); ++worker) {
    const unsigned count = mailbox_.of(worker).take(mails);
    for (unsigned i = 0; i < count; ++i) handle(mails[i]);
    any |= count > 0;
  }
  return any;
}

bool ControlLoop::poll(Time now) {
  now_ = now;
  mailbox_.flush();
  const bool busy = take_mail([&](const ToControl& mail) { handle(mail, now); });
  network_.poll(now);
  detector_.poll(now);
  owed_.poll(now);
  failovers_.poll(now);
  return busy || failovers_.active() > 0;
}

void ControlLoop::handle(const ToControl& mail, Time now) {
  switch (mail.kind) {
    case ToControl::Kind::kFrame:
      return network_.on_frame(mail.frame, mail.port, now);
    case ToControl::Kind::kConnectionFrame:
      return failovers_.on_frame(mail.connection, mail.frame, mail.port, now);
    case ToControl::Kind::kFrozen:
      return failovers_.on_frozen(*mail.owned, now);
    case ToControl::Kind::kSuspect:
      return detector_.on_suspect(mail, now);
    case ToControl::Kind::kReport:
      return keep(mail.report);
    case ToControl::Kind::kResumed:
      return failovers_.on_resumed(mail);
  }
}

void ControlLoop::keep(SessionReport* report) {
  const uint64_t key = session_key(*report);
  if (report->gone) {
    sessions_.erase(key);
  } else {
    sessions_[key] = *report;
  }
  mailbox_.free_report(report);
}

}  // namespace midstream
