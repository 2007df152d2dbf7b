// Media for the tests of the cut: what a server sends before it gives it numbers of its own, two
// servers that send it, and the search for the cut between them.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtp/cut.h"

namespace midstream::rtp {

inline constexpr uint32_t kRate = 90000;
inline constexpr uint32_t kFrame = 3600;

// One packet of the media, before a server gives it numbers of its own. Time counts in frames.
struct Unit {
  std::string payload;
  int frame;
  bool marker = true;
};
using Media = std::vector<Unit>;

// One packet a frame, each like no other: "0", "1", ...
inline Media plain(int from, int to) {
  Media media;
  for (int i = from; i < to; ++i) media.push_back({std::to_string(i), i});
  return media;
}

inline Media operator+(Media a, const Media& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A packet on the wire.
struct Packet {
  Header header;
  std::string payload;
};
using Packets = std::vector<Packet>;

// What a server makes of media. What `lost` names keeps its sequence number but does not arrive.
inline Packets send(const Media& media, uint16_t first_sequence, uint32_t timestamp_of_frame_0,
                    const std::vector<std::string>& lost = {}) {
  Packets packets;
  RtpSequence sequence(first_sequence);
  for (const Unit& unit : media) {
    Header header{.marker = unit.marker, .sequence_number = sequence};
    header.timestamp = RtpTimestamp(timestamp_of_frame_0) + unit.frame * int64_t{kFrame};
    sequence += 1;
    if (std::find(lost.begin(), lost.end(), unit.payload) == lost.end()) {
      packets.push_back({header, unit.payload});
    }
  }
  return packets;
}

inline LastPackets remember(const Packets& packets) {
  LastPackets last;
  for (const Packet& p : packets) {
    last.add(p.header.sequence_number, p.header.timestamp, payload_hash(as_bytes(p.payload)),
             p.header.marker);
  }
  return last;
}

inline constexpr uint16_t kSequenceA = 65533, kSequenceB = 32766;  // both wrap within the first packets
inline constexpr uint32_t kTimestampA = 0xFFFFE000, kTimestampB = 0x7FFFF000;
inline constexpr uint32_t kExactOffset = kTimestampA - kTimestampB;

inline CutContext without_position() { return {.clock_rate = kRate, .frame_ticks = kFrame}; }
inline CutContext with_position(int32_t error = 0) {
  CutContext context = without_position();
  context.has_position = true;
  context.client_anchor = RtpTimestamp(kTimestampA);
  context.server_anchor = RtpTimestamp(kTimestampB) - error;
  return context;
}

// Feeds B's packets until one is the first new; tells which.
struct Result {
  std::string first = "none";
  Cut cut;
  uint16_t sequence = 0;  // of the first new packet, as the client sees it
};
inline Result find(const LastPackets& last, const Packets& b, const CutContext& context) {
  CutFinder finder;
  finder.reset(last, context);
  bool found = false;
  uint32_t dropped = 0;
  for (const Packet& p : b) {
    found = finder.is_first_new(p.header, as_bytes(p.payload));
    if (found) break;
    dropped += !finder.holding();
    CHECK(finder.result().method == CutMethod::kNone);
  }
  CHECK(finder.dropped_packets() == dropped);
  if (!found && !finder.accept()) return {};  // what was held is let go: no content came
  for (const Packet& p : b) {
    if (p.header.sequence_number < finder.first_sequence()) continue;
    const Cut cut = finder.result();
    return {p.payload, cut, (p.header.sequence_number + cut.sequence_offset).value()};
  }
  return {};
}

inline Packets from_a(const Media& media) { return send(media, kSequenceA, kTimestampA); }
inline Packets from_b(const Media& media, const std::vector<std::string>& lost = {}) {
  return send(media, kSequenceB, kTimestampB, lost);
}
inline uint16_t next_of(const Media& a) { return static_cast<uint16_t>(kSequenceA + a.size()); }

// Frames of several packets: "12/0", "12/1", ... the last with the marker.
inline Media big_frames(int from, int to, int packets) {
  Media media;
  for (int frame = from; frame < to; ++frame) {
    for (int i = 0; i < packets; ++i) {
      media.push_back({std::to_string(frame) + "/" + std::to_string(i), frame, i == packets - 1});
    }
  }
  return media;
}

}  // namespace midstream::rtp
