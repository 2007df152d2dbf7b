// A synthetic movie, the same on every server that shows it: a video of frames in one to several
// packets, and a sound track of 1024-sample frames. Everything follows from the options, so that a
// payload can be compared byte for byte with what any server must have sent.
//
// Video: a key frame every `key_frame_distance` frames, groups closed, optional B-frames. Units stand
// in decode order with presentation times, as H.264 is sent:
//
//   b_frames = 2:  unit    I0 P3 B1 B2 P6 B4 B5 ...       send time  0 40 80 120 ... ms
//                  pts      0 120 40 80 240 160 200 ms
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/time.h"

namespace midstream::scenario {

using Payload = std::vector<uint8_t>;

struct MovieOptions {
  Duration duration = 8s;
  uint32_t frames_per_second = 25;
  uint32_t key_frame_distance = 25;
  uint32_t b_frames = 0;
  uint32_t most_packets = 4;  // of a key frame; other frames have fewer
  uint32_t most_bytes = 1200;
  bool sound = true;
  bool silence = false;  // all sound payloads are equal
  uint64_t content = 1;  // another number is another movie
};

struct MediaUnit {     // one NAL unit or one sound frame: one packet, if that is large enough
  Duration pts, send;  // both from the start of the movie
  uint32_t frame;      // in decode order
  uint32_t packet;     // of the frame
  bool marker, key;
  Payload payload;
};

// A unit, or a piece of one, as it travels: bytes [begin, end) of the unit.
struct Packet {
  Payload payload;
  size_t begin, end;
};

struct Track {
  std::string type, control, encoding;
  std::string format;  // fmtp parameters
  uint8_t payload_type;
  uint32_t clock_rate;
  Duration frame_duration;
  std::vector<MediaUnit> units;
  uint32_t channels = 0;  // said in the rtpmap if not 0

  uint32_t ticks(Duration d) const;  // rounded down, as gst does
};

struct Movie {
  Duration duration;
  std::vector<Track> tracks;

  // Presentation time of the newest key frame at or before `position`.
  Duration key_frame_before(Duration position) const;
};

Movie make_movie(const MovieOptions& options);

// What a server makes of a unit whose packets hold at most `most_bytes`: the unit itself, or FU-A
// (RFC 6184 5.8) if it is a NAL unit and larger.
std::vector<Packet> packetize(const Track& track, const MediaUnit& unit, size_t most_bytes);

// Sequence and picture parameter set, as servers insert them at a seek.
std::vector<Payload> parameter_sets();
bool is_parameter_set(const Payload& payload);

}  // namespace midstream::scenario
