#include "control/failover_manager.h"

#include <algorithm>

namespace midstream {
namespace {

constexpr Duration kRetry = 200ms;        // all candidates failed: ask them again
constexpr size_t kMaxQueuedFrames = 256;  // of one client; its TCP repeats what is lost
constexpr size_t kWorkATurn = 16;         // answers and new attempts: some 100 us
// At once: of a slow server's making, so it is bounded. What one touches are some 30 KB.
constexpr size_t kMaxAttempts = 8192;
// So many begun in so short a time, and not ended: 1500 frames at worst, and 6400 attempts a second if
// the server is slow.
constexpr size_t kMostYoung = 128;
constexpr Duration kYoung = 20ms;
constexpr Duration kSettleLook = 1ms;  // whether what is owed has been paid
constexpr Duration kTick = 100us;      // how late a timer may be

}  // namespace

FailoverManager::FailoverManager(Dependencies dependencies)
    : d_(std::move(dependencies)), timers_(static_cast<uint32_t>(d_.connections), kTick) {}

FailoverManager::~FailoverManager() {
  for (auto& [index, failover] : failovers_) {
    for (Queued& queued : failover.queue) rte_pktmbuf_free(queued.frame);
  }
}

void FailoverManager::on_frozen(Connection& connection, Time now) {
  // It has failed again before all its streams had resumed: the failover before ends here.
  end_resuming(connection.index, "established, but the server failed before every stream had resumed");
  Failover& failover = failovers_[connection.index];
  failover.connection = &connection;
  failover.give_up = connection.failed_at + d_.config.detect.give_up;
  describe(failover);
  owe_old_server(connection, now);
  wait_for_turn(failover);
  arm(failover, now);
}

void FailoverManager::wait_for_turn(Failover& failover) {
  failover.waiting = true;
  waiting_.push_back(failover.connection->index);
}

// What the answers have left of this turn; one at least, or who answers much would hold up the others.
void FailoverManager::begin_waiting(Time now) {
  size_t left = answers_ < kWorkATurn ? kWorkATurn - answers_ : 1;
  answers_ = 0;
  while (left > 0 && !waiting_.empty() && may_begin(now)) {
    const auto found = failovers_.find(waiting_.front());
    waiting_.pop_front();
    if (found == failovers_.end() || !found->second.waiting) continue;
    found->second.waiting = false;
    next_attempt(found->second, now);
    --left;
  }
}

bool FailoverManager::may_begin(Time now) {
  for (; !young_.empty(); young_.pop_front()) {
    const Begun& oldest = young_.front();
    const auto found = failovers_.find(oldest.connection);
    const bool runs =
        found != failovers_.end() && found->second.attempt && found->second.begun == oldest.at;
    if (runs && now - oldest.at < kYoung) break;
  }
  return young_.size() < kMostYoung && attempts_.in_use() < kMaxAttempts;
}

// The sessions that it may still hold, in its own words.
void FailoverManager::owe_old_server(const Connection& c, Time now) {
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (session.id.empty() || session.state == rtsp::PlayState::kTornDown) continue;
    const rtsp::SessionWords& words = c.words.sessions[s];
    const bool moved = !words.server_id.empty() && words.client_id.view() == session.id.view();
    const rtsp::Url& own = session.url.empty() ? c.conversation.base : session.url;
    const rtsp::Url& url = moved && !words.server_url.empty() ? words.server_url : own;
    d_.owed.add(c.server, c.server_endpoint.port, {c.client, c.to_client.destination, c.index},
                {moved ? words.server_id : session.id, url}, now);
  }
}

std::optional<size_t> FailoverManager::choose(const Failover& failover) const {
  const Connection& c = *failover.connection;
  const auto fresh = [&](size_t server) {
    return std::ranges::find(failover.tried, server) == failover.tried.end() && d_.usable(server);
  };
  for (const size_t server : d_.config.services[c.service].servers) {
    if (server != c.server && fresh(server)) return server;
  }
  if (fresh(c.server) && d_.alive_since(c.server, c.failed_at)) return c.server;
  return std::nullopt;
}

