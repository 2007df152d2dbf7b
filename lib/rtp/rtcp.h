// A compound RTCP packet, walked packet by packet (RFC 3550 6.1, 6.4 to 6.7; RFC 4585 6.1).
//
// Reduced-size compounds (RFC 5506: no report in front) are accepted, padding in any packet too: the
// client must be able to read what the server wrote, we need not like it. Lengths must add up exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream::rtp {

enum RtcpType : uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kGoodbye = 203,
  kTransportFeedback = 205,  // RFC 4585
  kPayloadFeedback = 206,
};

inline constexpr size_t kRtcpHeaderBytes = 4;
inline constexpr size_t kSenderInfoBytes = 24;   // with the sender's SSRC in front
inline constexpr size_t kReportBlockBytes = 24;  // RFC 3550 6.4.1

struct RtcpPacket {
  uint8_t type = 0;
  uint8_t count = 0;  // RC, SC, subtype or FMT
  Bytes bytes;        // all of it
  Bytes body;         // without the four bytes of header and the padding
};

class RtcpReader {
 public:
  explicit RtcpReader(Bytes compound) : rest_(compound) {}

  // Nothing at the end, and at the first packet that is not RTCP; ok() tells which.
  std::optional<RtcpPacket> next();
  bool ok() const { return rest_.empty(); }

 private:
  Bytes rest_;
};

// One instant on both clocks of a sender report (RFC 3550 6.4.1).
struct SenderTime {
  uint64_t ntp = 0;  // 32.32 fixed point
  RtpTimestamp timestamp;
};

// What a compound RTCP packet contains, for judging without changing it.
struct RtcpSummary {
  bool valid = false;  // RFC 3550 A.2: version, lengths add up
  bool has_bye = false;
  std::optional<SenderTime> sender_time;  // if it has a sender report
  uint32_t sender_ssrc = 0;
};
RtcpSummary summarize_rtcp(Bytes packet);

// The same compound packet without its BYE packets; returns its size (0 if nothing is left).
size_t without_bye(Bytes packet, MutableBytes out);

// The least compound packet that says BYE: an empty receiver report, the CNAME if there is one, the
// BYE. Returns its size; 0 if `out` is too small.
size_t write_bye(MutableBytes out, uint32_t ssrc, std::string_view cname);

}  // namespace midstream::rtp
