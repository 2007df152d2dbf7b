// The stream establishment dialogue: leads a second server to where the first one was.
//
// Per session of the conversation that has streams: DESCRIBE (once per presentation; its content must
// equal the description that the client got), SETUP of every stream with the client's ports or
// channels, PLAY at the position with Seek-Style: RAP if the session was playing (nothing more if it
// was ready; PLAY then PAUSE is not needed: a paused session gets its position on the client's next
// PLAY).
// Pure: takes answers, gives requests. The caller carries bytes both ways and owns timeouts.
// Requests that need no answer of the one before are pipelined: all SETUPs after the first need its
// Session id, and media may come before the PLAY answer, so PLAY waits until all server ports and
// channels are known: DESCRIBE | SETUP 1 | SETUP 2..n | PLAY. Several sessions: one after the other.
// A 401 is answered once per request with the credentials, twice if the nonce was only stale; the
// challenge is kept for all later requests. Basic authentication of the client goes along unasked.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/rtsp/authentication.h"
#include "lib/rtsp/session.h"

namespace midstream::rtsp {

struct ReplayStream {
  PortPair server_port;
  std::optional<PortPair> channels;  // B's, which need not be the client's; then there are no ports
  std::optional<uint32_t> ssrc;
  uint8_t payload_type = 0;  // B's, from B's description
  uint32_t clock_rate = 0;
  Url url;  // B's control URL, as RTP-Info will name it
  std::optional<RtpSequence> info_sequence;
  std::optional<RtpTimestamp> info_timestamp;
};

struct ReplaySession {
  FixedString<128> id;  // B's
  uint32_t timeout_s = 60;
  Url url;                        // B's aggregate: what PLAY, PAUSE and TEARDOWN name
  std::optional<Npt> play_start;  // what B says it starts at
  bool live = false;  // B plays what is on air: it knows no range, neither described nor in its answer
  std::array<ReplayStream, kMaxStreams> streams;  // same order as the Session's
};

enum class ReplayProgress : uint8_t { kContinue, kDone, kFailed };

class Replay {
 public:
  // `positions[i]` is where session i must play on; read only for playing sessions. Torn down
  // sessions, and those whose TEARDOWN is on its way, are left out. If nothing is to be replayed,
  // progress() is kDone at once.
  // `accurate` asks for Seek-Style: RAP. A gst server whose pipeline has short queues may block on it
  // for good (measured); without it the start is at the key frame before, and what lies between is
  // paced.
  // The conversation is the caller's, and stays as it is until the answer to PLAY.
  void start(const Conversation& conversation, const std::array<Npt, kMaxSessions>& positions,
             uint32_t first_cseq, bool accurate = true, const Credentials& credentials = {},
             uint64_t client_nonce = 0);

  // The request bytes to be sent now; empty if an answer is awaited. Cleared by reading.
  std::string take_output();

  // An answer from B (requests from B are answered: OPTIONS and GET_PARAMETER with 200, others 501).
  // Answers that are not ours are ignored.
  ReplayProgress on_message(const Message& message);

  ReplayProgress progress() const { return progress_; }
  bool setups_done(size_t session) const;  // every stream's ports or channels are known: media may come
  const ReplaySession& result(size_t session) const { return sessions_[session]; }
  // B says that it starts at the very place that was asked for. Some do so wherever they start; but
  // nobody starts before the beginning.
  bool position_echoed(size_t session) const {
    return sessions_[session].play_start == positions_[session] && positions_[session] > Npt{};
  }
  // What B calls a medium of the description, set up or not; empty if B was not asked to describe.
  Url control_url(size_t media) const;
  const Authenticator& authenticator() const { return authenticator_; }  // as B knows us now
  const std::string& failure() const { return failure_; }  // "DESCRIBE: 404", "content differs: …"
  const std::string& step() const { return step_; }        // what is awaited, for timeouts

 private:
  struct Awaited {
    uint32_t cseq;
    Method method;
    size_t stream;  // SETUP
    // To be asked again after a 401:
    std::string uri, headers;
    int refused = 0;  // so many times already
  };

  // replay.cc
  bool wanted(size_t session) const;
  void next_session();
  void after_setup();
  void fail(std::string why);
  std::string name(const Awaited& awaited) const;
  void name_step();

  // replay_requests.cc
  void send(Method method, size_t stream, std::string_view uri, std::string_view headers);
  void send(Awaited request);
  std::string authorization(const Awaited& request);
  bool asked_again(const Awaited& refused, const Message& answer);
  void send_describe();
  void send_setup(size_t stream);
  void send_play();
  void answer_request(const Message& request);

  // replay_answers.cc: the failure, empty if there is none
  std::string on_answer(const Awaited& awaited, const Message& answer);
  std::string on_describe(const Message& answer);
  std::string on_setup(size_t stream, const Message& answer);
  std::string on_play(const Message& answer);
  std::string agree_on_place(const Stream& agreed, const Transport& transport, ReplayStream& stream);
  ChannelSet channels_taken() const;
  void read_rtp_info(const Message& answer);

  const Conversation* conversation_ = nullptr;  // what was agreed with the client
  std::array<Npt, kMaxSessions> positions_{};

  // What B has said so far.
  Url base_;
  sdp::Description description_;
  std::array<ReplaySession, kMaxSessions> sessions_;

  Authenticator authenticator_;

  ReplayProgress progress_ = ReplayProgress::kContinue;
  size_t session_ = 0;  // being replayed
  uint32_t next_cseq_ = 1;
  bool accurate_ = true;
  std::vector<Awaited> awaited_;  // oldest first
  std::string output_, failure_, step_;
};

}  // namespace midstream::rtsp