void FailoverManager::next_attempt(Failover& failover, Time now) {
  failover.attempt.reset();
  const auto server = choose(failover);
  if (!server) {
    failover.tried.clear();
    failover.next_attempt = now + kRetry;
    return arm(failover, now);
  }
  failover.tried.push_back(*server);
  failover.event.server_to = d_.config.servers[*server].name;
  if (d_.owed.owed(*server, failover.connection->client)) {
    d_.owed.pay_now(*server, failover.connection->client, now);
    failover.settling = *server;
    return arm(failover, now);
  }
  begin_attempt(failover, *server, now);
}

void FailoverManager::settle(Failover& failover, Time now) {
  const size_t server = *failover.settling;
  if (d_.owed.paying(server, failover.connection->client)) return;
  failover.settling.reset();
  if (!d_.owed.owed(server, failover.connection->client)) return begin_attempt(failover, server, now);
  failover.refusals[server] = "TEARDOWN of what it had: no answer";
  next_attempt(failover, now);
}

void FailoverManager::begin_attempt(Failover& failover, size_t server, Time now) {
  const ServiceConfig& service = d_.config.services[failover.connection->service];
  const Endpoint endpoint{d_.config.servers[server].address, service.port};
  failover.attempt =
      attempts_.make(*failover.connection, server, endpoint, failover.positions, d_.network, d_.mailbox,
                     d_.random, failover.accurate, service.credentials, now);
  failover.begun = now;
  young_.push_back({failover.connection->index, now});
  arm(failover, now);
}

void FailoverManager::attempt_failed(Failover& failover, Time now) {
  failover.refusals[failover.attempt->server()] = failover.attempt->failure();
  failover.accurate &= !failover.attempt->seek_unanswered();
  cancel_attempt(failover, now);
  next_attempt(failover, now);
}

// What it has made there must go.
void FailoverManager::cancel_attempt(Failover& failover, Time now) {
  if (!failover.attempt) return;
  const Connection& c = *failover.connection;
  failover.attempt->cancel();
  for (const OwedTeardowns::Session& session : failover.attempt->sessions_made()) {
    d_.owed.add(failover.attempt->server(), failover.attempt->remote().port,
                {c.client, c.to_client.destination, c.index}, session, now);
  }
  failover.attempt.reset();
}

void FailoverManager::on_frame(uint32_t connection, rte_mbuf* frame, uint16_t port, Time now) {
  const auto found = failovers_.find(connection);
  if (found == failovers_.end()) {  // on its way while the connection was given back: so is this
    ToWorker mail{};
    mail.kind = ToWorker::Kind::kHandle;
    mail.connection = connection;
    mail.frame = frame;
    mail.port = port;
    if (!d_.mailbox.post(mail)) rte_pktmbuf_free(frame);
    return;
  }
  Failover& failover = found->second;
  const Bytes bytes{rte_pktmbuf_mtod(frame, const uint8_t*), frame->pkt_len};
  const net::Packet packet = net::parse_packet(bytes);
  const bool from_client = packet.source == failover.connection->client;
  tcp::Segment segment;
  const size_t end = packet.payload_offset + packet.payload_bytes;
  const bool parsed =
      tcp::parse_segment(bytes.subspan(packet.l4_offset, end - packet.l4_offset), segment);
  if (from_client && parsed) note_sack(failover.connection->client_half, segment);
  if (from_client) {
    if (failover.queue.size() == kMaxQueuedFrames) return rte_pktmbuf_free(frame);
    failover.queue.push_back({frame, port});
    if (!parsed) return;
    if (!failover.watch) failover.watch = std::make_unique<ClientWatch>(*failover.connection);
    failover.watch->on_segment(segment);
    if (failover.watch->wish() != ClientWatch::Wish::kService) this->end(failover, now);
    return;
  }
  ++answers_;
  if (failover.attempt && packet.source == failover.attempt->remote() && parsed) {
    failover.attempt->on_segment(segment, now);
    if (failover.attempt->state() == StreamEstablishment::State::kDone) {
      hand_back(failover, now);
    } else {
      arm(failover, now);
    }
  }
  rte_pktmbuf_free(frame);
}

