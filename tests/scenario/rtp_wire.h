// RTP and RTCP packets as the tests write and read them, apart from the product's code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/address.h"
#include "lib/base/bytes.h"
#include "lib/base/time.h"
#include "tests/scenario/movie.h"

namespace midstream::scenario {

struct RtpPacket {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  Payload payload;
};
Payload write_rtp(const RtpPacket& packet);
std::optional<RtpPacket> read_rtp(Bytes bytes);

struct ReportBlock {
  uint32_t ssrc = 0;
  uint8_t fraction_lost = 0;
  uint32_t cumulative_lost = 0;
  uint32_t highest_sequence = 0;  // extended
  uint32_t jitter = 0, last_report = 0, delay_since = 0;
};
struct SenderReport {
  uint64_t ntp = 0;
  uint32_t timestamp = 0, packets = 0, bytes = 0;
};
struct Rtcp {  // one compound packet; at most one of each kind
  uint32_t ssrc = 0;
  std::optional<SenderReport> sender;
  std::vector<ReportBlock> blocks;
  std::string cname;
  bool bye = false;
};
Payload write_rtcp(const Rtcp& packet);
// Nothing if it breaks the rules of RFC 3550 A.2, or if its parts name different senders.
std::optional<Rtcp> read_rtcp(Bytes bytes);

// Seconds as 32.32 fixed point.
uint64_t ntp_time(Duration since_1900);

}  // namespace midstream::scenario
