#include "lib/rtsp/own_answers.h"

#include <charconv>

#include "lib/rtsp/half_answer.h"
#include "lib/rtsp/monitor.h"

namespace midstream::rtsp {
namespace {

void write_text(ByteWriter& writer, std::string_view text) { writer.bytes(as_bytes(text)); }

void write_number(ByteWriter& writer, uint32_t number) {
  std::array<char, 10> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  write_text(writer, {text.data(), static_cast<size_t>(end - text.data())});
}

bool is_teardown(const PendingRequest& request) {
  return request.method == Method::kTeardown && request.session < kMaxSessions;
}

std::string_view status_of(const Conversation& conversation, const PendingRequest& request) {
  if (is_teardown(request)) return "200 OK";
  const bool gone = request.session < kMaxSessions &&
                    conversation.sessions[request.session].state == PlayState::kTornDown;
  if (gone || request.method == Method::kTeardown) return "454 Session Not Found";
  return "503 Service Unavailable";
}

}  // namespace

bool teardown_unanswered(const Conversation& conversation) {
  for (uint8_t i = 0; i < conversation.pending_count; ++i) {
    const PendingRequest& request = conversation.pending[i];
    if (is_teardown(request) && conversation.sessions[request.session].teardown_requested) return true;
  }
  return false;
}

size_t write_own_answer(Conversation& conversation, const PendingRequest& request, MutableBytes out) {
  ByteWriter writer(out);
  write_text(writer, "RTSP/1.0 ");
  write_text(writer, status_of(conversation, request));
  if (request.has_cseq) {
    write_text(writer, "\r\nCSeq: ");
    write_number(writer, request.cseq);
  }
  if (is_teardown(request)) {
    Session& session = conversation.sessions[request.session];
    write_text(writer, "\r\nSession: ");
    write_text(writer, session.id.view());
    if (session.teardown_requested) session.state = PlayState::kTornDown;  // not of one stream only
  }
  write_text(writer, "\r\n\r\n");
  return writer.ok() ? writer.position() : 0;
}

size_t write_own_answers(Conversation& conversation, MutableBytes out) {
  size_t size = 0;
  for (uint8_t i = 0; i < conversation.pending_count; ++i) {
    size += write_own_answer(conversation, conversation.pending[i], out.subspan(size));
  }
  conversation.pending_count = 0;
  conversation.pending_used = 0;
  return size;
}

// What the server had granted before it died, it has granted.
size_t finish_with_own_answer(Conversation& conversation, Bytes sent, MutableBytes out) {
  const auto index = half_answered(conversation, sent);
  if (!index) return SIZE_MAX;
  const PendingRequest request = conversation.pending[*index];
  std::array<uint8_t, kMaxOwnAnswer> text;
  Bytes answer = Bytes(text).first(write_own_answer(conversation, request, text));
  FinishedAnswer done = finish_answer(sent, answer, out);
  if (done.failure != nullptr && as_text(sent).starts_with("RTSP/1.0 2")) {
    std::array<uint8_t, kMaxOwnAnswer> granted;
    ByteWriter writer(granted);
    write_text(writer, "RTSP/1.0 200 OK");
    writer.bytes(answer.subspan(as_text(answer).find('\r')));
    answer = writer.written();
    done = finish_answer(sent, answer, out);
  }
  Message message;
  if (done.failure != nullptr || parse_message(answer, message).status != ParseStatus::kDone)
    return SIZE_MAX;
  take_answered(conversation, message);
  return done.bytes;
}

}  // namespace midstream::rtsp