// The connection is the worker's again, and behind it go the frames that came meanwhile.
void FailoverManager::give_back(Failover& failover, ToWorker::Kind kind) {
  const uint32_t index = failover.connection->index;
  ToWorker mail{};
  mail.kind = kind;
  mail.connection = index;
  d_.mailbox.send(mail);  // from here on the worker owns it
  for (const Queued& queued : failover.queue) {
    mail.kind = ToWorker::Kind::kHandle;
    mail.frame = queued.frame;
    mail.port = queued.port;
    d_.mailbox.send(mail);
  }
  timers_.cancel(index);
  failovers_.erase(index);
}

void FailoverManager::hand_back(Failover& failover, Time now) {
  if (!failover.attempt->hand_back(d_.streams, now)) {
    failover.refusals[failover.attempt->server()] = failover.attempt->failure();
    return abandon(failover, now);
  }
  name_refusals(failover);
  const uint32_t index = failover.connection->index;
  Resuming resuming = begin_resuming(failover, now);
  give_back(failover, ToWorker::Kind::kSplice);
  if (resuming.streams_left == 0)
    return finish(std::move(resuming.event));  // nothing plays: no media to wait for
  timers_.set(index, resuming.deadline);
  resuming_[index] = std::move(resuming);
}

void FailoverManager::abandon(Failover& failover, Time now) {
  if (failover.attempt)
    failover.refusals.try_emplace(failover.attempt->server(), failover.attempt->step());
  cancel_attempt(failover, now);
  name_refusals(failover);
  failover.event.outcome = "failed";
  if (failover.refusals.empty()) failover.event.outcome += ": no other server of the service is up";
  for (const std::string& refusal : failover.event.refusals) {
    failover.event.outcome += (&refusal == &failover.event.refusals.front() ? ": " : ", ") + refusal;
  }
  failover.event.server_to.clear();
  finish(std::move(failover.event));
  give_back(failover, ToWorker::Kind::kAbandon);
}

// Nobody needs to be found any more.
void FailoverManager::end(Failover& failover, Time now) {
  cancel_attempt(failover, now);
  const bool gone = failover.watch->wish() == ClientWatch::Wish::kGone;
  failover.event.outcome = gone ? "ended: the client has left" : "ended: the client has torn down";
  failover.event.server_to.clear();
  finish(std::move(failover.event));
  give_back(failover, ToWorker::Kind::kEnd);
}

// The next moment at which time alone changes something.
void FailoverManager::arm(Failover& failover, Time now) {
  Time due = failover.give_up;
  if (failover.attempt) {
    due = std::min(due, failover.attempt->next_timer());
  } else if (failover.settling) {
    due = std::min(due, now + kSettleLook);
  } else if (!failover.waiting) {
    due = std::min(due, failover.next_attempt);
  }
  timers_.set(failover.connection->index, due);
}

void FailoverManager::on_timer(uint32_t connection, Time now) {
  const auto found = failovers_.find(connection);
  if (found == failovers_.end())
    return end_resuming(connection, "established, but without media on every stream");
  Failover& failover = found->second;
  if (failover.attempt) {
    failover.attempt->poll(now);
    if (failover.attempt->state() == StreamEstablishment::State::kFailed) attempt_failed(failover, now);
  } else if (failover.settling) {
    settle(failover, now);
  } else if (!failover.waiting && now >= failover.next_attempt) {
    wait_for_turn(failover);
  }
  if (now >= failover.give_up) return abandon(failover, now);
  arm(failover, now);
}

void FailoverManager::poll(Time now) {
  timers_.advance(now, [&](uint32_t connection) { on_timer(connection, now); });
  begin_waiting(now);
}

}  // namespace midstream
