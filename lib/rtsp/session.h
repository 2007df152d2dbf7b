// What client and server have agreed, as flat structs without pointers: sessions, their streams, and
// the requests that still wait for an answer.
//
// Everything is in the client's vocabulary (its Session id, URLs, ports; timestamps as it sees them),
// also after a failover: then answers are translated first and monitored afterwards.
// A session is protected once a SETUP is answered with a unicast RTP/AVP transport: UDP, or channels of
// the RTSP connection itself (RFC 2326 10.12); one session may have streams of both kinds. What cannot
// be protected concerns the whole connection, though it be one session of several: a failover moves the
// connection, and the session that nobody can rebuild would be lost with its server's half.
//
// Example: SETUP (CSeq 3, client_port=5000-5001) waits in `pending` until "200, CSeq 3, Session: x,
// server_port=6970-6971" arrives; then session x has a stream from 6970 to 5000, and the media of the
// description whose control is the SETUP's URI. A server that gives a second SETUP another Session
// id, before anything plays, has renamed the session: the newest id counts, as for FFmpeg and
// GStreamer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/fixed_string.h"
#include "lib/npt/npt.h"
#include "lib/rtsp/headers.h"
#include "lib/rtsp/interleaved.h"
#include "lib/sdp/description.h"

namespace midstream::rtsp {

inline constexpr size_t kMaxStreams = 8;   // per session; as many as SDP media
inline constexpr size_t kMaxSessions = 4;  // per connection
inline constexpr size_t kMaxPending = 16;  // pipelined requests of one side
inline constexpr size_t kMaxPendingBytes = 4096;
inline constexpr size_t kMaxAuthority =
    256;  // RFC 1035 2.3.4: a name has 255 at most; then no text is kept
inline constexpr size_t kMaxBasic = 256;  // user and password of 90 characters each, in base64

// Why a connection or session cannot be protected; passes untouched, counted and shown.
enum class Unprotected : uint8_t {
  kNone,
  kJoinedWithoutSyn,  // the connection was there before us
  kOneSided,          // one direction goes another way than through us
  kTls,               // RTSPS
  kHttp,              // RTSP tunnelled over HTTP
  kNotRtsp,           // none of these: garbage
  kRtsp2,
  kSecureRtp,
  kMulticast,
  kUnknownTransport,          // not RTP/AVP, or without ports or channels of its own
  kRecord,                    // ANNOUNCE or RECORD: the client is the source
  kDigestWithoutCredentials,  // what the client has proved to one server, it has not to another
  kNoDescription,             // SETUP without a DESCRIBE that we saw, nothing to compare with
  kTooManySessions,
  kTooManyStreams,
  kDoubleTagged,  // IEEE 802.1ad: two VLAN tags
  kMessageTooLarge,
};
inline constexpr size_t kUnprotectedCount = static_cast<size_t>(Unprotected::kMessageTooLarge) + 1;
const char* to_string(Unprotected reason);
// Whether messages still follow each other on such a connection: it is its media that we do not know.
bool is_readable(Unprotected reason);

inline constexpr uint8_t kNoSession = 0xff;

enum class PlayState : uint8_t { kInit, kReady, kPlaying, kPaused, kTornDown };
const char* to_string(PlayState state);

struct Stream {
  Url url;            // of the client's SETUP request
  uint8_t media = 0;  // index into the description
  PortPair client_port, server_port;
  std::optional<PortPair> channels;  // RTP inside the RTSP connection: its channels, and no ports
  std::optional<uint32_t> ssrc;      // of the SETUP answer
  uint8_t payload_type = 0;
  uint32_t clock_rate = 0;
  // Of the newest PLAY answer:
  std::optional<RtpSequence> info_sequence;
  std::optional<RtpTimestamp> info_timestamp;
};

struct Session {
  FixedString<128> id;      // empty: slot not used
  uint32_t timeout_s = 60;  // RFC 2326 12.37
  Url url;                  // of the newest PLAY request (the aggregate), else the base
  PlayState state = PlayState::kInit;
  bool teardown_requested = false;
  uint32_t play_count = 0;  // PLAY answers so far: a change means new anchors
  // Range start of the newest PLAY answer; else as requested; else 0 for the first PLAY of what is
  // not live (RFC 2326 10.5). nullopt: it continues where it was.
  std::optional<Npt> play_start;
  std::optional<Npt> play_end;  // only if the client asked for one
  bool resumed = false;         // the newest PLAY named no place: what came before it goes on
  std::optional<Npt> duration;  // known end: Range end of an answer, or SDP's a=range
  bool live = false;            // "npt=now-", or no range with an end anywhere
  double scale = 1.0;
  uint8_t stream_count = 0;
  std::array<Stream, kMaxStreams> streams;
};

struct PendingRequest {
  Method method = Method::kUnknown;
  uint32_t cseq = 0;
  bool has_cseq = false;
  uint8_t session = kNoSession;  // index
  Url uri;
  uint16_t bytes = 0;  // its text in pending_bytes; 0: it did not fit
  bool has_start = false, from_now = false;
  // PLAY without a place: it goes on where it was (RFC 2326 10.5).
  bool resumes() const { return !has_start && !from_now; }
  Npt start;
  std::optional<Npt> end;
  double scale = 1.0;
  std::optional<PortPair> client_port;  // SETUP: of the first alternative that has one
  std::optional<PortPair> channels;     // SETUP: of the first RTP/AVP/TCP that has some
};

struct Conversation {
  Unprotected unprotected = Unprotected::kNone;
  bool has_credentials = false;  // the switch can answer a challenge itself; set by whoever knows
  // The client's newest Authorization header, if it was Basic: it holds for every server.
  FixedString<kMaxBasic> basic;
  bool has_description = false;
  Url describe_url;  // the URI of that DESCRIBE, as the client wrote it
  // Host and port as the client writes them, in its newest request that had them.
  FixedString<kMaxAuthority> authority;
  Url base;  // Content-Base, else Content-Location, else the DESCRIBE's URI; always absolute
  sdp::Description description;
  // Another presentation was described while sessions lived: a SETUP that is no part of `description`
  // belongs to that one.
  bool other_presentation = false;
  bool answered = false;  // some request was
  bool closing = false;   // the newest answer said "Connection: close" (RFC 2326 12.10)
  std::array<Session, kMaxSessions> sessions;

