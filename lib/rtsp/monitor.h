// The stream control monitor's own parts; its public face is session.h.
#pragma once

#include "lib/rtsp/session.h"

namespace midstream::rtsp {

// The first reason found stays.
void mark_unprotected(Conversation& conversation, Unprotected reason);

// A session in use: not torn down. By the answer's Session header, else by the request's, else the
// only one there is. nullptr if none.
Session* session_of(Conversation& conversation, uint8_t requested, const Message& message);
bool is_live(const Session& session);
bool any_session(const Conversation& conversation);

// Index of the stream that the URI names, session.stream_count if none.
size_t stream_named(const Session& session, std::string_view uri);
// True if the URI names one of several streams, and not the whole session.
bool names_single_stream(const Conversation& conversation, const Session& session,
                         std::string_view uri);

void note_request(Conversation& conversation, const Message& request, Bytes raw);
void note_server_request(Conversation& conversation, const Message& request);
void settle_server_request(Conversation& conversation, const Message& answer);

// Takes the request that the answer answers out of the list; nullopt if there is none.
std::optional<PendingRequest> take_answered(Conversation& conversation, const Message& answer);

// Answers of class 2xx: what they change.
uint8_t on_describe_answer(Conversation& conversation, const PendingRequest& request,
                           const Message& answer);
uint8_t on_setup_answer(Conversation& conversation, const PendingRequest& request,
                        const Message& answer);
uint8_t on_play_answer(Conversation& conversation, const PendingRequest& request,
                       const Message& answer);
uint8_t on_pause_answer(Conversation& conversation, const PendingRequest& request,
                        const Message& answer);
uint8_t on_teardown_answer(Conversation& conversation, const PendingRequest& request,
                           const Message& answer);

}  // namespace midstream::rtsp
