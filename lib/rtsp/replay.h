// The stream establishment dialogue: leads a second server to where the first one was.
//
// Per session of the conversation that has streams: DESCRIBE (once per presentation; its content must
// equal the description that the client got), SETUP of every stream with the client's ports, PLAY at
// the position with Seek-Style: RAP if the session was playing (nothing more if it was ready; PLAY
// then PAUSE is not needed: a paused session gets its position on the client's next PLAY).
// Pure: takes answers, gives requests. The caller carries bytes both ways and owns timeouts.
// Requests that need no answer of the one before are pipelined: all SETUPs after the first need its
// Session id, so: DESCRIBE | SETUP 1 | SETUP 2..n and PLAY together.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/rtsp/session.h"

namespace midstream::rtsp {

struct ReplayStream {
  PortPair server_port;
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
  std::optional<Npt> play_start;                  // what B says it starts at
  std::array<ReplayStream, kMaxStreams> streams;  // same order as the Session's
};

enum class ReplayProgress : uint8_t { kContinue, kDone, kFailed };

class Replay {
 public:
  // `positions[i]` is where session i must play on; read only for playing sessions.
  void start(const Conversation& conversation, const std::array<Npt, kMaxSessions>& positions,
             uint32_t first_cseq);

  // The request bytes to be sent now; empty if an answer is awaited. Cleared by reading.
  std::string take_output();

  // An answer from B (requests from B are answered: OPTIONS and GET_PARAMETER with 200, others 501).
  // Answers that are not ours are ignored.
  ReplayProgress on_message(const Message& message);

  bool setups_done(size_t session) const;  // every stream's server ports are known: media may come
  const ReplaySession& result(size_t session) const { return sessions_[session]; }
  const std::string& failure() const { return failure_; }  // "DESCRIBE: 404", "content differs: …"
  const std::string& step() const { return step_; }        // what is awaited, for timeouts

 private:
  // (the implementer adds members here)
  std::array<ReplaySession, kMaxSessions> sessions_;
  std::string failure_, step_;
};

}  // namespace midstream::rtsp
