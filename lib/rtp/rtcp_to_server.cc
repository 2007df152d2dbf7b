// Continuity, client to server: the client's reports and feedback in the current server's terms.
#include <algorithm>

#include "lib/rtp/continuity.h"

namespace midstream::rtp {
namespace {

// Report block, RFC 3550 6.4.1: offsets from its start.
constexpr size_t kLostAt = 4, kHighestAt = 8, kLastReportAt = 16, kDelayAt = 20;

// Feedback, RFC 4585 6.1: offsets from the packet's start.
constexpr size_t kMediaSsrcAt = 8, kControlInformationAt = 12;
enum Format : uint8_t { kNack = 1, kTmmbRequest = 3, kTmmbNotification = 4, kFullIntraRequest = 4 };

int32_t load_lost(const uint8_t* block) {  // 24 bits, signed, behind the fraction
  return static_cast<int32_t>(load_be32(block + kLostAt) << 8) >> 8;
}

void store_lost(uint8_t* block, int32_t lost) {
  constexpr int32_t kLimit = 0x7FFFFF;
  const auto bits = static_cast<uint32_t>(std::clamp(lost, -kLimit - 1, kLimit)) & 0xFFFFFF;
  store_be32(block + kLostAt, uint32_t{block[kLostAt]} << 24 | bits);
}

}  // namespace

size_t Continuity::rtcp_to_server(Bytes packet, MutableBytes out) {
  if (!summarize_rtcp(packet).valid) return 0;
  if (active_ && !has_server_ssrc_) return 0;  // there is nothing yet to report on
  ByteWriter writer(out);
  RtcpReader reader(packet);
  while (const auto part = reader.next()) {
    const size_t start = writer.position();
    writer.bytes(part->bytes);
    if (!writer.ok()) return 0;
    packet_to_server(*part, out.subspan(start, part->bytes.size()));
  }
  return writer.position();
}

void Continuity::packet_to_server(const RtcpPacket& packet, MutableBytes copy) {
  uint8_t* const p = copy.data();
  const size_t ssrcs = packet.type == kGoodbye ? packet.count : packet.body.size() >= 4 ? 1 : 0;
  for (size_t i = 0; i < ssrcs; ++i) {
    uint8_t* const at = p + kRtcpHeaderBytes + 4 * i;
    store_be32(at, ssrc_to_server(load_be32(at)));
  }
  if (packet.type == kSenderReport || packet.type == kReceiverReport) {
    const size_t first = kRtcpHeaderBytes + (packet.type == kSenderReport ? kSenderInfoBytes : 4);
    for (size_t i = 0; i < packet.count; ++i) {
      report_block_to_server(p + first + i * kReportBlockBytes);
    }
  }
  if (packet.type == kTransportFeedback || packet.type == kPayloadFeedback) {
    feedback_to_server(packet, copy);
  }
}

void Continuity::report_block_to_server(uint8_t* block) {
  if (has_client_ssrc_ && load_be32(block) != client_ssrc_) return;
  lost_ = load_lost(block);
  if (!active_) return;

  store_be32(block, server_ssrc_);
  // The client counts its wraps from a packet that we need not have seen: only the lower half says
  // which packet it means.
  const RtpSequence client_highest(static_cast<uint16_t>(load_be32(block + kHighestAt)));
  const RtpSequence seen = sequence_to_client(RtpSequence(static_cast<uint16_t>(server_highest_)));
  int64_t highest = server_highest_ - (seen - client_highest);
  if (!has_server_sequence_) highest = (client_highest - cut_.sequence_offset).value();
  const bool speaks_of_earlier_server = !has_server_sequence_ || highest < server_first_;
  if (speaks_of_earlier_server) lost_before_ = lost_;
  if (has_server_sequence_) highest = std::max(highest, server_first_);
  store_be32(block + kHighestAt, static_cast<uint32_t>(highest));
  store_lost(block, lost_ - lost_before_);
  report_time_to_server(block);
}

// A round trip is only for the server that sent the report.
void Continuity::report_time_to_server(uint8_t* block) const {
  const uint32_t time = load_be32(block + kLastReportAt);
  const auto end = report_time_.begin() + report_times_;
  const auto sent =
      std::find_if(report_time_.begin(), end, [time](const ReportTime& t) { return t.client == time; });
  store_be32(block + kLastReportAt, sent == end ? 0 : sent->server);
  if (sent == end) store_be32(block + kDelayAt, 0);
}

void Continuity::feedback_to_server(const RtcpPacket& packet, MutableBytes copy) const {
  if (!active_) return;
  uint8_t* const p = copy.data();
  store_be32(p + kMediaSsrcAt, ssrc_to_server(load_be32(p + kMediaSsrcAt)));

  const size_t end = kRtcpHeaderBytes + packet.body.size();
  if (packet.type == kTransportFeedback && packet.count == kNack) {
    for (size_t at = kControlInformationAt; at + 4 <= end; at += 4) {
      const RtpSequence lost(load_be16(p + at));
      store_be16(p + at, (lost - cut_.sequence_offset).value());
    }
    return;
  }
  // RFC 5104 4.2.1, 4.2.2, 4.3.1: entries of eight bytes with an SSRC in front.
  const bool has_entries = packet.type == kPayloadFeedback
                               ? packet.count == kFullIntraRequest
                               : packet.count == kTmmbRequest || packet.count == kTmmbNotification;
  for (size_t at = kControlInformationAt; has_entries && at + 8 <= end; at += 8) {
    store_be32(p + at, ssrc_to_server(load_be32(p + at)));
  }
}

}  // namespace midstream::rtp
