#include "lib/rtp/rtcp.h"

namespace midstream::rtp {
namespace {

// Are the parts that the count promises there?
bool holds_its_count(const RtcpPacket& packet) {
  switch (packet.type) {
    case kSenderReport:
      return packet.body.size() >= kSenderInfoBytes + packet.count * kReportBlockBytes;
    case kReceiverReport:
      return packet.body.size() >= 4 + packet.count * kReportBlockBytes;
    case kGoodbye:
      return packet.body.size() >= packet.count * 4u;
    case kTransportFeedback:
    case kPayloadFeedback:
      return packet.body.size() >= 8;
    default:
      return true;
  }
}

}  // namespace

std::optional<RtcpPacket> RtcpReader::next() {
  if (rest_.size() < kRtcpHeaderBytes) return std::nullopt;
  const size_t size = (load_be16(&rest_[2]) + 1u) * 4u;
  const uint8_t first = rest_[0];
  if (first >> 6 != 2 || rest_[1] < 192 || rest_[1] > 223 || size > rest_.size()) return std::nullopt;

  RtcpPacket packet{.type = rest_[1], .count = static_cast<uint8_t>(first & 0x1F)};
  packet.bytes = rest_.first(size);
  packet.body = packet.bytes.subspan(kRtcpHeaderBytes);
  if ((first & 0x20) != 0) {
    const size_t padding = packet.bytes.back();
    if (padding == 0 || padding > packet.body.size()) return std::nullopt;
    packet.body = packet.body.first(packet.body.size() - padding);
  }
  if (!holds_its_count(packet)) return std::nullopt;
  rest_ = rest_.subspan(size);
  return packet;
}

RtcpSummary summarize_rtcp(Bytes packet) {
  RtcpSummary summary;
  RtcpReader reader(packet);
  for (bool first = true; auto part = reader.next(); first = false) {
    if (first && part->body.size() >= 4) summary.sender_ssrc = load_be32(part->body.data());
    summary.has_bye |= part->type == kGoodbye;
    if (part->type == kSenderReport)
      summary.sender_time = {load_be64(&part->body[4]), RtpTimestamp(load_be32(&part->body[12]))};
  }
  summary.valid = !packet.empty() && reader.ok();
  return summary.valid ? summary : RtcpSummary{};
}

size_t write_bye(MutableBytes out, uint32_t ssrc, std::string_view cname) {
  constexpr uint8_t kCname = 1;
  const auto header = [](ByteWriter& w, uint8_t count, uint8_t type, size_t bytes) {
    w.u8(static_cast<uint8_t>(2 << 6 | count));
    w.u8(type);
    w.u16(static_cast<uint16_t>(bytes / 4 - 1));
  };
  ByteWriter writer(out);
  header(writer, 0, kReceiverReport, 8);
  writer.u32(ssrc);
  if (!cname.empty()) {
    const size_t item = 2 + cname.size();
    const size_t padding = 4 - item % 4;  // at least the zero that ends the items
    header(writer, 1, kSourceDescription, 8 + item + padding);
    writer.u32(ssrc);
    writer.u8(kCname);
    writer.u8(static_cast<uint8_t>(cname.size()));
    writer.bytes(as_bytes(cname));
    for (size_t i = 0; i < padding; ++i) writer.u8(0);
  }
  header(writer, 1, kGoodbye, 8);
  writer.u32(ssrc);
  return writer.ok() ? writer.position() : 0;
}

size_t without_bye(Bytes packet, MutableBytes out) {
  if (!summarize_rtcp(packet).valid) return 0;
  ByteWriter writer(out);
  RtcpReader reader(packet);
  while (auto part = reader.next()) {
    if (part->type != kGoodbye) writer.bytes(part->bytes);
  }
  return writer.ok() ? writer.position() : 0;
}

}  // namespace midstream::rtp
