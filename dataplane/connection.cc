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

}  // namespace midstream
