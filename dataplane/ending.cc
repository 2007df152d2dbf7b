// When is an ending a failure? Judged here, before the client can see it.

#include <algorithm>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr int64_t kEndTolerance_ns = 1'000'000'000;  // positions this close to the known end have ended
constexpr Duration kByeHold = 150ms;
// For one track far before the known end, while others play: a server that goes away says BYE when the
// last of what it has queued is sent, track by track (gst: 270 ms apart, answering all the while).
constexpr Duration kTrackByeHold = 3s;
constexpr Duration kUnitByeHold = 500ms;
// Between two steps toward a session. Clients wait 5 to 10 s for an answer, and servers close a
// connection that stays without a session after 10 s at the earliest (gortsplib).
constexpr Duration kOpening = 10s;
constexpr Duration kClosedLinger = 60s;  // fences and late packets; one minute like TIME-WAIT
constexpr Duration kHandshakeLimit = 30s;
constexpr Duration kIdleLimit = 7200s;  // no packet in either direction
constexpr Duration kIdleCheck = 1s;
constexpr int kIntervalsOfSilence = 4;

// Packets that are kept while the cut is in doubt are not accounted yet.
Npt farthest(const StreamState& stream) {
  const Npt newest = stream.position.newest();
  const auto held = stream.phase == StreamPhase::kCutting ? stream.finder.held_until() : std::nullopt;
  return held && stream.position.anchored() ? std::max(newest, stream.position.at(*held)) : newest;
}

}  // namespace

bool Worker::near_end(const Connection& c, const rtsp::Session& session) const {
  const auto index = static_cast<size_t>(&session - c.conversation.sessions.data());
  std::optional<Npt> end = session.play_end ? session.play_end : session.duration;
  if (!end) return false;
  for (uint8_t i = 0; i < session.stream_count; ++i) {
    const uint32_t slot = c.stream_state[index][i];
    if (slot != kNoStream && *end - farthest(streams_[slot]) <= kEndTolerance_ns) return true;
  }
  return false;
}

// The server has said BYE on every stream, and the client was told.
bool Worker::all_ended(const Connection& c, const rtsp::Session& session) const {
  const auto index = static_cast<size_t>(&session - c.conversation.sessions.data());
  for (uint8_t i = 0; i < session.stream_count; ++i) {
    const uint32_t slot = c.stream_state[index][i];
    if (slot != kNoStream && !streams_[slot].ended) return false;
  }
  return session.stream_count > 0;
}

// Set up, and neither torn down, nor at its end, nor left alone by its client.
bool Worker::must_go_on(const Connection& c, const rtsp::Session& session) const {
  if (session.teardown_requested || session.state == rtsp::PlayState::kTornDown) return false;
  if (now_ - c.last_client_sign > std::chrono::seconds(session.timeout_s)) return false;
  const bool played = session.play_count > 0;
  return !played || (!near_end(c, session) && !all_ended(c, session));
}

// Without a session: the client is on its way to one.
bool Worker::is_opening(const Connection& c) const {
  if (now_ - c.last_client_sign > kOpening) return false;
  const bool lost = c.client_half.sent > c.from_client.next_expected();  // what it said, on its way
  const bool asks = lost || c.conversation.pending_count > 0 || !c.from_client.empty();
  return asks || (c.conversation.answered && !c.conversation.closing);
}

bool Worker::ending_is_failure(const Connection& c) const {
  if (c.state != ConnectionState::kMonitored && c.state != ConnectionState::kSpliced) return false;
  if (c.conversation.unprotected != rtsp::Unprotected::kNone) return false;
  // The client has left first, or has been told an end that was none of a failure.
  const bool over = c.client_half.fin || c.server_half.fin || c.closed_at != Time{};
  if (over && !plays_on(c)) return false;
  bool any_session = false;
  for (const rtsp::Session& session : c.conversation.sessions) {
    if (session.id.empty()) continue;
    any_session = true;
    if (must_go_on(c, session)) return true;
  }
  return !any_session && is_opening(c);
}

// Hands the connection to control. False if the mailbox is full: nothing has changed then.
bool Worker::freeze(Connection& c, Cause cause) {
  // Reports and the mail itself: what does not fit now is judged again at the next sign.
  if (!mailbox_.has_room_for_control(rtsp::kMaxSessions + 1)) {
    ++stats_.drops[static_cast<size_t>(Drop::kMailboxFull)];
    return false;
  }
  note_signs(c);
  c.state = ConnectionState::kFrozen;
  close_paths(c);
  c.cause = cause;
  c.failed_at = now_;
  c.suspected = false;
  ++c.version;
  report(c);
  // Fenced before control can ask for flows of the next server.
  timers_.cancel(c.index - first_connection_);
  fence_server(c, c.server_endpoint.address);
  for (const auto& session : c.stream_state) {
    for (const uint32_t slot : session) drop_held(slot);
  }
  if (c.interleaved) settle_interleaved(c);
  drop_byes(c);
  ToControl mail{};
  mail.kind = ToControl::Kind::kFrozen;
  mail.connection = c.index;
  mail.owned = &c;
  mail.at = now_;
  return mailbox_.post(mail);
}

void Worker::suspect(Connection& c, Cause cause) {
  if (c.suspected) return;
  ToControl mail{};
  mail.kind = ToControl::Kind::kSuspect;
  mail.connection = c.index;
  mail.server = c.server;
  mail.generation = c.generation;
  mail.at = now_;
  c.cause = cause;
  c.suspected = mailbox_.post(mail);
}

