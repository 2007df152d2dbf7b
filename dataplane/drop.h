// Every exit of a packet that is not forwarded or handed to control, named and counted.
#pragma once

#include <array>
#include <cstdint>

namespace midstream {

enum class Drop : uint8_t {
  kTransmitFull,        // the port's transmit ring had no room
  kNoMbuf,              // no buffer for a packet of our own
  kHairpin,             // bridged back to where it came from
  kTooLarge,            // longer than the egress port's MTU, and not to be cut
  kFenced,              // from a server that a session has left
  kHeldEnding,          // FIN, RST, BYE or ICMP error of a failed server
  kFrozen,              // media or reports while the session has no server
  kAlreadyDelivered,    // B's packets before the cut
  kBeforeRandomAccess,  // B's live video before a decoder could begin
  kWrongSource,         // RTP with an SSRC that is not the server's
  kParkFull,            // early media of B beyond the bound
  kMailboxFull,         // control could not take it
  kExchangeFull,        // the worker that owns the client's address could not take it
  kMalformed,           // RTCP or TCP that cannot be translated
  kFragments,           // of a followed flow: too many, too late, or not all of them
  kOwnPacket,           // ICMP error about what the switch itself had sent: it is the one to know
  kAnswered,            // consumed: an answer, or a SYN to another server, went out instead
  kNobodyThere,         // to a virtual address, no flow and no service
  kNoServer,            // a SYN to a virtual service without a usable server: told by RST
  kTableFull,           // a SYN that needs following, and nothing to follow it with: told by RST
  kCount,
};
inline constexpr size_t kDropCount = static_cast<size_t>(Drop::kCount);

constexpr const char* to_string(Drop drop) {
  switch (drop) {
    case Drop::kTransmitFull:
      return "transmit-full";
    case Drop::kNoMbuf:
      return "no-mbuf";
    case Drop::kHairpin:
      return "hairpin";
    case Drop::kTooLarge:
      return "too-large";
    case Drop::kFenced:
      return "fenced";
    case Drop::kHeldEnding:
      return "held-ending";
    case Drop::kFrozen:
      return "frozen";
    case Drop::kAlreadyDelivered:
      return "already-delivered";
    case Drop::kBeforeRandomAccess:
      return "before-random-access";
    case Drop::kWrongSource:
      return "wrong-source";
    case Drop::kParkFull:
      return "park-full";
    case Drop::kMailboxFull:
      return "mailbox-full";
    case Drop::kExchangeFull:
      return "exchange-full";
    case Drop::kMalformed:
      return "malformed";
    case Drop::kFragments:
      return "fragments";
    case Drop::kOwnPacket:
      return "own-packet";
    case Drop::kAnswered:
      return "answered";
    case Drop::kNobodyThere:
      return "nobody-there";
    case Drop::kNoServer:
      return "no-server";
    case Drop::kTableFull:
      return "table-full";
    case Drop::kCount:
      break;
  }
  return "?";
}

}  // namespace midstream
