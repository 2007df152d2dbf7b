// What the switch answers itself, when the server that was asked is gone and no other is asked.
//
// A client that tears down has no use for a second server. Its TEARDOWN is answered 200, which is
// true: the session has ended together with its server. What it had asked before, and nobody has
// answered, gets 503; what it asks about a session that is no more, 454.
// Example: GET_PARAMETER (CSeq 8), TEARDOWN (9) and OPTIONS (10) of session x wait; then come
// "503, CSeq 8", "200, CSeq 9, Session: x", "454, CSeq 10".
#pragma once

#include "lib/rtsp/session.h"

namespace midstream::rtsp {

inline constexpr size_t kMaxOwnAnswer = 256;  // status, CSeq and Session

// A TEARDOWN of a session waits for its answer.
bool teardown_unanswered(const Conversation& conversation);

// The answer to one request, and what it means for its session. Bytes written, 0 if `out` is too small.
size_t write_own_answer(Conversation& conversation, const PendingRequest& request, MutableBytes out);

// The answers to all requests that wait; none does afterwards.
size_t write_own_answers(Conversation& conversation, MutableBytes out);

// Finishes what the server had begun to answer, `sent`, and settles its request; the bytes that must
// follow, SIZE_MAX if that cannot be done.
size_t finish_with_own_answer(Conversation& conversation, Bytes sent, MutableBytes out);

}  // namespace midstream::rtsp
