#include "tests/scenario/movie.h"

#include <algorithm>

#include "lib/base/random.h"

namespace midstream::scenario {
namespace {

constexpr uint8_t kFuA = 28;
constexpr uint8_t kSliceNal = 0x41, kKeyNal = 0x65, kSequenceParameters = 0x67,
                  kPictureParameters = 0x68;
constexpr uint32_t kSamplesPerFrame = 1024, kSampleRate = 48000;  // AAC

Payload make_payload(Random& random, uint8_t first, uint32_t bytes) {
  Payload payload(bytes);
  for (uint8_t& b : payload) b = static_cast<uint8_t>(random.u32());
  payload[0] = first;
  return payload;
}

// A slice's header begins with the number of its first macroblock: the bit 1 is number 0 (H.264 7.3.3).
Payload make_slice(Random& random, bool key, bool first, uint32_t bytes) {
  Payload slice = make_payload(random, key ? kKeyNal : kSliceNal, bytes);
  slice[1] = static_cast<uint8_t>((slice[1] & 0x7f) | (first ? 0x80 : 0));
  return slice;
}

// Display indices of one closed group in decode order.
std::vector<uint32_t> decode_order(uint32_t frames, uint32_t b_frames) {
  std::vector<uint32_t> order{0};
  for (uint32_t previous = 0; previous + 1 < frames;) {
    const uint32_t anchor = std::min(previous + b_frames + 1, frames - 1);
    order.push_back(anchor);
    for (uint32_t b = previous + 1; b < anchor; ++b) order.push_back(b);
    previous = anchor;
  }
  return order;
}

Track make_video(const MovieOptions& o) {
  const Duration frame = Duration(1s) / o.frames_per_second;
  Track track{"video",
              "stream=0",
              "H264",
              "packetization-mode=1;profile-level-id=4d401e;sprop-parameter-sets=Z01AHpZU" +
                  std::to_string(o.content) + ",aO48gA==",
              96,
              90000,
              frame,
              {}};
  Random random(o.content * 1000003);
  const uint32_t frames = static_cast<uint32_t>(o.duration / frame);
  uint32_t decoded = 0;
  for (uint32_t group = 0; group < frames; group += o.key_frame_distance) {
    for (uint32_t shown : decode_order(std::min(o.key_frame_distance, frames - group), o.b_frames)) {
      const bool key = shown == 0;
      const uint32_t packets =
          key ? o.most_packets : random.between(1, std::max(1u, o.most_packets - 1));
      for (uint32_t p = 0; p < packets; ++p)
        track.units.push_back({frame * (group + shown), frame * decoded, decoded, p, p + 1 == packets,
                               key, make_slice(random, key, p == 0, random.between(40, o.most_bytes))});
      ++decoded;
    }
  }
  return track;
}

Track make_sound(const MovieOptions& o) {
  const auto time = [](uint32_t n) {
    return Duration(uint64_t{n} * kSamplesPerFrame * 1'000'000'000 / kSampleRate);
  };
  Track track{"audio",
              "stream=1",
              "MPEG4-GENERIC",
              "streamtype=5;mode=AAC-hbr;config=1190;sizelength=13;indexlength=3;indexdeltalength=3",
              97,
              kSampleRate,
              time(1),
              {}};
  Random random(o.content * 7919);
  for (uint32_t n = 0; time(n) < o.duration; ++n)
    track.units.push_back({time(n), time(n), n, 0, true, true,
                           o.silence ? Payload{0, 16, 0, 32, 0x21, 0x10, 4, 0x60}
                                     : make_payload(random, 0, random.between(60, 300))});
  return track;
}

}  // namespace

uint32_t Track::ticks(Duration d) const {
  const int64_t second = 1'000'000'000;
  return static_cast<uint32_t>(d.count() / second * clock_rate +
                               d.count() % second * clock_rate / second);
}

Duration Movie::key_frame_before(Duration position) const {
  Duration best{0};
  for (const MediaUnit& u : tracks[0].units)
    if (u.key && u.pts <= position) best = std::max(best, u.pts);
  return best;
}

std::vector<Packet> packetize(const Track& track, const MediaUnit& unit, size_t most_bytes) {
  const Payload& nal = unit.payload;
  if (track.type != "video" || nal.size() <= most_bytes) return {{nal, 0, nal.size()}};
  constexpr size_t kFuHeader = 2;
  std::vector<Packet> packets;
  for (size_t at = 1; at < nal.size();) {
    const size_t bytes = std::min(most_bytes - kFuHeader, nal.size() - at);
    const bool first = at == 1, last = at + bytes == nal.size();
    Payload payload{static_cast<uint8_t>((nal[0] & 0xe0) | kFuA),
                    static_cast<uint8_t>((nal[0] & 0x1f) | (first ? 0x80 : 0) | (last ? 0x40 : 0))};
    payload.insert(payload.end(), nal.begin() + static_cast<std::ptrdiff_t>(at),
                   nal.begin() + static_cast<std::ptrdiff_t>(at + bytes));
    packets.push_back({std::move(payload), first ? 0 : at, at + bytes});
    at += bytes;
  }
  return packets;
}

Movie make_movie(const MovieOptions& options) {
  Movie movie{options.duration, {make_video(options)}};
  if (options.sound) movie.tracks.push_back(make_sound(options));
  return movie;
}

std::vector<Payload> parameter_sets() {
  return {{kSequenceParameters, 0x4d, 0x40, 0x1e, 0x96, 0x54}, {kPictureParameters, 0xee, 0x3c, 0x80}};
}

bool is_parameter_set(const Payload& payload) {
  return !payload.empty() && (payload[0] == kSequenceParameters || payload[0] == kPictureParameters);
}

}  // namespace midstream::scenario
