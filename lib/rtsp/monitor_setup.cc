// The answer to a SETUP: a session, and one stream of it.
#include <algorithm>
#include <span>

#include "lib/rtsp/monitor.h"
#include "lib/rtsp/presentation.h"

namespace midstream::rtsp {
namespace {

Session* free_slot(Conversation& conversation) {
  auto& sessions = conversation.sessions;
  auto slot = std::ranges::find_if(sessions, [](const Session& s) { return s.id.empty(); });
  if (slot == sessions.end()) slot = std::ranges::find(sessions, PlayState::kTornDown, &Session::state);
  return slot == sessions.end() ? nullptr : &*slot;
}

// `slot` may be used, nullptr if there is none left.
Session* open_session(Conversation& conversation, Session* slot, std::string_view id) {
  if (slot == nullptr) {
    mark_unprotected(conversation, Unprotected::kTooManySessions);
    return nullptr;
  }
  FixedString<128> kept_id;
  if (!kept_id.assign(id)) {
    mark_unprotected(conversation, Unprotected::kMessageTooLarge);
    return nullptr;
  }
  *slot = Session{};
  slot->id = kept_id;
  if (!aggregate_url(conversation.base.view(), conversation.description, slot->url))
    slot->url = conversation.base;
  const auto& range = conversation.description.range;
  // "now-14" has an end, so it is no live source: gst-rtsp-server 1.22 describes a movie so whose
  // position it could not tell yet.
  if (range) slot->duration = range->end;
  slot->live = !slot->duration.has_value();
  return slot;
}

bool not_yet_playing(const Session& session) {
  return session.state == PlayState::kInit || session.state == PlayState::kReady;
}

Session* session_for_setup(Conversation& conversation, const PendingRequest& request,
                           const Message& answer) {
  Session* named = request.session < kMaxSessions ? &conversation.sessions[request.session] : nullptr;
  if (named != nullptr && !is_live(*named)) named = nullptr;
  const Header* header = answer.find("Session");
  const auto parsed = header != nullptr ? parse_session(header->value) : std::nullopt;
  if (!parsed || parsed->id.empty()) {
    // Nothing that later requests could be matched by.
    if (named == nullptr) mark_unprotected(conversation, Unprotected::kUnknownTransport);
    return named;
  }
  Session* known = conversation.find_session(parsed->id);
  if (known != nullptr && is_live(*known)) return known;
  if (named == nullptr || !not_yet_playing(*named))
    return open_session(conversation, known != nullptr ? known : free_slot(conversation), parsed->id);
  if (!named->id.assign(parsed->id)) mark_unprotected(conversation, Unprotected::kMessageTooLarge);
  return named;
}

bool usable(const std::optional<PortPair>& ports) { return ports && ports->rtp != 0; }

// Where neither side has said which, or the answer cannot be understood, it is not guessed.
std::optional<PortPair> agreed_channels(const PendingRequest& request, const Transport& transport) {
  return transport.interleaved_text.empty() ? request.channels : transport.interleaved;
}

bool has_place(const Conversation& conversation, const Session& session, const PendingRequest& request,
               const Transport& transport) {
  if (!transport.inside_connection())
    return usable(transport.server_port) &&
           (usable(transport.client_port) || usable(request.client_port));
  const size_t again = stream_named(session, request.uri.view());
  const Stream* replaced = again < session.stream_count ? &session.streams[again] : nullptr;
  const auto channels = agreed_channels(request, transport);
  return channels && are_free(channels_in_use(conversation, replaced), *channels);
}

Unprotected reason_against(const Conversation& conversation, const Session& session,
                           const PendingRequest& request, const Transport& transport) {
  if (transport.multicast) return Unprotected::kMulticast;
  if (!transport.rtp) return Unprotected::kUnknownTransport;
  if (transport.secure || conversation.description.secure) return Unprotected::kSecureRtp;
  if (!has_place(conversation, session, request, transport)) return Unprotected::kUnknownTransport;
  if (!conversation.has_description) return Unprotected::kNoDescription;
  return Unprotected::kNone;
}

// By URL; a URL that is none of the description's takes the first medium that nobody uses.
std::optional<uint8_t> media_for(const Conversation& conversation, const Session& session,
                                 std::string_view uri) {
  const sdp::Description& description = conversation.description;
  const auto named = media_index(conversation.base.view(), description, uri);
  if (named || conversation.other_presentation) return named;
  const auto streams = std::span(session.streams).first(session.stream_count);
  for (uint8_t media = 0; media < description.media_count; ++media)
    if (std::ranges::find(streams, media, &Stream::media) == streams.end()) return media;
  return std::nullopt;
}

// The stream of that URL anew, or one more.
Stream* stream_for_setup(Conversation& conversation, Session& session, std::string_view uri) {
  const size_t index = stream_named(session, uri);
  const bool again = index < session.stream_count;
  const auto media = again ? session.streams[index].media : media_for(conversation, session, uri);
  if (!media) {
    mark_unprotected(conversation, conversation.other_presentation ? Unprotected::kNoDescription
                                                                   : Unprotected::kTooManyStreams);
    return nullptr;
  }
  if (index == kMaxStreams) {
    mark_unprotected(conversation, Unprotected::kTooManyStreams);
    return nullptr;
  }
  if (!again) ++session.stream_count;
  session.streams[index] = Stream{};
  session.streams[index].media = *media;
  return &session.streams[index];
}

// What has_place() has found good.
void agree_on_place(Stream& stream, const PendingRequest& request, const Transport& transport) {
  if (transport.inside_connection()) {
    stream.channels = agreed_channels(request, transport);
    return;
  }
  stream.client_port = usable(transport.client_port) ? *transport.client_port : *request.client_port;
  stream.server_port = *transport.server_port;
}

}  // namespace

uint8_t on_setup_answer(Conversation& conversation, const PendingRequest& request,
                        const Message& answer) {
  Session* session = session_for_setup(conversation, request, answer);
  if (session == nullptr) return kNothing;
  if (session->state == PlayState::kInit) session->state = PlayState::kReady;

  const Header* header = answer.find("Transport");
  const Transport transport = header != nullptr ? parse_transport(header->value).items[0] : Transport{};
  const Unprotected reason = reason_against(conversation, *session, request, transport);
  if (reason != Unprotected::kNone) {
    mark_unprotected(conversation, reason);
    return kNothing;
  }
  Stream* stream = stream_for_setup(conversation, *session, request.uri.view());
  if (stream == nullptr) return kNothing;
  const sdp::Media& media = conversation.description.media[stream->media];
  stream->url = request.uri;
  agree_on_place(*stream, request, transport);
  stream->ssrc = transport.ssrc;
  stream->payload_type = media.payload_type;
  stream->clock_rate = media.clock_rate;
  return kStreamsChanged;
}

}  // namespace midstream::rtsp
