#include "control/failover_manager.h"

#include <algorithm>

namespace midstream {
namespace {

constexpr Duration kRetry = 200ms;        // all candidates failed: ask them again
constexpr Duration kResumeLimit = 5s;     // then a stream that sends nothing is reported as it is
constexpr size_t kMaxQueuedFrames = 256;  // of one client; its TCP repeats what is lost

}  // namespace

FailoverManager::~FailoverManager() {
  for (auto& [index, failover] : failovers_) {
    for (Queued& queued : failover.queue) rte_pktmbuf_free(queued.frame);
  }
}

void FailoverManager::on_frozen(Connection& connection, Time now) {
  // It has failed again before all its streams had resumed: the failover before ends here.
  if (const auto found = resuming_.find(connection.index); found != resuming_.end()) {
    found->second.event.outcome = "established, but the server failed before every stream had resumed";
    finish(std::move(found->second.event));
    resuming_.erase(found);
  }
  Failover& failover = failovers_[connection.index];
  failover.connection = &connection;
  failover.watch = std::make_unique<ClientWatch>(connection);
  failover.give_up = connection.failed_at + d_.config.detect.give_up;
  describe(failover);
  owe_old_server(connection, now);
  next_attempt(failover, now);
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
    return !failover.tried.contains(server) && d_.usable(server);
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
    return;
  }
  failover.tried.insert(*server);
  failover.event.server_to = d_.config.servers[*server].name;
  if (d_.owed.owed(*server, failover.connection->client)) {
    d_.owed.pay_now(*server, failover.connection->client, now);
    failover.settling = *server;
    return;
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
  failover.attempt = std::make_unique<StreamEstablishment>(
      *failover.connection, server, endpoint, failover.positions, d_.network, d_.mailbox, d_.random,
      failover.accurate, service.credentials, now);
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
  if (from_client ||
      (failover.attempt && failover.attempt->state() == StreamEstablishment::State::kDone)) {
    if (failover.queue.size() == kMaxQueuedFrames) return rte_pktmbuf_free(frame);
    failover.queue.push_back({frame, port});
    if (!from_client || !parsed) return;
    failover.watch->on_segment(segment);
    if (failover.watch->wish() != ClientWatch::Wish::kService) this->end(failover, now);
    return;
  }
  if (failover.attempt && packet.source == failover.attempt->remote() && parsed) {
    failover.attempt->on_segment(segment, now);
    if (failover.attempt->state() == StreamEstablishment::State::kDone) hand_back(failover, now);
  }
  rte_pktmbuf_free(frame);
}

void FailoverManager::give_frames_back(Failover& failover) {
  for (const Queued& queued : failover.queue) {
    ToWorker mail{};
    mail.kind = ToWorker::Kind::kHandle;
    mail.connection = failover.connection->index;
    mail.frame = queued.frame;
    mail.port = queued.port;
    d_.mailbox.send(mail);
  }
  failover.queue.clear();
}

void FailoverManager::hand_back(Failover& failover, Time now) {
  Connection& c = *failover.connection;
  if (!failover.attempt->hand_back(d_.streams, now)) {
    failover.refusals[failover.attempt->server()] = failover.attempt->failure();
    return abandon(failover, now);
  }
  name_refusals(failover);
  Resuming resuming;
  resuming.event = std::move(failover.event);
  resuming.done_at = failover.attempt->done_at();
  resuming.deadline = now + kResumeLimit;
  resuming.event.establishment = resuming.done_at - c.failed_at;
  resuming.event.outcome = "resumed";
  size_t row = 0;
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (!is_moved(session) || !has_place(session)) continue;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      if (session.state == rtsp::PlayState::kPlaying) resuming.row[{s, i}] = row;
      ++row;
    }
  }
  resuming.streams_left = resuming.row.size();
  const uint32_t index = c.index;
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kSplice;
  mail.connection = index;
  d_.mailbox.send(mail);  // from here on the worker owns it
  give_frames_back(failover);
  failovers_.erase(index);
  if (resuming.row.empty())
    return finish(std::move(resuming.event));  // nothing plays: no media to wait for
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
  finish(failover.event);
  const uint32_t index = failover.connection->index;
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kAbandon;
  mail.connection = index;
  d_.mailbox.send(mail);
  give_frames_back(failover);
  failovers_.erase(index);
}

// Nobody needs to be found any more.
void FailoverManager::end(Failover& failover, Time now) {
  cancel_attempt(failover, now);
  const bool gone = failover.watch->wish() == ClientWatch::Wish::kGone;
  failover.event.outcome = gone ? "ended: the client has left" : "ended: the client has torn down";
  failover.event.server_to.clear();
  finish(failover.event);
  const uint32_t index = failover.connection->index;
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kEnd;
  mail.connection = index;
  d_.mailbox.send(mail);
  give_frames_back(failover);
  failovers_.erase(index);
}

void FailoverManager::poll(Time now) {
  for (auto it = failovers_.begin(); it != failovers_.end();) {
    Failover& failover = (it++)->second;  // both ends below may erase it
    if (failover.attempt) {
      failover.attempt->poll(now);
      if (failover.attempt->state() == StreamEstablishment::State::kFailed)
        attempt_failed(failover, now);
    } else if (failover.settling) {
      settle(failover, now);
    } else if (now >= failover.next_attempt) {
      next_attempt(failover, now);
    }
    if (now >= failover.give_up) abandon(failover, now);
  }
  for (auto it = resuming_.begin(); it != resuming_.end();) {
    if (now < it->second.deadline) {
      ++it;
      continue;
    }
    it->second.event.outcome = "established, but without media on every stream";
    finish(std::move(it->second.event));
    it = resuming_.erase(it);
  }
}

}  // namespace midstream
