// What a PLAY answer promises the client about the packets that follow: rtspsrc drops what lies before
// `seq`, FFmpeg computes its presentation times from `rtptime` and the answer's Range.
#pragma once

#include <catch2/catch.hpp>
#include <vector>

#include "tests/scenario/contract.h"
#include "tests/scenario/npt_text.h"

namespace midstream::scenario {

inline std::vector<size_t> packets_so_far(World& world) {
  std::vector<size_t> counts;
  for (const ClientTrack& t : world.client().tracks()) counts.push_back(t.rtp.size());
  return counts;
}

// Presentation time of a payload of the movie.
inline Duration time_of(const Track& track, const Payload& payload) {
  for (const MediaUnit& unit : track.units)
    if (unit.payload == payload) return unit.pts;
  return Duration(-1);
}

// `before`: packets that the client had when it was answered. Of each track the next packet has the
// number that RTP-Info names, and a packet's time is what rtptime and Range make of its timestamp.
inline void check_play_answer(World& world, uint32_t cseq, const std::vector<size_t>& before) {
  const RtspMessage* answer = world.client().answer(cseq);
  REQUIRE(answer != nullptr);
  REQUIRE(answer->status() == 200);
  const Duration start = read_seconds(answer->header("Range").substr(4));
  const std::string info = answer->header("RTP-Info");
  for (size_t i = 0; i < before.size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    INFO("track " << i << ", RTP-Info " << info);
    const size_t at = info.find("url=" + t.control + ";");
    REQUIRE(at != std::string::npos);
    const std::string entry = info.substr(at, info.find(',', at) - at);
    REQUIRE(t.rtp.size() > before[i]);
    CHECK(t.rtp[before[i]].time >= answer->time);
    CHECK(parameter(entry, "seq") == std::to_string(t.rtp[before[i]].packet.sequence));
    const auto rtptime =
        static_cast<uint32_t>(std::strtoul(parameter(entry, "rtptime").c_str(), nullptr, 10));
    CHECK(rtptime != 0);
    const Track& track = world.a().movie().tracks[i];
    size_t checked = 0;
    for (size_t k = before[i]; k < t.rtp.size(); ++k) {
      const Duration pts = time_of(track, t.rtp[k].packet.payload);
      if (pts < start) continue;  // clamped, or a parameter set
      const auto ticks = static_cast<int32_t>(t.rtp[k].packet.timestamp - rtptime);
      const double seconds = to_seconds(start) + static_cast<double>(ticks) / track.clock_rate;
      CHECK(std::abs(seconds - to_seconds(pts)) < 0.001);
      if (++checked == 50) break;
    }
    CHECK(checked > 0);
  }
}

}  // namespace midstream::scenario
