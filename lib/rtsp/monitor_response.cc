// What came from either side, and what the server's answers change.
#include <algorithm>

#include "lib/base/text.h"
#include "lib/rtsp/monitor.h"
#include "lib/rtsp/presentation.h"

namespace midstream::rtsp {
namespace {

void check_version(Conversation& conversation, const Message& message) {
  if (message.version.starts_with("RTSP/2")) mark_unprotected(conversation, Unprotected::kRtsp2);
}

// Servers state the timeout in SETUP's answer, in every one, or another one in PLAY's.
void read_timeout(Conversation& conversation, const PendingRequest& request, const Message& answer) {
  const Header* header = answer.find("Session");
  const auto parsed = header != nullptr ? parse_session(header->value) : std::nullopt;
  if (!parsed || !parsed->timeout_s) return;
  if (Session* session = session_of(conversation, request.session, answer))
    session->timeout_s = *parsed->timeout_s;
}

uint8_t apply_answer(Conversation& conversation, const PendingRequest& request, const Message& answer) {
  switch (request.method) {
    case Method::kDescribe:
      return on_describe_answer(conversation, request, answer);
    case Method::kSetup:
      return on_setup_answer(conversation, request, answer);
    case Method::kPlay:
      return on_play_answer(conversation, request, answer);
    case Method::kPause:
      return on_pause_answer(conversation, request, answer);
    case Method::kTeardown:
      return on_teardown_answer(conversation, request, answer);
    case Method::kAnnounce:
    case Method::kGetParameter:
    case Method::kOptions:
    case Method::kRecord:
    case Method::kRedirect:
    case Method::kSetParameter:
    case Method::kUnknown:
      return kNothing;
  }
  return kNothing;
}

uint8_t on_answer(Conversation& conversation, const Message& answer) {
  if (answer.status < 200) return kNothing;  // "100 Continue": the answer is still to come
  const auto request = take_answered(conversation, answer);
  const Header* connection = answer.find("Connection");
  conversation.answered = true;
  conversation.closing = connection != nullptr && equal_ignoring_case(connection->value, "close");
  if (!request || answer.status >= 300) return kNothing;
  const uint8_t changes = apply_answer(conversation, *request, answer);
  read_timeout(conversation, *request, answer);
  return changes;
}

uint8_t with_unprotected(const Conversation& conversation, Unprotected before, uint8_t changes) {
  const bool changed = conversation.unprotected != before;
  return static_cast<uint8_t>(changes | (changed ? kUnprotectedChanged : kNothing));
}

}  // namespace

uint8_t on_client_message(Conversation& conversation, const Message& message, Bytes raw) {
  const Unprotected before = conversation.unprotected;
  check_version(conversation, message);
  if (message.is_request)
    note_request(conversation, message, raw);
  else
    settle_server_request(conversation, message);
  return with_unprotected(conversation, before, kNothing);
}

uint8_t on_server_message(Conversation& conversation, const Message& message) {
  const Unprotected before = conversation.unprotected;
  uint8_t changes = kNothing;
  check_version(conversation, message);
  if (message.is_request)
    note_server_request(conversation, message);
  else
    changes = on_answer(conversation, message);
  return with_unprotected(conversation, before, changes);
}

uint8_t on_describe_answer(Conversation& conversation, const PendingRequest& request,
                           const Message& answer) {
  sdp::Description description;
  if (!sdp::parse(as_text(answer.body), description)) return kNothing;
  if (conversation.has_description && any_session(conversation) &&
      !same_resource(conversation.describe_url.view(), request.uri.view())) {
    conversation.other_presentation = true;
    return kNothing;
  }
  if (!base_url(answer, request.uri.view(), conversation.base)) {
    mark_unprotected(conversation, Unprotected::kMessageTooLarge);
    return kNothing;
  }
  conversation.has_description = true;
  conversation.describe_url = request.uri;
  conversation.description = description;
  return kNothing;
}

uint8_t on_pause_answer(Conversation& conversation, const PendingRequest& request,
                        const Message& answer) {
  Session* session = session_of(conversation, request.session, answer);
  if (session == nullptr || session->state != PlayState::kPlaying) return kNothing;
  session->state = PlayState::kPaused;
  return kPlayChanged;
}

uint8_t on_teardown_answer(Conversation& conversation, const PendingRequest& request,
                           const Message& answer) {
  Session* session = session_of(conversation, request.session, answer);
  if (session == nullptr) return kNothing;
  if (!names_single_stream(conversation, *session, request.uri.view())) {
    session->teardown_requested = true;
    session->state = PlayState::kTornDown;
    return kTornDown;
  }
  // RFC 2326 10.7: one stream only; those behind it move up.
  const auto gone = session->streams.begin() + stream_named(*session, request.uri.view());
  std::copy(gone + 1, session->streams.begin() + session->stream_count, gone);
  --session->stream_count;
  return kStreamsChanged;
}

}  // namespace midstream::rtsp