// Every stream of a playing session is silent for longer than its own habit allows.
bool Worker::silent(const Connection& c) const {
  bool any = false;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (session.id.empty() || session.state != rtsp::PlayState::kPlaying) continue;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      const uint32_t slot = c.stream_state[s][i];
      if (slot == kNoStream) continue;
      const IntervalWatch& interval = streams_[slot].interval;
      const Duration limit = std::max(options_.stall, interval.longest() * kIntervalsOfSilence);
      if (now_ - interval.last() < limit) return false;
      any = true;
    }
  }
  return any;
}

// A track may end before the others, and a presentation of unknown length at any time: then the server
// is asked. When all tracks have ended before the known end, it is failing; and until the others have
// said more, or come to their end, one track alone is not believed.
void Worker::hold_bye(Frame& frame, Connection& c, const FlowTarget& target) {
  HeldByes& held = held_byes(c);
  if (held.byes.size() >= rtsp::kMaxStreams) return drop(frame.mbuf, Drop::kParkFull);
  held.byes.push_back({frame.mbuf, c.stream_state[target.session][target.stream]});
  judge_bye(c, target.session);
}

void Worker::judge_bye(Connection& c, uint8_t index) {
  HeldByes& held = held_byes(c);
  const rtsp::Session& session = c.conversation.sessions[index];
  const bool known_end = session.duration.has_value();
  bool all = true;
  for (uint8_t i = 0; i < session.stream_count; ++i) {
    const uint32_t slot = c.stream_state[index][i];
    all &= slot == kNoStream || streams_[slot].said_bye;
  }
  if (known_end && all && freeze(c, Cause::kBye)) return;
  // Inside the connection all other media waits behind it.
  held.until = now_ + (!known_end ? kByeHold : c.interleaved ? kUnitByeHold : kTrackByeHold);
  suspect(c, Cause::kBye);
  arm(c, now_ + kByeHold);
}

void Worker::let_byes_go(Connection& c) {
  HeldByes& held = held_byes(c);
  for (const HeldBye& bye : held.byes) transmit(bye.frame, c.client_nic);
  held.byes.clear();
  for (const Parked& segment : held.segments) transmit(segment.frame, c.client_nic);
  held.segments.clear();
  if (c.interleaved) let_units_go(c);
  for (const auto& session : c.stream_state) {
    for (const uint32_t slot : session) {
      if (slot != kNoStream && streams_[slot].said_bye) streams_[slot].ended = true;
    }
  }
}

void Worker::drop_byes(const Connection& c) {
  for (const HeldBye& bye : held_byes(c).byes) drop(bye.frame, Drop::kHeldEnding);
  held_byes(c).byes.clear();
  for (const Parked& segment : held_byes(c).segments) drop(segment.frame, Drop::kHeldEnding);
  held_byes(c).segments.clear();
}

// It plays again: what it had said before is void.
void Worker::drop_bye(const Connection& c, uint32_t slot) {
  std::erase_if(held_byes(c).byes, [&](const HeldBye& bye) {
    if (bye.stream == slot) drop(bye.frame, Drop::kHeldEnding);
    return bye.stream == slot;
  });
}

// One timer a connection: the earliest of what it waits for.
void Worker::arm(Connection& c, Time when) { timers_.set(c.index - first_connection_, when); }

void Worker::on_timer(Connection& c) {
  if (c.state == ConnectionState::kUnused || c.state == ConnectionState::kFrozen) return;
  note_signs(c);
  const Time last_sign = std::max(c.last_client_sign, c.last_server_sign);
  const bool lives_on = plays_on(c);
  if (c.held && !lives_on && c.state != ConnectionState::kClosed) let_go(c);
  const bool closed = c.closed_at != Time{} && !lives_on && now_ - c.closed_at >= kClosedLinger;
  const bool never_opened =
      c.state == ConnectionState::kHandshake && now_ - last_sign >= kHandshakeLimit;
  if (closed || never_opened || now_ - last_sign >= kIdleLimit) return forget(c);

  Time next = now_ + kIdleCheck;
  if (const HeldByes& held = held_byes(c); !held.byes.empty() || holds_units(c)) {
    if (!c.suspected && (held.until <= now_ || !ending_is_failure(c))) let_byes_go(c);
    next = std::max(held.until, now_ + kByeHold / 8);
  }
  if (c.conversation.any_playing() && (c.closed_at == Time{} || lives_on)) {
    const bool matters = ending_is_failure(c) || teardown_is_ours(c);
    if (now_ >= c.trusted_until && silent(c) && matters) suspect(c, Cause::kSilence);
    next = std::min(next, now_ + options_.stall / 4);
  }
  if (c.state == ConnectionState::kSpliced || c.state == ConnectionState::kEnding) {
    if (c.state == ConnectionState::kSpliced) {
      settle_overdue_cuts(c);
      if (c.interleaved) settle_overdue_half(c);
      if (c.joining) pass_units(c, nullptr, made_segment(c, true));
      if (c.state != ConnectionState::kSpliced) return;
      keep_alive(c);
    }
    for (const bool to_client : {true, false}) {
      tcp::Custody& custody = (to_client ? c.splice.to_client : c.splice.to_server).custody;
      if (to_client && c.closed_at == Time{} && custody.given_up(now_)) return give_up_client(c);
      if (custody.deadline() <= now_) {
        custody.on_timeout(now_);
        send_origin(c, to_client, true);
      }
      next = std::min(next, custody.deadline());
    }
  }
  arm(c, next);
}

}  // namespace midstream
