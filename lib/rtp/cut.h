// The cut: which of B's packets is the first that the client has not got (design: by content).
//
// LastPackets remembers the newest forwarded packets of a stream, one cache line. CutFinder matches
// B's packets against them. A match of B's m with A's n proposes the offset n - m; offsets gather
// votes, one per remembered packet that agrees. The cut stands when the newest remembered packet
// matched, or when a packet lies beyond it at an offset that has votes (B's own copy of the newest
// was lost). Everything at or below the newest is dropped, everything above is forwarded.
// Payloads that repeat (silence) vote for several offsets; the offset with more votes wins, and
// among equals the one whose timestamps fit, see finder.
// Parameter sets that B inserts match nothing; they are dropped before the cut like the rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"
#include "lib/rtp/rtp.h"

namespace midstream::rtp {

uint32_t payload_hash(Bytes payload);  // mixes in the length

inline constexpr size_t kLastPackets = 5;

// Written by the worker per forwarded packet; sequence numbers and timestamps as the client saw them.
class alignas(64) LastPackets {
 public:
  void add(RtpSequence sequence, RtpTimestamp timestamp, uint32_t hash, bool marker);
  void clear() { count_ = 0; }
  size_t size() const { return count_; }

  struct Entry {
    RtpSequence sequence;
    bool marker;
    RtpTimestamp timestamp;
    uint32_t hash;
  };
  // 0 is the one with the highest sequence number (a late packet does not become the newest).
  Entry newest(size_t index) const;

 private:
  std::array<uint32_t, kLastPackets> hash_;
  std::array<RtpTimestamp, kLastPackets> timestamp_;
  std::array<RtpSequence, kLastPackets> sequence_;
  std::array<bool, kLastPackets> marker_;
  uint8_t count_ = 0, next_ = 0;
};
static_assert(sizeof(LastPackets) == 64);

enum class CutMethod : uint8_t { kNone, kContent, kTimestamp, kKeyframe };
const char* to_string(CutMethod method);

struct Cut {
  CutMethod method = CutMethod::kNone;
  uint16_t sequence_offset = 0;   // add to B's
  uint32_t timestamp_offset = 0;  // add to B's
};

// What the finder needs beside the packets. All timestamps of A are as the client saw them.
struct CutContext {
  uint32_t clock_rate = 0;     // 0: unknown, content only
  bool has_position = false;   // the two anchors below are valid
  RtpTimestamp client_anchor;  // on the client's clock, the timestamp of `anchor_position_ns`
  RtpTimestamp server_anchor;  // on B's clock, the timestamp of the same NPT
  uint32_t frame_ticks = 0;    // usual distance of two access units; 0: unknown
};

class CutFinder {
 public:
  void reset(const LastPackets& last, const CutContext& context);
  void set_context(const CutContext& context) { context_ = context; }  // once B's anchor is known

  // True: this packet is the first to forward (and result() is fixed). False: drop it as already
  // delivered. To be called for B's packets in order of arrival until it says true.
  bool is_first_new(const Header& header, Bytes payload);

  const Cut& result() const { return cut_; }
  uint32_t dropped_packets() const { return dropped_; }

 private:
  // (the implementer adds members here)
  LastPackets last_;
  CutContext context_;
  Cut cut_;
  uint32_t dropped_ = 0;
};

}  // namespace midstream::rtp
