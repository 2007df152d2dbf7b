// A session is not a connection. live555's and gortsplib's sessions with UDP outlive the connection
// that they were made on: they are followed on, move when their server fails, on a connection that the
// switch holds alone, and go over to the connection on which their client names them again.

#include <algorithm>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

// After it, a server that ends its sessions with their connection sends nothing any more.
constexpr Duration kLastMedia = 1s;

// Unknown ids that are looked for, of one connection: the search goes through all connections.
constexpr uint8_t kMaxSearches = 8;

}  // namespace

bool Worker::client_listens(const Connection& c, const rtsp::Session& session) const {
  return now_ - c.last_client_sign <= std::chrono::seconds(session.timeout_s);
}

// The connection is over, but the server plays on and the client still reports.
bool Worker::plays_on(const Connection& c) const {
  if (c.closed_at == Time{}) return false;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (session.id.empty() || session.state != rtsp::PlayState::kPlaying) continue;
    if (session.teardown_requested || !client_listens(c, session)) continue;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      const uint32_t slot = c.stream_state[s][i];
      if (slot != kNoStream && streams_[slot].last_forwarded >= c.closed_at + kLastMedia) return true;
    }
  }
  return false;
}

// Everything that the server says is read, so everything is acknowledged.
void Worker::acknowledge_alone(Connection& c) {
  tcp::Direction& direction = c.splice.to_client;
  const TcpSequence end = direction.edits.to_output(direction.released);
  direction.edits.acknowledge(end);
  direction.custody.acknowledge(end, false, now_);
  c.client_half.acknowledged = end;
  acknowledge_sender(c, false);
}

// Nobody listens any more: the server's half goes, too.
void Worker::let_go(Connection& c) {
  tcp::Segment reset = make_to_server(c.splice, c.splice.to_client.released);
  reset.sequence = c.splice.to_server.edits.to_output(c.splice.to_server.released);
  reset.flags.rst = true;
  reset.timestamps.reset();
  send_segment(c, false, reset);
  c.state = ConnectionState::kClosed;
  report(c);
}

// A client that comes back names the session that it had on another connection. If that is over, the
// session moves to this one; otherwise it stays, and only its words are lent.
void Worker::adopt_session(Connection& c, const rtsp::Message& message) {
  const rtsp::Header* header = message.is_request ? message.find("Session") : nullptr;
  const auto named = header != nullptr ? rtsp::parse_session(header->value) : std::nullopt;
  if (!named || c.conversation.find_session(named->id) != nullptr) return;
  const auto lent = [&](const rtsp::SessionWords& words) {
    return words.client_id.view() == named->id;
  };
  if (std::ranges::any_of(c.words.sessions, lent)) return;
  const auto free = std::ranges::find_if(c.conversation.sessions,
                                         [](const rtsp::Session& s) { return s.id.empty(); });
  if (free == c.conversation.sessions.end() || c.searches == kMaxSearches) return;
  ++c.searches;
  const auto index = static_cast<uint8_t>(free - c.conversation.sessions.begin());
  for (Connection& other : own_connections()) {
    const bool owned =
        other.state != ConnectionState::kUnused && other.state != ConnectionState::kFrozen;
    if (!owned || &other == &c || other.client.address != c.client.address) continue;
    if (other.service != c.service || other.server_endpoint != c.server_endpoint) continue;
    const rtsp::Session* session = other.conversation.find_session(named->id);
    if (session == nullptr || session->state == rtsp::PlayState::kTornDown) continue;
    const auto old_index = static_cast<uint8_t>(session - other.conversation.sessions.data());
    if (other.closed_at != Time{}) return move_session(other, old_index, c, index);
    c.words.session_count = rtsp::kMaxSessions;
    c.words.sessions[index] = other.words.sessions[old_index];
    return;
  }
}

void Worker::move_session(Connection& from, uint8_t old_index, Connection& to, uint8_t index) {
  // Media are known by their place in the description.
  if (to.conversation.has_description &&
      !sdp::difference(from.conversation.description, to.conversation.description).empty()) {
    return;
  }
  report(from, true);  // its row goes over, too
  to.conversation.has_description = from.conversation.has_description;
  to.conversation.describe_url = from.conversation.describe_url;
  to.conversation.base = from.conversation.base;
  to.conversation.description = from.conversation.description;
  to.conversation.sessions[index] = std::exchange(from.conversation.sessions[old_index], {});
  to.words.session_count = rtsp::kMaxSessions;
  to.words.sessions[index] = std::exchange(from.words.sessions[old_index], {});
  to.words.media_count = from.words.media_count;
  to.words.media = from.words.media;
  to.stream_state[index] = from.stream_state[old_index];
  from.stream_state[old_index].fill(kNoStream);
  to.clocks[index] = from.clocks[old_index];
  to.play_count[index] = from.play_count[old_index];
  to.failovers = std::max(to.failovers, from.failovers);
  to.lag = std::max(to.lag, from.lag);
  to.lag_counted = to.failovers;
  to.last_client_sign = to.last_server_sign = now_;
  move_flows(from, old_index, to, index);
  report(from);
  report(to);
  arm(to, now_ + options_.stall / 4);
}

void Worker::move_flows(Connection& from, uint8_t old_index, Connection& to, uint8_t index) {
  for (uint8_t i = from.key_count; i-- > 0;) {
    const FlowKey key = from.keys[i];
    const auto target = flows_.find(key);
    if (key.protocol != Protocol::kUdp || !target || target->connection != from.index) continue;
    if (target->role != FlowRole::kFenced && target->session != old_index) continue;
    flows_.remove(key);
    from.keys[i] = from.keys[--from.key_count];
    if (!learn_flow(to, key, {target->role, index, target->stream, to.index})) ++stats_.not_tracked;
  }
}

}  // namespace midstream
