#include "tests/scenario/media_sender.h"

#include <algorithm>

#include "tests/scenario/host.h"

namespace midstream::scenario {
namespace {

constexpr int kRounds = 5;             // of a live movie: longer than any test watches
constexpr Duration kFullSocket = 1ms;  // how often a server looks at it

void add(std::vector<PlannedPacket>& packets, const Track& track, const MediaUnit& unit, Duration pts,
         Duration when, size_t packet_bytes) {
  for (Packet& p : packetize(track, unit, packet_bytes)) {
    const bool last = p.end == unit.payload.size();
    packets.push_back({&unit, std::move(p), pts, when, unit.marker && last});
  }
}

}  // namespace

std::vector<PlannedPacket> plan(const Movie& movie, const Track& track, Duration position,
                                const Manner& manner) {
  const Duration key = movie.key_frame_before(position);
  const Duration start = manner.accurate ? position : key;
  const bool video = track.type == "video";
  std::vector<PlannedPacket> packets;
  const auto first = std::find_if(track.units.begin(), track.units.end(), [&](const MediaUnit& u) {
    return video ? u.key && u.pts == key : u.pts + track.frame_duration > key;
  });
  for (auto u = first; u != track.units.end(); ++u) {
    const Duration when = std::max(u->send - start, Duration(0));
    const Duration pts = std::max(u->pts, start);
    if (u == first && video && manner.insert_parameter_sets)
      for (const Payload& p : parameter_sets())
        packets.push_back({nullptr, {p, 0, 0}, pts, when, false});
    add(packets, track, *u, pts, when, manner.packet_bytes);
  }
  return packets;
}

std::vector<PlannedPacket> plan_live(const Movie& movie, const Track& track, Duration position,
                                     size_t packet_bytes) {
  std::vector<PlannedPacket> packets;
  for (int round = 0; round < kRounds; ++round) {
    const Duration passed = movie.duration * round;
    for (const MediaUnit& u : track.units)
      if (passed + u.send >= position)
        add(packets, track, u, passed + u.pts, passed + u.send - position, packet_bytes);
  }
  return packets;
}

MediaSender::MediaSender(Host& host, Process& process, const Movie& movie,
                         const Personality& personality, std::string cname)
    : host_(host),
      process_(process),
      movie_(movie),
      personality_(personality),
      cname_(std::move(cname)) {}

void MediaSender::play(Duration position, bool accurate, bool seeking) {
  const bool exact = accurate || personality_.live;
  start_ = exact ? position : movie_.key_frame_before(position);
  played_ = Duration(0);
  schedules_.clear();
  const Manner manner{accurate, seeking && personality_.inserts_parameter_sets,
                      personality_.packet_bytes};
  for (SenderTrack& t : tracks_) {
    schedules_.push_back({personality_.live
                              ? plan_live(movie_, *t.track, position, personality_.packet_bytes)
                              : plan(movie_, *t.track, position, manner)});
    if (personality_.burst == Duration(0)) continue;
    for (PlannedPacket& p : schedules_.back().packets) p.when -= p.when % personality_.burst;
  }
  start();
}

void MediaSender::resume() { start(); }

void MediaSender::start() {
  const uint64_t generation = ++generation_;
  playing_ = true;
  finished_.reset();
  const Time first = host_.timeline().now() + personality_.media_delay;
  play_time_ = first - played_;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    host_.timeline().at(first + personality_.first_report, [this, i, generation] {
      process_.run([this, i, generation] { report(i, generation, false); });
    });
    host_.timeline().at(
        first, [this, i, generation] { process_.run([this, i, generation] { step(i, generation); }); });
  }
}

void MediaSender::pause() {
  played_ = position() - start_;
  stop();
}

void MediaSender::stop() {
  playing_ = false;
  ++generation_;
}

Duration MediaSender::position() const {
  if (!playing_) return start_ + played_;
  const Duration played = std::max(host_.timeline().now() - play_time_, Duration(0));
  if (personality_.live) return start_ + played;
  return std::min(start_ + played, movie_.duration);
}

