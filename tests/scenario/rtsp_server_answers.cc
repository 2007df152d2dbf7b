#include <fmt/format.h>

#include <algorithm>

#include "tests/scenario/npt_text.h"
#include "tests/scenario/rtsp_server.h"

namespace midstream::scenario {
namespace {

// gst-rtsp-server draws from this alphabet.
constexpr std::string_view kIdAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+";

std::string random_id(Random& random, const Personality& p) {
  const std::string_view digits = p.id_digits == Personality::IdDigits::kText ? kIdAlphabet
                                  : p.id_digits == Personality::IdDigits::kUpperHex
                                      ? "0123456789ABCDEF"
                                      : "0123456789abcdef";
  std::string id;
  while (id.size() < p.session_id_length)
    id += digits[random.between(0, static_cast<uint32_t>(digits.size() - 1))];
  return id;
}

// "rtsp://10.99.0.2:554/movie/" -> "10.99.0.2"; "rtsp://[fd00::2]/movie" -> "fd00::2"
std::string host_of(const std::string& url) {
  const size_t begin = url.find("://") == std::string::npos ? 0 : url.find("://") + 3;
  if (url.substr(begin, 1) == "[") return url.substr(begin + 1, url.find(']', begin) - begin - 1);
  return url.substr(begin, url.find_first_of(":/", begin) - begin);
}

// The same URL at another authority.
std::string with_authority(const std::string& url, const std::string& authority) {
  const size_t begin = url.find("://") + 3;
  return url.substr(0, begin) + authority + url.substr(std::min(url.find('/', begin), url.size()));
}

}  // namespace

std::string RtspServer::sdp(const RtspMessage& request) const {
  const bool own = options_.personality.own_address_urls;
  const std::string host = own ? to_string(host_.address()) : host_of(request.uri());
  const std::string_view family = host_.address().is_v4() ? "IP4" : "IP6";
  const std::string_view nowhere = host_.address().is_v4() ? "0.0.0.0" : "::";
  std::string text = fmt::format(
      "v=0\r\no=- {} 1 IN {} {}\r\ns=Session\r\nc=IN {} {}\r\nt=0 0\r\na=control:*\r\n",
      uint64_t{host_.address().octets[15]} * 31'000'007, family, host, family, own ? host : nowhere);
  if (!options_.personality.live) text += fmt::format("a=range:npt=0-{}\r\n", end_of_range());
  for (const Track& t : movie_.tracks)
    text += fmt::format("m={} 0 RTP/AVP {}\r\na=rtpmap:{} {}/{}{}\r\na=fmtp:{} {}\r\na=control:{}\r\n",
                        t.type, t.payload_type, t.payload_type, t.encoding, t.clock_rate,
                        t.channels > 0 ? fmt::format("/{}", t.channels) : "", t.payload_type, t.format,
                        t.control);
  return text;
}

std::string RtspServer::end_of_range() const {
  return options_.personality.knows_duration ? write_seconds(movie_.duration) : "";
}

RtspServer::Answer RtspServer::describe(const RtspMessage& request) {
  std::string base = request.uri();
  if (options_.personality.own_address_urls) base = with_authority(base, own_authority());
  Answer a;
  a.headers = fmt::format("Content-Type: application/sdp\r\nContent-Base: {}/\r\n", base);
  a.body = sdp(request);
  return a;
}

std::string RtspServer::own_authority() const {
  std::string host = to_string(host_.address());
  if (!host_.address().is_v4()) host = "[" + host + "]";
  return options_.port == 554 ? host : fmt::format("{}:{}", host, options_.port);
}

std::string RtspServer::session_header(const Session& s, const std::string& method) const {
  const Personality& p = options_.personality;
  const bool timeout = p.announced_timeout_s != 60 && (method == "SETUP" || !p.timeout_in_setup_only);
  return timeout ? fmt::format("Session: {};timeout={}\r\n", s.id, p.announced_timeout_s)
                 : fmt::format("Session: {}\r\n", s.id);
}

RtspServer::Session& RtspServer::open_session(const TcpPeer& tcp, const std::string& url) {
  const Personality& p = options_.personality;
  Session fresh;
  fresh.id = random_id(host_.random(), p);
  fresh.client = tcp.remote().address;
  fresh.url = url.substr(0, url.rfind('/'));
  if (p.own_address_urls) fresh.url = with_authority(fresh.url, own_authority());
  fresh.connection = &tcp;
  fresh.since = fresh.last_sign = host_.timeline().now();
  fresh.sender = std::make_unique<MediaSender>(
      host_, process_, movie_, p, fmt::format("user{}@{}", host_.random().u32(), host_.name()));
  sessions_.push_back(std::move(fresh));
  end_when_silent(sessions_.back());
  return sessions_.back();
}

// Presentation time of the track's first packet if the movie is played from the key frame at `start`.
Duration RtspServer::first_presentation(const Track& track, Duration start) const {
  const auto planned = plan(movie_, track, start, {});
  return planned.empty() ? start : planned.front().pts;
}

// The rtptime of the position, or what gst says instead.
std::string RtspServer::rtp_info(const Session& s, Duration start, bool fresh_seek) const {
  std::string text;
  for (const SenderTrack& t : s.sender->tracks()) {
    const bool lie = fresh_seek && options_.personality.lies_in_rtp_info_after_seek;
    const bool less = fresh_seek && options_.personality.rtp_info_sequence_one_less;
    Duration stated = start;
    if (lie) stated = Duration(0);
    if (options_.personality.rtptime_is_first_packets) stated = first_presentation(*t.track, start);
    text += fmt::format("{}url={}/{};seq={};rtptime={}", text.empty() ? "" : ", ", s.url,
                        t.track->control, static_cast<uint16_t>(t.sequence - (less ? 1 : 0)),
                        t.base_timestamp + t.track->ticks(stated));
  }
  return text;
}

RtspServer::Answer RtspServer::play(Session& s, const RtspMessage& request) {
  const Personality& p = options_.personality;
  const std::string range = request.header("Range");
  Answer a;
  a.delay = p.play_delay;
  MediaSender& sender = *s.sender;
  std::function<void()> begin;
  if (range.empty() && s.played) {
    a.headers =
        "RTP-Info: " + rtp_info(s, sender.position(), false) + "\r\n" + range_header(sender.position());
    begin = [&sender] {
      if (!sender.playing()) sender.resume();
    };
    (p.media_before_answer ? a.at_once : a.afterwards) = begin;
    return a;
  }
  const size_t value = range.find("npt=");
  Duration wanted = value == std::string::npos ? Duration(0) : read_seconds(range.substr(value + 4));
  if (!p.seeks_before_key_frame) wanted = Duration(0);
  if (p.live) wanted = host_.timeline().now().time_since_epoch() % movie_.duration;  // on air now
  const bool accurate = p.honours_seek_style && request.header("Seek-Style") == "RAP";
  const Duration start = accurate || p.live ? wanted : movie_.key_frame_before(wanted);
  const bool seeking = !p.live && (wanted > Duration(0) || s.played);
  if (p.timestamps_restart_at_seek && seeking)
    for (SenderTrack& t : sender.tracks()) t.base_timestamp -= t.track->ticks(start);
  a.headers = "RTP-Info: " + rtp_info(s, start, seeking && !s.played) + "\r\n" +
              range_header(p.echoes_range ? wanted : start);
  s.played = true;
  begin = [&sender, wanted, accurate, seeking] { sender.play(wanted, accurate, seeking); };
  (p.media_before_answer ? a.at_once : a.afterwards) = begin;
  return a;
}

std::string RtspServer::range_header(Duration start) const {
  if (options_.personality.live) return "";
  return fmt::format("Range: npt={}-{}\r\n", write_seconds(start), end_of_range());
}

RtspServer::Answer RtspServer::pause(Session& s) {
  s.sender->pause();
  return {};
}

RtspServer::Answer RtspServer::teardown(Session& s) {
  s.sender->stop();
  s.open = false;
  Answer a;
  a.headers = "Connection: close\r\n";
  return a;
}

}  // namespace midstream::scenario
