// The splice: joins the current server's half of a connection to the client's existing one.
//
// Below the splice point the switch is the endpoint (Custody keeps and repeats what it originates);
// above it everything is end to end, and this file translates each segment's fields:
//   sequence, acknowledgement, SACK  by the edit list of their direction
//   window                           to the same right edge, in the other side's scale
//   TSval to the client              server's + offset, so that it goes on from the old server's newest
//   TSecr to the server              the client's echo - offset; echoes of the old era are clamped to
//                                    the server's first
//   TSval to the server, TSecr to the client   unchanged: both are the client's own clock
// Options that one side did not agree are left out or, towards a side that did agree on timestamps,
// made up from the newest known ones (RFC 7323 3.2 demands one in every segment).
//
// Text is released message by message: `released` is the input position up to which a direction has
// been forwarded. What is below it is a retransmission and passes through the edit list; what is
// above waits in the reassembly until its message is complete.
#pragma once

#include "lib/tcp/custody.h"
#include "lib/tcp/edits.h"
#include "lib/tcp/reassembly.h"
#include "lib/tcp/segment.h"

namespace midstream::tcp {

// What was agreed in the handshake with one side.
struct Leg {
  bool timestamps = false;
  bool sack = false;
  uint8_t window_scale = 0;  // that side's own: its windows are shifted by it
};

// Messages are passed on whole, so that an open window is told to be open for the largest: what the
// receiver has no room for is not sent to it, and repeated by the sender. A shut one stays shut.
inline constexpr uint32_t kLeastWindow = kReassemblyBytes;

struct Direction {
  EditList edits;
  Custody custody;
  TcpSequence released;                  // input space
  TcpSequence input_base;                // acknowledgements below it are not for the sender's eyes
  uint32_t least_window = kLeastWindow;  // that is told to the sender, if the receiver's is open at all
};

struct Splice {
  Leg client, server;
  uint8_t presented_scale = 0;         // the window scale that the client believes its server has
  uint8_t presented_client_scale = 0;  // the scale that the server believes the client has
  Direction to_client, to_server;

  uint32_t timestamp_offset = 0;  // added to the server's TSval
  TcpTimestamp client_floor;      // newest TSval of the servers, as the client is shown it
  TcpTimestamp server_floor;      // the current server's first TSval; drawn along after weeks
  TcpTimestamp newest_client;     // newest TSval of the client

  // What we say when we make up a segment: the newest that the other side said.
  uint16_t window_to_client = 0, window_to_server = 0;  // as on the wire toward that side

  Direction& direction(bool toward_client) { return toward_client ? to_client : to_server; }
  const Direction& direction(bool toward_client) const { return toward_client ? to_client : to_server; }
};

// A connection may carry more than half the circle: the base stays within a quarter of what is
// acknowledged, in input space.
void draw_base_along(Direction& direction, TcpSequence acknowledged);

// A window as on the wire under one scale, as on the wire under another; see kLeastWindow. Too large is
// 65535.
uint16_t rescale_window(uint16_t window, uint8_t from, uint8_t to);

// Everything of a segment but its payload and sequence number.
Segment translate_to_client(Splice& splice, const Segment& from_server);
Segment translate_to_server(Splice& splice, const Segment& from_client);

// A segment of the switch's own: sequence number set by the caller, payload too.
Segment make_to_client(const Splice& splice, TcpSequence acknowledgement);
Segment make_to_server(const Splice& splice, TcpSequence acknowledgement);

}  // namespace midstream::tcp
