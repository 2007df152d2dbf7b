// How a stream goes on at a server that begins to play it: arms the finder of its cut, and says which
// start RTP-Info must name to the client.
//
// Either it goes on exactly where it was (a failover while it played, a PLAY without Range after one
// while it was paused): content finds the cut, and timestamps stay on the client's line of NPT and
// timestamps. Or it starts anew (a PLAY with Range, a first PLAY): all that the server sends is new.
// The rule for both: `seq` is the number behind the last that the client got, for that is what the
// first new packet will have; `rtptime` is what the client's clock shows at the place that the
// answer's Range names. In a new start all clocks of a session go on right behind the newest that any
// of its streams has delivered (RFC 2326 appendix B: no jump in RTP where NPT jumps), so lips stay in
// sync and sender reports on their line.
// Example: the client got seq 99 = 3.96 s = timestamp 356400. Resumed at B with Range 3.92-, it is told
// seq 100, rtptime 352800; B sends 3.84 to 3.96 again, which is dropped, then 4.00 s as seq 100,
// 360000. With a seek to 60 s instead: seq 100, rtptime 360000 = 60 s.
#pragma once

#include <span>

#include "dataplane/connection.h"
#include "dataplane/stream_state.h"

namespace midstream {

// What a server's answer to PLAY states, in its own terms.
struct ServerStart {
  std::optional<Npt> place;
  std::optional<RtpTimestamp> timestamp;  // of the place
  std::optional<RtpSequence> sequence;    // of the first packet, if that is certain
  bool echoed = false;                    // the place is only what was asked for
};
// In the client's terms; absent is what it has never been told.
struct ClientStart {
  std::optional<RtpSequence> sequence;
  std::optional<RtpTimestamp> timestamp;
};

// Where a new start goes on, as an NPT of the time before: behind all that the session has delivered.
// `stream_state` are the indices of the session's streams.
std::optional<Npt> behind_newest(const rtsp::Session& session, std::span<const uint32_t> stream_state,
                                 std::span<const StreamState> streams);

// The content of `settled` has shown where the server really plays, and its reports put both streams on
// one clock: the search of `doubtful` goes by that from now on. False if not enough is known for that.
bool follow_content(const StreamState& settled, StreamState& doubtful);

ClientStart go_on_exactly(StreamState& stream, const rtsp::Session& session, size_t index,
                          const ServerStart& server);
ClientStart start_anew(StreamState& stream, const rtsp::Session& session, size_t index,
                       const ServerStart& server, std::optional<Npt> behind);
// The client has had the answer to its PLAY but no packet: what it was told there holds.
ClientStart start_as_told(StreamState& stream, const rtsp::Session& session, size_t index,
                          const ServerStart& server);

}  // namespace midstream
