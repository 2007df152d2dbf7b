#include "tests/scenario/media_sender.h"

#include <algorithm>

#include "tests/scenario/host.h"

namespace midstream::scenario {

std::vector<PlannedPacket> plan(const Movie& movie, const Track& track, Duration position,
                                bool accurate, bool insert_parameter_sets) {
  const Duration key = movie.key_frame_before(position);
  const Duration start = accurate ? position : key;
  const bool video = track.type == "video";
  std::vector<PlannedPacket> packets;
  const auto first = std::find_if(track.units.begin(), track.units.end(), [&](const MediaUnit& u) {
    return video ? u.key && u.pts == key : u.pts + track.frame_duration > key;
  });
  for (auto u = first; u != track.units.end(); ++u) {
    const Duration when = std::max(u->send - start, Duration(0));
    const Duration pts = std::max(u->pts, start);
    if (u == first && video && insert_parameter_sets)
      for (const Payload& p : parameter_sets()) packets.push_back({nullptr, p, pts, when, false});
    packets.push_back({&*u, u->payload, pts, when, u->marker});
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
  start_ = accurate ? position : movie_.key_frame_before(position);
  played_ = Duration(0);
  schedules_.clear();
  for (SenderTrack& t : tracks_) {
    const bool insert = seeking && personality_.inserts_parameter_sets;
    schedules_.push_back({plan(movie_, *t.track, position, accurate, insert)});
  }
  start();
}

void MediaSender::resume() { start(); }

void MediaSender::start() {
  const uint64_t generation = ++generation_;
  playing_ = true;
  const Time first = host_.timeline().now() + personality_.media_delay;
  play_time_ = first - played_;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    host_.timeline().at(first, [this, i, generation] { step(i, generation); });
    host_.timeline().at(first + personality_.first_report,
                        [this, i, generation] { report(i, generation, false); });
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
  return std::min(start_ + played, movie_.duration);
}

void MediaSender::step(size_t track, uint64_t generation) {
  if (generation != generation_) return;
  Schedule& s = schedules_[track];
  if (s.next == s.packets.size()) return say_bye_when_all_sent();
  const Time due = play_time_ + s.packets[s.next].when;
  if (due <= host_.timeline().now()) send(tracks_[track], s.packets[s.next++]);
  Time next = host_.timeline().now() + personality_.packet_spacing;
  if (s.next < s.packets.size()) next = std::max(next, play_time_ + s.packets[s.next].when);
  host_.timeline().at(next, [this, track, generation] {
    process_.run([this, track, generation] { step(track, generation); });
  });
}

void MediaSender::send(SenderTrack& t, const PlannedPacket& packet) {
  const RtpPacket rtp{t.track->payload_type,
                      packet.marker,
                      t.sequence++,
                      t.base_timestamp + t.track->ticks(packet.pts),
                      t.ssrc,
                      packet.payload};
  ++t.sent_packets;
  t.sent_bytes += static_cast<uint32_t>(packet.payload.size());
  host_.send_udp(t.server_rtp, t.client_rtp, write_rtp(rtp));
}

void MediaSender::report(size_t track, uint64_t generation, bool bye) {
  if (generation != generation_) return;
  SenderTrack& t = tracks_[track];
  const Time now = host_.timeline().now();
  const Duration line = start_ + (now - play_time_);  // runs on even behind the last packet
  Rtcp rtcp;
  rtcp.ssrc = t.ssrc;
  rtcp.sender = SenderReport{ntp_time(personality_.wall_clock + now.time_since_epoch()),
                             t.base_timestamp + t.track->ticks(line), t.sent_packets, t.sent_bytes};
  rtcp.cname = cname_;
  rtcp.bye = bye;
  host_.send_udp(static_cast<uint16_t>(t.server_rtp + 1), t.client_rtcp, write_rtcp(rtcp));
  if (bye) return;
  host_.timeline().after(personality_.report_interval, [this, track, generation] {
    process_.run([this, track, generation] { report(track, generation, false); });
  });
}

void MediaSender::say_bye() {
  for (size_t i = 0; i < tracks_.size(); ++i) report(i, generation_, true);
}

void MediaSender::say_bye_when_all_sent() {
  for (const Schedule& s : schedules_)
    if (s.next < s.packets.size()) return;
  if (!playing_) return;
  say_bye();
  pause();
}

}  // namespace midstream::scenario
