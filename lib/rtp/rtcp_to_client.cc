// Continuity, server to client: the server's reports in the terms of the first server.
#include "lib/rtp/continuity.h"

namespace midstream::rtp {
namespace {

// Sender report, RFC 3550 6.4.1: offsets from the packet's start.
constexpr size_t kNtpAt = 8, kRtpAt = 16, kPacketsAt = 20, kOctetsAt = 24, kBlocksAt = 28;
constexpr uint8_t kCname = 1;  // RFC 3550 6.5.1

uint32_t middle(uint64_t ntp) { return static_cast<uint32_t>(ntp >> 16); }

void map_ssrc(uint8_t* at, const auto& map) { store_be32(at, map(load_be32(at))); }

std::string_view find_cname(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  reader.skip(4);
  while (const uint8_t type = reader.u8()) {
    const Bytes text = reader.bytes(reader.u8());
    if (type == kCname) return as_text(text);
  }
  return {};
}

}  // namespace

size_t Continuity::rtcp_to_client(Bytes packet, MutableBytes out, SessionClock& clock,
                                  uint32_t clock_rate) {
  const RtcpSummary summary = summarize_rtcp(packet);
  if (!summary.valid) return 0;
  ByteWriter writer(out);
  RtcpReader reader(packet);
  while (const auto part = reader.next()) {
    const bool described = part->type == kSourceDescription && part->count > 0;
    if (described && active_ && !clock.client_cname.empty()) {
      if (!description_to_client(*part, writer, out, clock)) return 0;
      continue;
    }
    if (described && clock.client_cname.empty() && !clock.client_cname.assign(find_cname(*part))) {
      return 0;  // cannot be: a CNAME's length is one byte
    }
    if (summary.has_bye && part->type == kSenderReport && is_untold(*part, clock, clock_rate)) {
      write_receiver_report(*part, writer);
      continue;
    }
    const size_t start = writer.position();
    writer.bytes(part->bytes);
    if (!writer.ok()) return 0;
    if (!report_to_client(*part, out.subspan(start, part->bytes.size()), clock, clock_rate)) return 0;
  }
  return writer.ok() ? writer.position() : 0;
}

// Only another stream of the session can tell the shift of its clock: that stream's next report will.
bool Continuity::is_untold(const RtcpPacket& sender_report, const SessionClock& clock,
                           uint32_t clock_rate) const {
  const bool own_line = line_known_ && clock_rate != 0;
  return active_ && !clock.shift_known && clock.line_known && !own_line &&
         load_be64(&sender_report.bytes[kNtpAt]) != 0;
}

// An end is told even while the clock cannot be: the report without its sender's part.
void Continuity::write_receiver_report(const RtcpPacket& sender_report, ByteWriter& writer) const {
  const size_t blocks = sender_report.count * kReportBlockBytes;
  writer.u8(static_cast<uint8_t>(2 << 6 | sender_report.count));
  writer.u8(kReceiverReport);
  writer.u16(static_cast<uint16_t>((4 + blocks) / 4));
  writer.u32(ssrc_to_client(load_be32(&sender_report.body[0])));
  for (size_t at = 0; at < blocks; at += kReportBlockBytes) {
    const Bytes block = sender_report.bytes.subspan(kBlocksAt + at, kReportBlockBytes);
    writer.u32(ssrc_to_client(load_be32(block.data())));
    writer.bytes(block.subspan(4));
  }
}

bool Continuity::report_to_client(const RtcpPacket& packet, MutableBytes copy, SessionClock& clock,
                                  uint32_t clock_rate) {
  if (!active_) {
    if (packet.type == kSenderReport) {
      announce_client_ssrc(load_be32(copy.data() + kRtcpHeaderBytes));  // it may precede all media
      learn_line(packet, clock, clock_rate);
    }
    return true;
  }
  const auto map = [this](uint32_t ssrc) { return ssrc_to_client(ssrc); };
  uint8_t* const p = copy.data();
  if (packet.type == kGoodbye) {
    for (size_t i = 0; i < packet.count; ++i) map_ssrc(p + kRtcpHeaderBytes + 4 * i, map);
    return true;
  }
  if (packet.type != kSenderReport) {
    if (packet.body.size() >= 4) map_ssrc(p + kRtcpHeaderBytes, map);
    return true;
  }

  const uint32_t ssrc = load_be32(p + kRtcpHeaderBytes);
  if (!has_server_ssrc_) server_ssrc_ = ssrc;  // live555's first report precedes its first packet
  has_server_ssrc_ = true;
  if (ssrc != server_ssrc_) return false;
  if (is_untold(packet, clock, clock_rate)) return false;
  const RtpTimestamp timestamp = timestamp_to_client(RtpTimestamp(load_be32(p + kRtpAt)));
  const uint64_t server_ntp = load_be64(p + kNtpAt);
  const uint64_t ntp = ntp_to_client(server_ntp, timestamp, clock, clock_rate);

  map_ssrc(p + kRtcpHeaderBytes, map);
  store_be64(p + kNtpAt, ntp);
  store_be32(p + kRtpAt, timestamp.value());
  store_be32(p + kPacketsAt, static_cast<uint32_t>(packets_) + missed_packets_);
  store_be32(p + kOctetsAt, static_cast<uint32_t>(octets_) + missed_octets_);
  for (size_t i = 0; i < packet.count; ++i) map_ssrc(p + kBlocksAt + i * kReportBlockBytes, map);

  report_time_[next_report_time_] = {middle(ntp), middle(server_ntp)};
  next_report_time_ = static_cast<uint8_t>((next_report_time_ + 1u) % kReportTimes);
  if (report_times_ < kReportTimes) ++report_times_;
  if (ntp != 0 && clock_rate != 0) {
    line_known_ = clock.line_known = true;
    line_ntp_ = ntp;
    line_timestamp_ = timestamp;
  }
  return true;
}

uint64_t Continuity::ntp_to_client(uint64_t ntp, RtpTimestamp timestamp, SessionClock& clock,
                                   uint32_t clock_rate) const {
  if (ntp == 0) return 0;  // the server has no wall clock (RFC 3550 6.4.1)
  if (!clock.shift_known) {
    if (line_known_ && clock_rate != 0) {
      constexpr int64_t kSecond = int64_t{1} << 32;
      const int64_t ticks = timestamp - line_timestamp_;  // 32 bits: the product fits 64
      const uint64_t on_line = line_ntp_ + static_cast<uint64_t>(ticks * kSecond / clock_rate);
      clock.ntp_shift = static_cast<int64_t>(on_line - ntp);
    } else {
      clock.ntp_shift = 0;
    }
    clock.shift_known = true;
  }
  return ntp + static_cast<uint64_t>(clock.ntp_shift);
}

void Continuity::learn_line(const RtcpPacket& packet, SessionClock& clock, uint32_t clock_rate) {
  const uint8_t* const p = packet.bytes.data();
  if (has_client_ssrc_ && load_be32(p + kRtcpHeaderBytes) != client_ssrc_) return;
  missed_packets_ = load_be32(p + kPacketsAt) - static_cast<uint32_t>(packets_);
  missed_octets_ = load_be32(p + kOctetsAt) - static_cast<uint32_t>(octets_);
  line_ntp_ = load_be64(p + kNtpAt);
  line_timestamp_ = RtpTimestamp(load_be32(p + kRtpAt));
  line_known_ = line_ntp_ != 0 && clock_rate != 0;
  clock.line_known |= line_known_;
}

// Written anew, since the CNAME's length changes. Other items stay, padding goes.
bool Continuity::description_to_client(const RtcpPacket& packet, ByteWriter& writer, MutableBytes out,
                                       const SessionClock& clock) const {
  ByteReader reader(packet.body);
  const size_t start = writer.position();
  writer.u32(0);  // the header, once the length is known
  for (size_t chunk = 0; chunk < packet.count; ++chunk) {
    const uint32_t ssrc = reader.u32();
    const bool is_server = !has_server_ssrc_ || ssrc == server_ssrc_;
    writer.u32(ssrc_to_client(ssrc));
    while (const uint8_t type = reader.u8()) {
      Bytes text = reader.bytes(reader.u8());
      if (type == kCname && is_server) text = as_bytes(clock.client_cname.view());
      writer.u8(type);
      writer.u8(static_cast<uint8_t>(text.size()));
      writer.bytes(text);
    }
    reader.skip((4 - reader.position() % 4) % 4);
    writer.u8(0);
    while (writer.ok() && (writer.position() - start) % 4 != 0) writer.u8(0);
  }
  if (!reader.ok() || !writer.ok()) return false;
  const size_t words = (writer.position() - start) / 4 - 1;
  if (words > UINT16_MAX) return false;
  uint8_t* const header = &out[start];
  header[0] = static_cast<uint8_t>(2 << 6 | packet.count);
  header[1] = kSourceDescription;
  store_be16(header + 2, static_cast<uint16_t>(words));
  return true;
}

}  // namespace midstream::rtp
