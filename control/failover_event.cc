// What a failover says of itself: its event, from the freeze to the last stream that goes on.

#include <algorithm>
#include <utility>

#include "control/failover_manager.h"

namespace midstream {
namespace {

constexpr Duration kResumeLimit = 5s;  // then a stream that sends nothing is reported as it is

}  // namespace

bool FailoverManager::is_moved(const rtsp::Session& session) {
  return !session.id.empty() && session.state != rtsp::PlayState::kTornDown &&
         !session.teardown_requested;
}

// It has played, so there is a place to go on from.
bool FailoverManager::has_place(const rtsp::Session& session) {
  return session.state == rtsp::PlayState::kPlaying || session.state == rtsp::PlayState::kPaused;
}

// The record and the positions: where each session must go on.
void FailoverManager::describe(Failover& failover) {
  const Connection& c = *failover.connection;
  Event& event = failover.event;
  event.unix_ns = d_.unix_offset_ns + c.failed_at.time_since_epoch().count();
  event.service = d_.config.services[c.service].name;
  event.client = c.client;
  event.cause = to_string(c.cause);
  event.server_from = d_.config.servers[c.server].name;
  event.detection = c.failed_at - c.last_server_sign;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (!is_moved(session)) continue;
    if (event.session.empty()) event.session = session.id.view();
    if (!has_place(session)) continue;
    std::optional<Npt> smallest;
    for (size_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      const StreamState& stream = d_.streams[c.stream_state[s][i]];
      if (!stream.ended)
        smallest =
            std::min(smallest.value_or(stream.position.resume_from()), stream.position.resume_from());
      StreamEvent row;
      row.index = static_cast<uint32_t>(i);
      const uint8_t media = session.streams[i].media;
      if (media < c.conversation.description.media_count) {
        row.encoding = c.conversation.description.media[media].encoding.view();
      }
      row.position = stream.position.newest();
      row.position_source = to_string(stream.position.source());
      event.streams.push_back(std::move(row));
    }
    failover.positions[s] = smallest.value_or(session.play_start.value_or(Npt{}));
    for (StreamEvent& row : event.streams) {
      if (!row.resume_position) row.resume_position = failover.positions[s];
    }
  }
}

void FailoverManager::name_refusals(Failover& failover) {
  failover.event.refusals.clear();
  for (const auto& [server, reason] : failover.refusals)
    failover.event.refusals.push_back(d_.config.servers[server].name + ": " + reason);
}

FailoverManager::Resuming FailoverManager::begin_resuming(Failover& failover, Time now) {
  const Connection& c = *failover.connection;
  Resuming resuming;
  resuming.event = std::move(failover.event);
  resuming.done_at = failover.attempt->done_at();
  resuming.deadline = now + kResumeLimit;
  resuming.event.establishment = resuming.done_at - c.failed_at;
  resuming.event.outcome = "resumed";
  uint8_t row = 0;
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    resuming.row[s].fill(kNoRow);
    const rtsp::Session& session = c.conversation.sessions[s];
    if (!is_moved(session) || !has_place(session)) continue;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      if (session.state == rtsp::PlayState::kPlaying) {
        resuming.row[s][i] = row;
        ++resuming.streams_left;
      }
      ++row;
    }
  }
  return resuming;
}

void FailoverManager::on_resumed(const ToControl& mail) {
  const auto found = resuming_.find(mail.connection);
  if (found == resuming_.end()) return;
  Resuming& resuming = found->second;
  uint8_t& row = resuming.row[mail.resumed.session][mail.resumed.stream];
  if (row == kNoRow) return;
  StreamEvent& stream = resuming.event.streams[std::exchange(row, kNoRow)];
  stream.cut_method = rtp::to_string(mail.resumed.method);
  stream.dropped_packets = mail.resumed.dropped;
  stream.padded = mail.resumed.padded;
  resuming.event.lag = mail.resumed.lag;
  if (!resuming.first_packet) {
    resuming.first_packet = mail.at;
    resuming.event.catch_up = std::max(mail.at - resuming.done_at, Duration{});
  }
  const Duration gap = mail.at - mail.resumed.last_of_old;
  resuming.event.media_gap =
      std::max(resuming.event.media_gap.value_or(gap), gap);  // the stream that waited longest
  if (--resuming.streams_left == 0) end_resuming(mail.connection, "resumed");
}

// If it is resuming at all.
void FailoverManager::end_resuming(uint32_t connection, const char* outcome) {
  const auto found = resuming_.find(connection);
  if (found == resuming_.end()) return;
  found->second.event.outcome = outcome;
  finish(std::move(found->second.event));
  resuming_.erase(found);
  timers_.cancel(connection);
}

void FailoverManager::finish(Event event) {
  const int64_t unix_ns = event.unix_ns;
  const bool good = event.outcome == "resumed" || event.outcome.starts_with("ended");
  d_.events.add(std::move(event));
  const std::string text = to_text(d_.events.newest());
  d_.log.line(unix_ns, good ? Log::Level::kInfo : Log::Level::kError, text);
}

}  // namespace midstream
