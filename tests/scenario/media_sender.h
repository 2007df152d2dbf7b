// Sends one session's tracks in a server's manner, over UDP or as frames inside the RTSP connection:
// paced by the movie's send times, a burst at an accurate seek, sender reports on one NTP/RTP line, BYE
// at the end. While the connection's socket is full its packets wait, or are dropped.
//
// A seek to X starts at the key frame K before it. Accurate: all of [K, X) leaves at once, with the
// timestamp of X; then the pace starts. Otherwise the pace starts at K.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/address.h"
#include "tests/scenario/interleaved.h"
#include "tests/scenario/movie.h"
#include "tests/scenario/personality.h"
#include "tests/scenario/process.h"
#include "tests/scenario/rtp_wire.h"
#include "tests/scenario/timeline.h"

namespace midstream::scenario {

class Host;
class TcpPeer;

struct SenderTrack {
  const Track* track = nullptr;
  Endpoint client_rtp, client_rtcp;
  uint16_t server_rtp = 0;        // RTCP is the next
  TcpPeer* connection = nullptr;  // that it goes into, on these channels; null: UDP
  Channels channels;
  uint32_t ssrc = 0;
  uint16_t first_sequence = 0;
  uint16_t sequence = 0;        // of the next packet
  uint32_t base_timestamp = 0;  // of NPT 0
  uint32_t sent_packets = 0, sent_bytes = 0;
};

// What a server sends for one PLAY, in order: the expectation of the contract, too.
struct PlannedPacket {
  const MediaUnit* unit;  // null for an inserted parameter set
  Packet packet;
  Duration pts;   // clamped
  Duration when;  // after the start of PLAY
  bool marker;
};
struct Manner {
  bool accurate = false;               // from the very position, else from the key frame before
  bool insert_parameter_sets = false;  // before the first key frame
  size_t packet_bytes = SIZE_MAX;
};
std::vector<PlannedPacket> plan(const Movie& movie, const Track& track, Duration position,
                                const Manner& manner);
// Of a movie that is on air again and again: what comes from `position` on, for a long while.
std::vector<PlannedPacket> plan_live(const Movie& movie, const Track& track, Duration position,
                                     size_t packet_bytes);

class MediaSender {
 public:
  MediaSender(Host& host, Process& process, const Movie& movie, const Personality& personality,
              std::string cname);

  std::vector<SenderTrack>& tracks() { return tracks_; }
  void play(Duration position, bool accurate, bool seeking);
  void pause();
  void resume();                 // where pause() left off, not one packet twice
  void stop();                   // for good
  void say_bye();                // of every track that has played, now
  void end_track(size_t track);  // BYE: nothing more of it, the others play on
  // Of the next RTP packet of that track only the frame's first bytes leave (never all of them), and
  // nothing of this session behind them; then `then` happens.
  void cut_next_frame(size_t track, size_t bytes, std::function<void()> then);
  bool playing() const { return playing_; }
  size_t dropped() const { return dropped_; }  // packets that found the socket full
  Duration position() const;                   // NPT now
  // When the last packet of all had left.
  std::optional<Time> finished() const { return finished_; }

 private:
  struct Cut {
    size_t track, bytes;
    std::function<void()> then;
  };
  struct Schedule {
    std::vector<PlannedPacket> packets;
    size_t next = 0;
    bool ended = false;  // it was said
  };

  void start();
  void step(size_t track, uint64_t generation);
  void send(SenderTrack& track, const PlannedPacket& planned);
  bool socket_is_full(const SenderTrack& track) const;
  bool must_wait(const SenderTrack& track) const;
  void write(SenderTrack& track, bool rtcp, Bytes packet);
  void write_cut(SenderTrack& track, std::string frame);
  void report(size_t track, uint64_t generation, bool bye);
  void say_bye_when_all_sent();

  Host& host_;
  Process& process_;
  const Movie& movie_;
  const Personality& personality_;
  std::string cname_;
  std::vector<SenderTrack> tracks_;
  std::vector<Schedule> schedules_;
  std::optional<Cut> cut_;
  size_t dropped_ = 0;
  bool playing_ = false;
  std::optional<Time> finished_;
  uint64_t generation_ = 0;  // timers of an older PLAY do nothing
  Time play_time_;           // when NPT start_ was or would have been sent
  Duration start_{0};        // of the newest seek
  Duration played_{0};       // since then, while paused
};

}  // namespace midstream::scenario