void MediaSender::step(size_t track, uint64_t generation) {
  if (generation != generation_) return;
  Schedule& s = schedules_[track];
  if (s.next == s.packets.size()) return say_bye_when_all_sent();
  const Time due = play_time_ + s.packets[s.next].when;
  const bool waits = must_wait(tracks_[track]);
  if (due <= host_.timeline().now() && !waits) send(tracks_[track], s.packets[s.next++]);
  Time next = host_.timeline().now() + (waits ? kFullSocket : personality_.packet_spacing);
  if (s.next < s.packets.size()) next = std::max(next, play_time_ + s.packets[s.next].when);
  host_.timeline().at(next, [this, track, generation] {
    process_.run([this, track, generation] { step(track, generation); });
  });
}

void MediaSender::send(SenderTrack& t, const PlannedPacket& planned) {
  const RtpPacket rtp{t.track->payload_type,
                      planned.marker,
                      t.sequence++,
                      t.base_timestamp + t.track->ticks(planned.pts),
                      t.ssrc,
                      planned.packet.payload};
  ++t.sent_packets;
  t.sent_bytes += static_cast<uint32_t>(rtp.payload.size());
  write(t, false, write_rtp(rtp));
}

bool MediaSender::socket_is_full(const SenderTrack& t) const {
  return t.connection != nullptr && t.connection->bytes_unacknowledged() >= personality_.socket_bytes;
}

bool MediaSender::must_wait(const SenderTrack& t) const {
  return socket_is_full(t) && !personality_.drops_when_full;
}

void MediaSender::write(SenderTrack& t, bool rtcp, Bytes packet) {
  if (t.connection == nullptr)
    return host_.send_udp(static_cast<uint16_t>(t.server_rtp + (rtcp ? 1 : 0)),
                          rtcp ? t.client_rtcp : t.client_rtp, packet);
  if (socket_is_full(t) && personality_.drops_when_full) {
    ++dropped_;
    return;
  }
  const std::string frame = write_frame(rtcp ? t.channels.rtcp : t.channels.rtp, packet);
  if (cut_ && !rtcp && &t == &tracks_[cut_->track]) return write_cut(t, frame);
  size_t first = frame.size();
  if (personality_.frame_writes == Personality::FrameWrites::kHeaderApart) first = kFrameHeaderBytes;
  if (personality_.frame_writes == Personality::FrameWrites::kAnywhere)
    first = host_.random().between(1, static_cast<uint32_t>(frame.size()));
  t.connection->send(std::string_view(frame).substr(0, first));
  if (first < frame.size()) t.connection->send(std::string_view(frame).substr(first));
}

void MediaSender::cut_next_frame(size_t track, size_t bytes, std::function<void()> then) {
  cut_ = {track, bytes, std::move(then)};
}

void MediaSender::write_cut(SenderTrack& t, std::string frame) {
  frame.resize(std::min(frame.size() - 1, cut_->bytes));
  t.connection->send(frame);
  stop();
  host_.timeline().at(host_.timeline().now(), std::exchange(cut_, {})->then);
}

void MediaSender::report(size_t track, uint64_t generation, bool bye) {
  if (generation != generation_ || schedules_[track].ended) return;
  schedules_[track].ended = bye;
  SenderTrack& t = tracks_[track];
  const Time now = host_.timeline().now();
  if (must_wait(t) && !bye) {
    host_.timeline().after(kFullSocket, [this, track, generation] {
      process_.run([this, track, generation] { report(track, generation, false); });
    });
    return;
  }
  const Duration line = start_ + (now - play_time_);  // runs on even behind the last packet
  Rtcp rtcp;
  rtcp.ssrc = t.ssrc;
  rtcp.sender = SenderReport{ntp_time(personality_.wall_clock + now.time_since_epoch()),
                             t.base_timestamp + t.track->ticks(line), t.sent_packets, t.sent_bytes};
  rtcp.cname = cname_;
  rtcp.bye = bye;
  write(t, true, write_rtcp(rtcp));
  if (bye) return;
  host_.timeline().after(personality_.report_interval, [this, track, generation] {
    process_.run([this, track, generation] { report(track, generation, false); });
  });
}

void MediaSender::say_bye() {
  for (size_t i = 0; i < schedules_.size(); ++i) report(i, generation_, true);
}

void MediaSender::end_track(size_t track) {
  schedules_[track].next = schedules_[track].packets.size();
  report(track, generation_, true);
}

void MediaSender::say_bye_when_all_sent() {
  for (const Schedule& s : schedules_)
    if (s.next < s.packets.size()) return;
  if (!playing_) return;
  finished_ = host_.timeline().now();
  if (personality_.says_bye) say_bye();
  pause();
}

}  // namespace midstream::scenario
