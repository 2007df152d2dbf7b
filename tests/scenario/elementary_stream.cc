#include "tests/scenario/elementary_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace midstream::scenario {
namespace {

constexpr uint8_t kSlice = 1, kKeySlice = 5, kSequenceParameters = 7, kPictureParameters = 8,
                  kDelimiter = 9;
constexpr uint32_t kVideoClock = 90000, kSamplesPerFrame = 1024;

Payload read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path + " cannot be read");
  return Payload(std::istreambuf_iterator<char>(in), {});
}

std::string base64(const Payload& bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? bytes[i + j] : 0u);
    for (size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

// Between start codes 00 00 01; zeros before a start code belong to it (H.264 B.1).
std::vector<Payload> split_nal_units(const Payload& stream) {
  std::vector<size_t> starts;
  for (size_t i = 0; i + 3 <= stream.size(); ++i)
    if (stream[i] == 0 && stream[i + 1] == 0 && stream[i + 2] == 1) starts.push_back(i + 3);
  std::vector<Payload> units;
  for (size_t n = 0; n < starts.size(); ++n) {
    size_t end = n + 1 < starts.size() ? starts[n + 1] - 3 : stream.size();
    while (end > starts[n] && stream[end - 1] == 0) --end;
    if (end > starts[n])
      units.emplace_back(stream.begin() + static_cast<std::ptrdiff_t>(starts[n]),
                         stream.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return units;
}

// A slice with first_mb_in_slice 0, in Exp-Golomb a single 1 bit, begins a picture (H.264 7.4.3).
bool begins_picture(const Payload& nal) { return nal.size() > 1 && (nal[1] & 0x80) != 0; }

Track read_video(const std::string& path, uint32_t frames_per_second) {
  Track track{.type = "video",
              .encoding = "H264",
              .clock_rate = kVideoClock,
              .frame_duration = Duration(1s) / frames_per_second};
  Payload sequence, picture;
  uint32_t frame = 0;
  bool has_slice = false;
  for (Payload& nal : split_nal_units(read_file(path))) {
    const uint8_t type = nal[0] & 0x1f;
    const bool slice = type == kSlice || type == kKeySlice;
    if (type == kDelimiter) continue;
    if (type == kSequenceParameters) sequence = nal;
    if (type == kPictureParameters) picture = nal;
    // What is not a slice stands before the slices of its picture.
    if (has_slice && (!slice || begins_picture(nal))) {
      track.units.back().marker = true;
      ++frame;
      has_slice = false;
    }
    has_slice |= slice;
    const Duration pts = track.frame_duration * frame;
    track.units.push_back({pts, pts, frame, 0, false, type == kKeySlice, std::move(nal)});
  }
  if (sequence.size() < 4 || !has_slice) throw std::runtime_error(path + " is no H.264 byte stream");
  track.units.back().marker = true;
  // A seek to a key picture begins with its first unit, the parameter sets perhaps.
  for (size_t i = track.units.size(); i-- > 1;)
    if (track.units[i].frame == track.units[i - 1].frame) track.units[i - 1].key |= track.units[i].key;
  track.format = fmt::format(
      "packetization-mode=1;profile-level-id={:02x}{:02x}{:02x};"
      "sprop-parameter-sets={},{}",
      sequence[1], sequence[2], sequence[3], base64(sequence), base64(picture));
  return track;
}

// ADTS: 7 bytes, 9 with a CRC (ISO 13818-7 6.2).
Track read_sound(const std::string& path) {
  constexpr std::array<uint32_t, 13> kRates{96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                            22050, 16000, 12000, 11025, 8000,  7350};
  const Payload stream = read_file(path);
  Track track{.type = "audio", .encoding = "MPEG4-GENERIC"};
  uint32_t frame = 0;
  for (size_t at = 0; at + 7 <= stream.size(); ++frame) {
    const uint8_t* h = &stream[at];
    const size_t bytes = (size_t{h[3]} & 3) << 11 | size_t{h[4]} << 3 | h[5] >> 5;
    const size_t header = (h[1] & 1) != 0 ? 7 : 9;
    const size_t rate = h[2] >> 2 & 15;
    if (h[0] != 0xff || (h[1] & 0xf6) != 0xf0 || rate >= kRates.size() || bytes <= header ||
        at + bytes > stream.size())
      throw std::runtime_error(path + " is no ADTS stream");
    if (frame == 0) {
      const uint32_t object = (h[2] >> 6) + 1u, channels = (h[2] & 1u) << 2 | h[3] >> 6;
      track.clock_rate = kRates[rate];
      track.channels = channels;
      track.format = fmt::format(
          "streamtype=5;mode=AAC-hbr;config={:04x};sizelength=13;indexlength=3;indexdeltalength=3",
          object << 11 | static_cast<uint32_t>(rate) << 7 | channels << 3);
    }
    const Duration pts(uint64_t{frame} * kSamplesPerFrame * 1'000'000'000 / track.clock_rate);
    const size_t size = bytes - header;  // 13 bits
    Payload payload{0, 16, static_cast<uint8_t>(size >> 5), static_cast<uint8_t>(size << 3)};
    payload.insert(payload.end(), stream.begin() + static_cast<std::ptrdiff_t>(at + header),
                   stream.begin() + static_cast<std::ptrdiff_t>(at + bytes));
    track.units.push_back({pts, pts, frame, 0, true, true, std::move(payload)});
    at += bytes;
  }
  if (frame == 0) throw std::runtime_error(path + " is no ADTS stream");
  track.frame_duration = Duration(uint64_t{kSamplesPerFrame} * 1'000'000'000 / track.clock_rate);
  return track;
}

}  // namespace

Movie read_movie(const std::string& h264_path, uint32_t frames_per_second,
                 const std::string& adts_path) {
  Movie movie{};
  if (!h264_path.empty()) movie.tracks.push_back(read_video(h264_path, frames_per_second));
  if (!adts_path.empty()) movie.tracks.push_back(read_sound(adts_path));
  for (const Track& t : movie.tracks)
    movie.duration = std::max(movie.duration, t.units.back().pts + t.frame_duration);
  return movie;
}

}  // namespace midstream::scenario
