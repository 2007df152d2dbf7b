#include "lib/rtsp/replay.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lib/base/renew.h"
#include "lib/rtsp/presentation.h"

namespace midstream::rtsp {

void Replay::start(const Conversation& conversation, const std::array<Npt, kMaxSessions>& positions,
                   uint32_t first_cseq, bool accurate, const Credentials& credentials,
                   uint64_t client_nonce) {
  renew(*this);
  conversation_ = &conversation;
  positions_ = positions;
  next_cseq_ = first_cseq;
  accurate_ = accurate;
  authenticator_.credentials = credentials;
  authenticator_.client_nonce = client_nonce;
  session_ = kMaxSessions;  // none yet
  if (conversation_->has_description) {
    send_describe();
    name_step();
    return;
  }
  progress_ = ReplayProgress::kDone;
  for (size_t i = 0; i < kMaxSessions; ++i)
    if (wanted(i)) fail("no description to compare with");
}

std::string Replay::take_output() { return std::exchange(output_, {}); }

ReplayProgress Replay::on_message(const Message& message) {
  if (progress_ != ReplayProgress::kContinue) return progress_;
  if (message.is_request) {
    answer_request(message);
    return progress_;
  }
  if (message.status < 200) return progress_;  // "100 Continue"
  // Without a CSeq: the answer to the oldest request.
  auto awaited = awaited_.begin();
  if (const auto cseq = parse_cseq(message))
    awaited = std::ranges::find(awaited_, *cseq, &Awaited::cseq);
  if (awaited == awaited_.end()) return progress_;
  const Awaited answered = std::move(*awaited);
  awaited_.erase(awaited);
  if (message.status == 401 && asked_again(answered, message)) return progress_;
  const std::string failure = on_answer(answered, message);
  if (!failure.empty()) fail(failure);
  name_step();
  return progress_;
}

bool Replay::setups_done(size_t session) const {
  if (session >= kMaxSessions || !wanted(session)) return false;
  const auto streams =
      std::span(sessions_[session].streams).first(conversation_->sessions[session].stream_count);
  return std::ranges::all_of(
      streams, [](const ReplayStream& s) { return s.server_port.rtp != 0 || s.channels; });
}

Url Replay::control_url(size_t media) const {
  Url url;
  if (media >= description_.media_count || !media_url(base_.view(), description_, media, url))
    return {};
  return url;
}

bool Replay::wanted(size_t session) const {
  const Session& s = conversation_->sessions[session];
  return !s.id.empty() && s.stream_count > 0 && !s.teardown_requested && s.state != PlayState::kInit &&
         s.state != PlayState::kTornDown;
}

void Replay::next_session() {
  session_ = session_ == kMaxSessions ? 0 : session_ + 1;
  while (session_ < kMaxSessions && !wanted(session_)) ++session_;
  if (session_ == kMaxSessions)
    progress_ = ReplayProgress::kDone;
  else
    send_setup(0);
}

// The first answer brings the Session id that the others need; the last one the go for PLAY.
void Replay::after_setup() {
  const Session& session = conversation_->sessions[session_];
  if (setups_done(session_)) {
    if (session.state == PlayState::kPlaying)
      send_play();
    else
      next_session();
  } else if (awaited_.empty()) {
    for (size_t stream = 1; stream < session.stream_count; ++stream) send_setup(stream);
  }
}

void Replay::fail(std::string why) {
  failure_ = std::move(why);
  progress_ = ReplayProgress::kFailed;
  awaited_.clear();
  output_.clear();
}

std::string Replay::name(const Awaited& awaited) const {
  std::string text(to_string(awaited.method));
  if (awaited.method == Method::kSetup) text += ' ' + std::to_string(awaited.stream + 1);
  if (session_ > 0 && session_ < kMaxSessions)
    text += " (session " + std::to_string(session_ + 1) + ')';
  return text;
}

void Replay::name_step() { step_ = awaited_.empty() ? std::string() : name(awaited_.front()); }

}  // namespace midstream::rtsp
