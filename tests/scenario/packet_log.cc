#include "tests/scenario/packet_log.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "lib/net/packet.h"
#include "lib/tcp/segment.h"

namespace midstream::scenario {
namespace {

PacketLog* current_log = nullptr;

constexpr size_t kShownText = 500;   // a message without its body
constexpr size_t kShownLines = 700;  // the end of a failed test; the whole is in SCENARIO_LOG

std::string quote(Bytes bytes) {
  std::string text;
  for (uint8_t c : bytes.first(std::min(bytes.size(), kShownText))) {
    if (c == '\r') continue;
    text += c == '\n' ? '|' : c < ' ' || c > '~' ? '.' : static_cast<char>(c);
  }
  return text;
}

std::string describe_tcp(Bytes bytes) {
  tcp::Segment s;
  if (!tcp::parse_segment(bytes, s)) return "tcp (malformed)";
  std::string flags;
  if (s.flags.syn) flags += 'S';
  if (s.flags.fin) flags += 'F';
  if (s.flags.rst) flags += 'R';
  if (s.flags.psh) flags += 'P';
  if (s.flags.ack) flags += '.';
  std::string line = fmt::format("tcp {} {}:{} ack {} win {}", flags, s.sequence.value(),
                                 s.end().value(), s.acknowledgement.value(), s.window);
  if (s.mss) line += fmt::format(" mss {}", *s.mss);
  if (s.window_scale) line += fmt::format(" wscale {}", *s.window_scale);
  if (s.sack_permitted) line += " sackOK";
  if (s.timestamps)
    line += fmt::format(" ts {}/{}", s.timestamps->value.value(), s.timestamps->echo.value());
  for (size_t i = 0; i < s.sack_count; ++i)
    line += fmt::format(" sack {}-{}", s.sack[i].left.value(), s.sack[i].right.value());
  if (!s.payload.empty()) line += " \"" + quote(s.payload) + "\"";
  return line;
}

std::string describe_rtcp(Bytes p) {
  std::string line = "rtcp";
  while (p.size() >= 8) {
    const size_t bytes = 4 * (size_t{load_be16(&p[2])} + 1);
    if (bytes > p.size()) return line + " (malformed)";
    line += fmt::format(" {}", p[1] == 200   ? "SR"
                               : p[1] == 201 ? "RR"
                               : p[1] == 202 ? "SDES"
                               : p[1] == 203 ? "BYE"
                                             : "other");
    line += fmt::format(" {:08x}", load_be32(&p[4]));
    if (p[1] == 200 && bytes >= 28)
      line += fmt::format(" ntp {:.4f} rtp {} packets {}",
                          static_cast<double>(load_be64(&p[8])) / 4294967296.0, load_be32(&p[16]),
                          load_be32(&p[20]));
    p = p.subspan(bytes);
  }
  return line;
}

bool is_rtcp(Bytes p) { return p.size() >= 8 && p[0] >> 6 == 2 && p[1] >= 192 && p[1] <= 223; }
bool is_rtp(Bytes p) { return p.size() >= 12 && p[0] >> 6 == 2 && !is_rtcp(p); }

std::string describe_udp(Bytes p) {
  if (is_rtcp(p)) return describe_rtcp(p);
  if (!is_rtp(p)) return fmt::format("udp len {}", p.size());
  return fmt::format("rtp {} seq {} ts {} ssrc {:08x}{} len {}", p[1] & 0x7f, load_be16(&p[2]),
                     load_be32(&p[4]), load_be32(&p[8]), p[1] & 0x80 ? " M" : "", p.size() - 12);
}

std::string describe_neighbour(const net::NeighbourMessage& m) {
  if (m.is_request) return fmt::format("who has {} tell {}", to_string(m.target), to_string(m.sender));
  return fmt::format("{} is at {}", to_string(m.sender), to_string(m.sender_mac));
}

bool is_media(const PacketLog::Entry& e) {
  return describe(e.frame).find(" rtp ") != std::string::npos;
}

}  // namespace

std::string describe(Bytes frame) {
  const net::Packet p = net::parse_packet(frame);
  const std::string ends = to_string(p.source) + " > " + to_string(p.destination) + ' ';
  net::NeighbourMessage neighbour;
  if (net::parse_neighbour(frame, p, neighbour)) return describe_neighbour(neighbour);
  switch (p.kind) {
    case net::PacketKind::kArp:
      return "arp (malformed)";
    case net::PacketKind::kTcp:
      return ends +
             describe_tcp(frame.subspan(p.l4_offset, p.payload_offset - p.l4_offset + p.payload_bytes));
    case net::PacketKind::kUdp:
      return ends + describe_udp(frame.subspan(p.payload_offset, p.payload_bytes));
    case net::PacketKind::kIcmp:
      return ends + fmt::format("icmp type {} code {}", frame[p.l4_offset], frame[p.l4_offset + 1]);
    case net::PacketKind::kFragment:
      return ends + "fragment";
    case net::PacketKind::kOtherIp:
      return ends + "ip";
    case net::PacketKind::kOther:
      return fmt::format("ethertype {:04x} len {}", p.ether_type, frame.size());
  }
  return {};
}

PacketLog::PacketLog() { current_log = this; }

PacketLog::~PacketLog() {
  if (current_log == this) current_log = nullptr;
  if (const char* path = std::getenv("SCENARIO_LOG")) std::ofstream(path) << print(false);
}

PacketLog* PacketLog::current() { return current_log; }

void PacketLog::frame(Time time, const std::string& host, bool sent, const Frame& frame,
                      std::string note) {
  if (keep_) entries_.push_back({time, host, sent, frame, std::move(note)});
}

void PacketLog::remark(Time time, const std::string& host, std::string text) {
  if (keep_) entries_.push_back({time, host, false, {}, std::move(text)});
}

std::string PacketLog::print(bool shorten) const {
  std::vector<std::string> lines;
  size_t media_run = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const double seconds = to_seconds(e.time.time_since_epoch());
    if (e.frame.empty()) {
      lines.push_back(fmt::format("{:.6f} {:7}*  {}", seconds, e.host, e.note));
      continue;
    }
    if (shorten && is_media(e) && e.note.empty()) {
      if (++media_run == 9) lines.push_back("         ... more RTP ...");
      if (media_run > 8) continue;
    } else {
      media_run = 0;
    }
    lines.push_back(fmt::format("{:.6f} {:7}{}  {}{}", seconds, e.host, e.sent ? '>' : '<',
                                describe(e.frame), e.note.empty() ? "" : " (" + e.note + ")"));
  }
  const size_t first = shorten && lines.size() > kShownLines ? lines.size() - kShownLines : 0;
  std::string text;
  for (size_t i = first; i < lines.size(); ++i) text += lines[i] + '\n';
  return text;
}

}  // namespace midstream::scenario
