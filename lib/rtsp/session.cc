#include "lib/rtsp/session.h"

#include <algorithm>
#include <span>
#include <type_traits>

#include "lib/rtsp/monitor.h"
#include "lib/rtsp/presentation.h"

namespace midstream::rtsp {

static_assert(std::is_trivially_copyable_v<Conversation>);

const char* to_string(Unprotected reason) {
  switch (reason) {
    case Unprotected::kNone:
      return "none";
    case Unprotected::kJoinedWithoutSyn:
      return "joined-without-syn";
    case Unprotected::kOneSided:
      return "one-sided-routing";
    case Unprotected::kTls:
      return "rtsps";
    case Unprotected::kHttp:
      return "rtsp-over-http";
    case Unprotected::kNotRtsp:
      return "not-rtsp";
    case Unprotected::kRtsp2:
      return "rtsp-2.0";
    case Unprotected::kSecureRtp:
      return "secure-rtp";
    case Unprotected::kMulticast:
      return "multicast";
    case Unprotected::kUnknownTransport:
      return "unknown-transport";
    case Unprotected::kRecord:
      return "record";
    case Unprotected::kDigestWithoutCredentials:
      return "digest-without-credentials";
    case Unprotected::kNoDescription:
      return "no-description";
    case Unprotected::kTooManySessions:
      return "too-many-sessions";
    case Unprotected::kTooManyStreams:
      return "too-many-streams";
    case Unprotected::kDoubleTagged:
      return "two VLAN tags";
    case Unprotected::kMessageTooLarge:
      return "message-too-large";
  }
  return "?";
}

bool is_readable(Unprotected reason) {
  switch (reason) {
    case Unprotected::kNone:
    case Unprotected::kSecureRtp:
    case Unprotected::kMulticast:
    case Unprotected::kUnknownTransport:
    case Unprotected::kRecord:
    case Unprotected::kDigestWithoutCredentials:
    case Unprotected::kNoDescription:
    case Unprotected::kTooManySessions:
    case Unprotected::kTooManyStreams:
      return true;
    case Unprotected::kJoinedWithoutSyn:
    case Unprotected::kOneSided:
    case Unprotected::kTls:
    case Unprotected::kHttp:
    case Unprotected::kNotRtsp:
    case Unprotected::kRtsp2:
    case Unprotected::kDoubleTagged:
    case Unprotected::kMessageTooLarge:
      return false;
  }
  return false;
}

const char* to_string(PlayState state) {
  switch (state) {
    case PlayState::kInit:
      return "init";
    case PlayState::kReady:
      return "ready";
    case PlayState::kPlaying:
      return "playing";
    case PlayState::kPaused:
      return "paused";
    case PlayState::kTornDown:
      return "torn-down";
  }
  return "?";
}

Session* Conversation::find_session(std::string_view id) {
  if (id.empty()) return nullptr;
  for (Session& session : sessions)
    if (session.id.view() == id) return &session;
  return nullptr;
}

bool Conversation::any_playing() const {
  return std::ranges::any_of(
      sessions, [](const Session& s) { return !s.id.empty() && s.state == PlayState::kPlaying; });
}

ChannelSet channels_in_use(const Conversation& conversation, const Stream* but) {
  ChannelSet channels;
  for (const Session& session : conversation.sessions) {
    if (!is_live(session)) continue;
    for (const Stream& stream : std::span(session.streams).first(session.stream_count))
      if (&stream != but && stream.channels) take(channels, *stream.channels);
  }
  return channels;
}

void mark_unprotected(Conversation& conversation, Unprotected reason) {
  if (conversation.unprotected == Unprotected::kNone) conversation.unprotected = reason;
}

bool is_live(const Session& session) {
  return !session.id.empty() && session.state != PlayState::kTornDown;
}

bool any_session(const Conversation& conversation) {
  return std::ranges::any_of(conversation.sessions, is_live);
}

Session* session_of(Conversation& conversation, uint8_t requested, const Message& message) {
  const Header* header = message.find("Session");
  if (header != nullptr) {
    const auto parsed = parse_session(header->value);
    Session* session = parsed ? conversation.find_session(parsed->id) : nullptr;
    if (session != nullptr) return is_live(*session) ? session : nullptr;
  }
  if (requested < kMaxSessions) {
    Session& session = conversation.sessions[requested];
    return is_live(session) ? &session : nullptr;
  }
  // An id that we do not know is no reason to take any other session for it.
  if (header != nullptr || std::ranges::count_if(conversation.sessions, is_live) != 1) return nullptr;
  return &*std::ranges::find_if(conversation.sessions, is_live);
}

size_t stream_named(const Session& session, std::string_view uri) {
  size_t i = 0;
  while (i < session.stream_count && !same_resource(session.streams[i].url.view(), uri)) ++i;
  return i;
}

bool names_single_stream(const Conversation& conversation, const Session& session,
                         std::string_view uri) {
  if (session.stream_count < 2 || same_resource(uri, conversation.base.view())) return false;
  return stream_named(session, uri) < session.stream_count;
}

}  // namespace midstream::rtsp
