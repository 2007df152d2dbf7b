// A TCP segment (RFC 9293 3.1) as values: header fields, the options that matter to us (MSS,
// window scale and timestamps of RFC 7323, SACK of RFC 2018), and the payload.
//
// parse_segment reads one, write_segment writes it again with each option led by no-operations to
// whole words. Example: an ACK with timestamps and one SACK block takes 20 + (2 + 10) +
// (2 + 2 + 8) = 44 bytes of header. Beside timestamps three SACK blocks fit, without them four.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream::tcp {

struct Flags {
  bool fin = false, syn = false, rst = false, psh = false, ack = false, urg = false;
  bool ece = false, cwr = false;
};

struct SackBlock {
  TcpSequence left, right;  // [left, right)
};

struct Timestamps {
  TcpTimestamp value, echo;  // TSval, TSecr
};

inline constexpr size_t kMaxSackBlocks = 4;  // what fits into 40 bytes of options

struct Segment {
  uint16_t source_port = 0, destination_port = 0;
  TcpSequence sequence;
  TcpSequence acknowledgement;
  Flags flags;
  uint16_t window = 0;  // as on the wire, not scaled
  uint16_t urgent = 0;
  std::optional<uint16_t> mss;          // SYN only
  std::optional<uint8_t> window_scale;  // SYN only; above 14 is read as 14 (RFC 7323 2.3)
  bool sack_permitted = false;          // SYN only
  std::optional<Timestamps> timestamps;
  uint8_t sack_count = 0;
  std::array<SackBlock, kMaxSackBlocks> sack;
  Bytes payload;

  // Sequence space taken: payload, plus one each for SYN and FIN.
  uint32_t length() const {
    return static_cast<uint32_t>(payload.size()) + (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
  }
  TcpSequence end() const { return sequence + length(); }
};

// `bytes` is the TCP header and payload, its end given by the IP length. Unknown options are
// skipped, so are SYN-only options without SYN, options of a wrong length and an MSS of 0; a header
// or an option that does not fit makes it false. Checksum is not looked at. `out.payload` points
// into `bytes`.
bool parse_segment(Bytes bytes, Segment& out);

// Header size that write_segment will use, options padded to four bytes. SACK blocks that would
// not fit beside the timestamps are left out, last first.
size_t segment_header_bytes(const Segment& segment);

// Writes header and payload with checksum 0; returns the size, 0 if it does not fit. SYN-only
// options of a segment without SYN are left out. The payload may lie in `out`.
size_t write_segment(const Segment& segment, MutableBytes out);

}  // namespace midstream::tcp
