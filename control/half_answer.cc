// An answer that the old server left half sent: the new server is asked the same again, before the
// halves are joined, and its answer finishes the old one (lib/rtsp/half_answer.h).

#include "lib/rtsp/half_answer.h"

#include "control/stream_establishment.h"
#include "lib/rtsp/translation.h"

namespace midstream {
namespace {

std::string replaced(Bytes raw, const rtsp::Replacements& edits) {
  std::string text;
  size_t at = 0;
  for (uint8_t i = 0; i < edits.count; ++i) {
    const rtsp::Replacement& edit = edits.items[i];
    text.append(as_text(raw).substr(at, edit.offset - at)).append(edits.text_of(edit));
    at = edit.offset + edit.length;
  }
  return text.append(as_text(raw).substr(at));
}

// In the client's words. The Session, which some servers say in every answer and others do not, is
// said: the client may have got half of it.
std::string in_client_words(const rtsp::Vocabulary& words, const rtsp::Message& message, Bytes raw,
                            std::string_view session) {
  rtsp::Replacements edits;
  if (!rtsp::translate_to_client(words, message, raw, edits)) edits.count = 0;
  std::string text = replaced(raw, edits);
  if (message.find("Session") != nullptr || session.empty()) return text;
  const size_t line = text.find('\n', text.find("RTSP/"));
  return text.insert(line + 1, "Session: " + std::string(session) + "\r\n");
}

}  // namespace

std::string StreamEstablishment::in_server_words(Bytes raw) const {
  rtsp::Message message;
  rtsp::Replacements edits;
  const bool known = rtsp::parse_message(raw, message).status == rtsp::ParseStatus::kDone &&
                     rtsp::translate_to_server(connection_.words, message, raw, edits);
  if (!known) edits.count = 0;
  return replaced(raw, edits);
}

// Asks the new server for what the old one had begun to answer; false if there is nothing to ask.
bool StreamEstablishment::ask_again(Time now) {
  const Connection& c = connection_;
  if (c.spliced || c.from_server.readable().empty()) return false;  // later ones leave whole
  half_request_ = rtsp::half_answered(c.conversation, c.from_server.readable());
  if (!half_request_) {
    fail("the old server left something half sent that is no answer");
    return true;
  }
  size_t offset = 0;
  for (uint8_t i = 0; i < *half_request_; ++i) offset += c.conversation.pending[i].bytes;
  const rtsp::PendingRequest& request = c.conversation.pending[*half_request_];
  fill_words();
  const Bytes raw = Bytes(c.conversation.pending_bytes).subspan(offset, request.bytes);
  if (raw.empty() || !endpoint_.send(as_bytes(in_server_words(raw)), now)) {
    fail("an answer is half sent, and its request is too long to be repeated");
  }
  return true;
}

void StreamEstablishment::take_half_answer(const rtsp::Message& message, Bytes raw) {
  const Connection& c = connection_;
  const rtsp::PendingRequest& request = c.conversation.pending[*half_request_];
  const auto cseq = rtsp::parse_cseq(message);
  if (message.is_request || message.status < 200 || (cseq && *cseq != request.cseq)) return;
  const bool in_session = request.session < rtsp::kMaxSessions;
  const std::string answer = in_client_words(
      c.words, message, raw,
      in_session ? c.conversation.sessions[request.session].id.view() : std::string_view{});
  std::string rest(tcp::kCustodyBytes, '\0');
  const MutableBytes room{reinterpret_cast<uint8_t*>(rest.data()), rest.size()};
  const rtsp::FinishedAnswer done =
      rtsp::finish_answer(c.from_server.readable(), as_bytes(answer), room);
  if (done.failure != nullptr) {
    return fail(std::string("the old server's half answer cannot be finished: ") + done.failure);
  }
  rest.resize(done.bytes);
  half_answer_ = std::move(rest);
  answered_ = true;
}

// The finished answer is the switch's to deliver, and it settles its request.
bool StreamEstablishment::join_half_answer() {
  if (!half_request_) return true;
  Connection& c = connection_;
  const std::string whole = std::string(as_text(c.from_server.readable())) + half_answer_;
  rtsp::Message message;
  if (rtsp::parse_message(as_bytes(whole), message).status != rtsp::ParseStatus::kDone ||
      !c.splice.to_client.custody.append(as_bytes(half_answer_))) {
    return failure_ = "a finished answer is more than the switch keeps", false;
  }
  c.change = rtsp::on_server_message(c.conversation, message);
  return true;
}

}  // namespace midstream
