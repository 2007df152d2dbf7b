// A movie from real elementary streams, for real players: H.264 as Annex B bytes without B-frames,
// AAC in ADTS frames. Units carry what RTP carries: NAL units (RFC 6184 5.6), one AAC frame behind
// its AU header (RFC 3640 3.3.6).
#pragma once

#include <string>

#include "tests/scenario/movie.h"

namespace midstream::scenario {

// Empty paths leave a track out. Throws std::runtime_error with a sentence if a file is none of these.
Movie read_movie(const std::string& h264_path, uint32_t frames_per_second,
                 const std::string& adts_path);

}  // namespace midstream::scenario
