#include "tests/scenario/rtp_wire.h"

#include <array>

namespace midstream::scenario {
namespace {

constexpr uint8_t kSenderReport = 200, kReceiverReport = 201, kDescription = 202, kBye = 203;
constexpr uint8_t kCname = 1;

void write_report(ByteWriter& w, const Rtcp& p) {
  const size_t words = 1 + (p.sender ? 5 : 0) + 6 * p.blocks.size();
  w.u8(static_cast<uint8_t>(0x80 | p.blocks.size()));
  w.u8(p.sender ? kSenderReport : kReceiverReport);
  w.u16(static_cast<uint16_t>(words));
  w.u32(p.ssrc);
  if (p.sender) {
    w.u64(p.sender->ntp);
    w.u32(p.sender->timestamp);
    w.u32(p.sender->packets);
    w.u32(p.sender->bytes);
  }
  for (const ReportBlock& b : p.blocks) {
    w.u32(b.ssrc);
    w.u32(uint32_t{b.fraction_lost} << 24 | (b.cumulative_lost & 0xffffff));
    w.u32(b.highest_sequence);
    w.u32(b.jitter);
    w.u32(b.last_report);
    w.u32(b.delay_since);
  }
}

void write_cname(ByteWriter& w, const Rtcp& p) {
  const size_t bytes = 4 + 2 + p.cname.size();
  const size_t padded = bytes + 4 - bytes % 4;  // ends with at least one zero
  w.u8(0x81);
  w.u8(kDescription);
  w.u16(static_cast<uint16_t>(padded / 4));
  w.u32(p.ssrc);
  w.u8(kCname);
  w.u8(static_cast<uint8_t>(p.cname.size()));
  w.bytes(as_bytes(p.cname));
  for (size_t i = bytes; i < padded; ++i) w.u8(0);
}

bool read_report(ByteReader r, uint8_t count, bool sender, Rtcp& out) {
  if (sender) {
    SenderReport s;
    s.ntp = r.u64();
    s.timestamp = r.u32();
    s.packets = r.u32();
    s.bytes = r.u32();
    out.sender = s;
  }
  for (uint8_t i = 0; i < count; ++i) {
    ReportBlock b;
    b.ssrc = r.u32();
    const uint32_t lost = r.u32();
    b.fraction_lost = static_cast<uint8_t>(lost >> 24);
    b.cumulative_lost = lost & 0xffffff;
    b.highest_sequence = r.u32();
    b.jitter = r.u32();
    b.last_report = r.u32();
    b.delay_since = r.u32();
    out.blocks.push_back(b);
  }
  return r.ok();
}

bool read_cname(ByteReader r, Rtcp& out) {
  if (r.u8() != kCname) return false;
  out.cname = std::string(as_text(r.bytes(r.u8())));
  return r.ok() && r.u8() == 0;
}

}  // namespace

Payload write_rtp(const RtpPacket& p) {
  Payload bytes(12 + p.payload.size());
  ByteWriter w(bytes);
  w.u8(0x80);
  w.u8(static_cast<uint8_t>((p.marker ? 0x80 : 0) | p.payload_type));
  w.u16(p.sequence);
  w.u32(p.timestamp);
  w.u32(p.ssrc);
  w.bytes(p.payload);
  return bytes;
}

std::optional<RtpPacket> read_rtp(Bytes bytes) {
  if (bytes.size() < 12 || bytes[0] != 0x80) return std::nullopt;
  RtpPacket p;
  p.marker = (bytes[1] & 0x80) != 0;
  p.payload_type = bytes[1] & 0x7f;
  p.sequence = load_be16(&bytes[2]);
  p.timestamp = load_be32(&bytes[4]);
  p.ssrc = load_be32(&bytes[8]);
  p.payload.assign(bytes.begin() + 12, bytes.end());
  return p;
}

Payload write_rtcp(const Rtcp& p) {
  Payload bytes(1024);
  ByteWriter w(bytes);
  write_report(w, p);
  if (!p.cname.empty()) write_cname(w, p);
  if (p.bye) {
    w.u8(0x81);
    w.u8(kBye);
    w.u16(1);
    w.u32(p.ssrc);
  }
  bytes.resize(w.position());
  return bytes;
}

std::optional<Rtcp> read_rtcp(Bytes bytes) {
  Rtcp out;
  bool first = true;
  while (!bytes.empty()) {
    if (bytes.size() < 8 || bytes[0] >> 6 != 2) return std::nullopt;
    const uint8_t type = bytes[1];
    const size_t size = 4 * (size_t{load_be16(&bytes[2])} + 1);
    if (size < 8 || size > bytes.size()) return std::nullopt;
    if (first && type != kSenderReport && type != kReceiverReport) return std::nullopt;
    const uint32_t ssrc = load_be32(&bytes[4]);
    if (first) out.ssrc = ssrc;
    if (ssrc != out.ssrc) return std::nullopt;
    const ByteReader body(bytes.subspan(8, size - 8));
    const uint8_t count = bytes[0] & 0x1f;
    if (type <= kReceiverReport && !read_report(body, count, type == kSenderReport, out))
      return std::nullopt;
    if (type == kDescription && !read_cname(body, out)) return std::nullopt;
    out.bye = out.bye || type == kBye;
    first = false;
    bytes = bytes.subspan(size);
  }
  return first ? std::nullopt : std::optional(out);
}

uint64_t ntp_time(Duration since_1900) {
  const auto ns = static_cast<uint64_t>(since_1900.count());
  const uint64_t second = 1'000'000'000;
  return ns / second << 32 | (ns % second << 32) / second;
}

}  // namespace midstream::scenario
