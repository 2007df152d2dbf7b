// One RTSP control connection with all its sessions and streams: the unit that fails over. Flat, no
// pointers; belongs to exactly one owner at a time (the worker, or control while it is moved).
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/flow_table.h"
#include "lib/base/time.h"
#include "lib/net/packet.h"
#include "lib/rtp/continuity.h"
#include "lib/rtsp/session.h"
#include "lib/rtsp/translation.h"
#include "lib/tcp/reassembly.h"
#include "lib/tcp/splice.h"

namespace midstream {

inline constexpr uint32_t kNoStream = UINT32_MAX;
inline constexpr size_t kMaxFlowKeys = 96;  // two control, one a server that was left, six a stream

enum class ConnectionState : uint8_t {
  kUnused,
  kHandshake,    // SYN seen
  kMonitored,    // first server: not one byte is changed
  kUnprotected,  // passes untouched, reason in the conversation
  kFrozen,       // owned by control
  kSpliced,      // served by another server than the one it began with
  kEnding,       // the client tears down and its server is gone: the switch sees it to the end
  kClosed,       // both sides closed or reset: forgotten after a while
};
const char* to_string(ConnectionState state);

// What one side of the TCP connection has shown (RFC 9293 3.3.1), as on its own wire.
struct TcpHalf {
  TcpSequence initial;       // ISN
  TcpSequence sent;          // SND.NXT: end of the highest segment
  TcpSequence acknowledged;  // highest ACK this side has sent
  uint16_t window = 0;
  uint16_t mss = 536;  // RFC 9293 3.7.1, if its SYN named none
  std::optional<uint8_t> window_scale;
  bool sack_permitted = false;
  bool has_timestamps = false;
  TcpTimestamp newest_timestamp;
  std::optional<TcpSequence> sacked;  // the highest that it has said to hold behind a hole
  bool fin = false;
};
void note_sack(TcpHalf& half, const tcp::Segment& segment);

// Why a session or a server must move now.
enum class Cause : uint8_t {
  kFin,
  kReset,
  kBye,
  kIcmp,       // what the worker saw
  kSilence,    // confirmed by a probe
  kHeartbeat,  // the server missed its heartbeats
  kRefused,    // the heartbeat's connection was refused: the process is gone
};
const char* to_string(Cause cause);

// Requests of the switch's own to a spliced connection's server (keep_alive.cc).
inline constexpr uint32_t kOwnCseq = 1'000'000'000;  // no client counts that far
struct KeepAlive {
  Duration interval{};  // half of the server's shortest timeout
  Time due{};           // unless the client asks something before
  uint32_t next_cseq = kOwnCseq;
  uint8_t outstanding = 0;
};

struct Connection {
  uint32_t version = 0;  // counts changes of ownership and state
  uint32_t index = 0;
  uint32_t generation = 0;  // of the slot
  ConnectionState state = ConnectionState::kUnused;
  uint16_t service = 0;  // index into the configuration
  uint16_t server = 0;   // the current one
  uint16_t client_nic = 0, server_nic = 0;
  net::LinkHeader to_client;  // as the client side expects: from the address it dialled
  net::LinkHeader to_server;
  Endpoint client;
  Endpoint visible;          // what the client dialled
  Endpoint server_endpoint;  // where it is served now
  // The largest IP packets that pass, where a router has said so; 0 if none has. For what the switch
  // cuts itself: the ends learn it on their own.
  uint16_t path_mtu_to_client = 0, path_mtu_to_server = 0;
  TcpHalf client_half, server_half;
  tcp::Reassembly from_client, from_server;
  tcp::Splice splice;  // before a failover only to_client.custody is used
  bool custody_overflow = false;
  bool interleaved =
      false;  // media flows inside: the server's bytes are kept by reference (interleaved.h)
  bool unreadable = false;  // between its messages is what we cannot read
  bool joining = false;     // spliced and interleaved: the switch takes the server's bytes over for now
  bool half_request = false;  // the server has acknowledged part of a request that is not complete yet
  rtsp::Conversation conversation;
  KeepAlive keep_alive;
  uint8_t change = rtsp::kNothing;  // what control has read while it owned this: to be applied
  rtsp::Vocabulary words;           // valid once spliced
  std::array<std::array<uint32_t, rtsp::kMaxStreams>, rtsp::kMaxSessions> stream_state;
  std::array<rtp::SessionClock, rtsp::kMaxSessions> clocks;
  std::array<uint32_t, rtsp::kMaxSessions> play_count{};  // last anchored
  // Its halves are joined by the splice: since its SYN (another server than the dialled one answers),
  // or since a failover. Otherwise not one byte is changed.
  bool spliced = false;
  // The client's connection is over, its media is not: the switch is the server's only peer.
  bool held = false;
  uint8_t searches = 0;  // for sessions that its client named and it did not know
  uint32_t failovers = 0;
  Duration lag{};            // behind where it would be without failovers: sum of the gaps
  uint32_t lag_counted = 0;  // failovers that are in it

  Cause cause = Cause::kFin;  // of the newest freeze
  Time begun{};
  Time last_server_sign{};  // last packet from the current server
  Time last_client_sign{};
  Time failed_at{};
  Time closed_at{};
  bool suspected = false;  // control has been asked whether the server lives
  Time trusted_until{};    // it did live a moment ago: silence alone raises no doubt until then

  // Nothing of it is read any more, and no word in it is another server's: segments pass as they come.
  bool unread() const {
    return spliced && failovers == 0 && (unreadable || !rtsp::is_readable(conversation.unprotected));
  }
  // Served by another server than the dialled one, but for as long as that one lives.
  bool only_passes() const {
    return spliced && failovers == 0 && conversation.unprotected != rtsp::Unprotected::kNone;
  }
  // Once spliced: what the receiver of that direction has, in the sender's numbers.
  TcpSequence acknowledged(bool toward_client) const {
    const tcp::Direction& own = splice.direction(toward_client);
    const TcpHalf& receiver = toward_client ? client_half : server_half;
    return later(own.edits.to_input(receiver.acknowledged), own.input_base);
  }

  uint8_t key_count = 0;
  std::array<FlowKey, kMaxFlowKeys> keys;
};
static_assert(std::is_trivially_copyable_v<Connection>);

// The client's side of the splice: what it agreed with its first server stays for good.
void splice_client_leg(Connection& c);

}  // namespace midstream
