// Finishes an answer that one server left half sent with another server's answer to the same request.
//
// What the client has got stays: `sent`, the first bytes of the old answer. If the new answer begins
// with them too, it simply goes on. Otherwise the line that was cut is completed, the headers that
// have not been said follow, and the body is fitted to the length that was promised: blank lines make
// up for what is missing, and only blank lines at the end can be left out. Example, sent and answer:
//
//   "RTSP/1.0 200 OK|CSeq: 7|Date: Mon, 2"   "RTSP/1.0 200 OK|Server: b|CSeq: 7|Session: x||"
//   follows: "|Server: b|Session: x||"       (Date stays as it is: nobody acts on it)
//
// It cannot be done where the client would be told something untrue: another class of status, half a
// value that the new server does not give (Session, Transport, RTP-Info, Range, ...), a longer body.
#pragma once

#include "lib/rtsp/session.h"

namespace midstream::rtsp {

// Which of the requests that wait the half answer belongs to: by CSeq if that has been said, else the
// oldest. nullopt: none, or `sent` is no answer.
std::optional<uint8_t> half_answered(const Conversation& conversation, Bytes sent);

// `answer` is one whole message in the client's words. Writes what has to follow `sent`.
struct FinishedAnswer {
  size_t bytes = 0;
  const char* failure = nullptr;  // why it cannot be done
};
FinishedAnswer finish_answer(Bytes sent, Bytes answer, MutableBytes out);

}  // namespace midstream::rtsp
