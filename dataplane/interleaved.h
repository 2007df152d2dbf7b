// RTP inside the RTSP connection (RFC 2326 10.12): what the worker keeps of such a connection beside
// the Connection itself. From the first SETUP on the server's bytes are kept in the packet buffers that
// they came in, and read there; nothing is copied but what must be in one piece (messages, reports).
//
// `custody`, in the client's numbers, is what the client has not acknowledged, and the unit (a frame or
// a message) that has not ended: a frame that the server leaves half sent must be completed before
// anything else. Its numbers are those of splice.to_client.custody, which says who has to send them.
// `inbox`, in the server's numbers, is what has arrived on a spliced connection and cannot leave yet:
// half a header, half a report or message, what lies behind a hole.
//
// A connection goes through three modes:
//   monitored  every segment passes as it came; units are read once they are whole
//   joining    behind a failover, until the cut of every stream stands and what the switch has to send
//              itself is sent: the switch acknowledges the server's bytes and is the sender of what
//              they become, so that frames may be dropped and put behind what must come first
//   spliced    end to end: headers are rewritten in place, and the segment leaves in its own buffer
// Example: A dies 500 bytes into a frame of 1,404. B's packets are dropped up to the one that A had
// begun; of that one the bytes from 500 on leave. Then B's next frame is the first that is B's own to
// repeat.
#pragma once

#include <vector>

#include "dataplane/chain.h"
#include "dataplane/flow_table.h"
#include "lib/base/time.h"

namespace midstream {

// The bound of one connection's custody: beyond it the oldest bytes are let go, and until the client
// has acknowledged those the connection cannot move (custody_overflow). Buffers are bounded in total,
// too (WorkerOptions::max_kept). After a failover the server's window is kept below it.
inline constexpr size_t kMaxCustodyBytes = 1 << 20;
inline constexpr size_t kMaxCustodyPieces = 2048;

inline constexpr size_t kMaxReport = 2048;  // RTCP that is read; larger ones pass

struct Interleaved {
  Chain custody, inbox;
  size_t counted = 0;       // pieces of both that are in the worker's count of kept buffers
  TcpSequence unit;         // client's numbers: where the unit begins that has not ended
  uint32_t unit_bytes = 0;  // spliced: the whole frame, if its header has left; 0 between units
  TcpSequence emitted;      // spliced: up to where the client was sent what has been passed on
  TcpSequence lost_until;   // while custody_overflow: the bytes before are not kept

  TcpSequence forwarded;    // monitored: the highest that the client was sent, behind holes too

  bool bye_held = false;    // the unit to come says BYE: nothing passes until that is judged
  bool bye_passes = false;  // it was no failure
  bool shut = false;        // joining: the server was told a window with no room for a segment

  // What the old server left half sent: [unit, custody.end()). Whatever comes waits behind it.
  bool half_open = false;
  Time half_until{};
  std::vector<rte_mbuf*> behind;

  ~Interleaved() {
    for (rte_mbuf* mbuf : behind) rte_pktmbuf_free(mbuf);
  }
};

}  // namespace midstream