  // Requests of the client that wait for their answer, oldest first; and their bytes, in order.
  uint8_t pending_count = 0;
  std::array<PendingRequest, kMaxPending> pending;
  uint16_t pending_used = 0;
  std::array<uint8_t, kMaxPendingBytes> pending_bytes;
  // Requests of the server that wait for the client's answer (only counted by CSeq).
  uint8_t server_pending_count = 0;
  std::array<uint32_t, kMaxPending> server_pending;

  Session* find_session(std::string_view id);
  bool any_playing() const;
};

// Channels of all streams of the connection, as the client knows them; without those of `but`.
ChannelSet channels_in_use(const Conversation& conversation, const Stream* but = nullptr);

// What a message changed, for the worker: bits.
enum Change : uint8_t {
  kNothing = 0,
  kStreamsChanged = 1,  // a SETUP was answered: flows to learn
  kPlayChanged = 2,     // PLAY or PAUSE answered: positions to anchor or to hold
  kTornDown = 4,
  kUnprotectedChanged = 8,
};

// The stream control monitor's protocol half. `raw` is the whole message. Both directions carry both
// kinds of messages; a message is matched to what it answers by CSeq, or by order where the CSeq is
// missing or unknown.
uint8_t on_client_message(Conversation& conversation, const Message& message, Bytes raw);
uint8_t on_server_message(Conversation& conversation, const Message& message);

// The request that an answer, not yet monitored, belongs to; nullptr if none waits.
const PendingRequest* answered_request(const Conversation& conversation, const Message& answer);

}  // namespace midstream::rtsp
