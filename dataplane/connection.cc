#include "dataplane/connection.h"

namespace midstream {

const char* to_string(ConnectionState state) {
  switch (state) {
    case ConnectionState::kUnused:
      return "unused";
    case ConnectionState::kHandshake:
      return "handshake";
    case ConnectionState::kMonitored:
      return "monitored";
    case ConnectionState::kUnprotected:
      return "unprotected";
    case ConnectionState::kFrozen:
      return "moving";
    case ConnectionState::kSpliced:
      return "spliced";
    case ConnectionState::kEnding:
      return "ending";
    case ConnectionState::kClosed:
      return "closed";
  }
  return "?";
}

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::kFin:
      return "connection closed by the server";
    case Cause::kReset:
      return "connection reset by the server";
    case Cause::kBye:
      return "BYE before the end of the media";
    case Cause::kIcmp:
      return "ICMP error from the server's host";
    case Cause::kSilence:
      return "silence, probe unanswered";
    case Cause::kHeartbeat:
      return "heartbeats unanswered";
    case Cause::kRefused:
      return "heartbeat connection refused";
  }
  return "?";
}

void note_sack(TcpHalf& half, const tcp::Segment& segment) {
  for (uint8_t i = 0; i < segment.sack_count; ++i) {
    const TcpSequence right = segment.sack[i].right;
    half.sacked = later(half.sacked.value_or(right), right);
  }
}

// Options count only if both SYNs had them (RFC 7323 1.3, RFC 2018 2).
void splice_client_leg(Connection& c) {
  const TcpHalf& client = c.client_half;
  const TcpHalf& server = c.server_half;
  const bool scaled = client.window_scale && server.window_scale;
  c.splice.client = {client.has_timestamps && server.has_timestamps,
                     client.sack_permitted && server.sack_permitted,
                     scaled ? *client.window_scale : uint8_t{0}};
  c.splice.presented_scale = scaled ? *server.window_scale : 0;
  c.splice.client_floor = server.newest_timestamp;
}

}  // namespace midstream
