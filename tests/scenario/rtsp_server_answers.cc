#include <fmt/format.h>

#include "tests/scenario/npt_text.h"
#include "tests/scenario/rtsp_server.h"

namespace midstream::scenario {
namespace {

// gst-rtsp-server draws from this alphabet.
constexpr char kIdAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+";

std::string random_id(Random& random, uint32_t length) {
  std::string id;
  while (id.size() < length) id += kIdAlphabet[random.between(0, sizeof kIdAlphabet - 2)];
  return id;
}

uint16_t port_of(const std::string& text) {
  return static_cast<uint16_t>(std::strtoul(text.c_str(), nullptr, 10));
}

}  // namespace

std::string RtspServer::sdp() const {
  std::string text = fmt::format(
      "v=0\r\no=- {} 1 IN IP4 {}\r\ns=Session streamed with GStreamer\r\nt=0 0\r\na=control:*\r\n"
      "a=range:npt=0-{}\r\n",
      host_.address().v4_value() * uint64_t{31}, to_string(host_.address()),
      write_seconds(movie_.duration));
  for (const Track& t : movie_.tracks)
    text += fmt::format(
        "m={} 0 RTP/AVP {}\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:{} {}/{}\r\na=fmtp:{} "
        "{}\r\na=control:{}\r\n",
        t.type, t.payload_type, t.payload_type, t.encoding, t.clock_rate, t.payload_type, t.format,
        t.control);
  return text;
}

RtspServer::Answer RtspServer::describe(const RtspMessage& request) {
  Answer a;
  a.headers = fmt::format("Content-Type: application/sdp\r\nContent-Base: {}/\r\n", request.uri());
  a.body = sdp();
  return a;
}

SenderTrack RtspServer::make_track(size_t index, const RtspMessage& request, Address client) {
  Random& random = host_.random();
  SenderTrack t;
  t.track = &movie_.tracks[index];
  const std::string ports = parameter(request.header("Transport"), "client_port");
  t.client_rtp = {client, port_of(ports)};
  t.client_rtcp = {client, port_of(ports.substr(ports.find('-') + 1))};
  t.server_rtp = next_rtp_port_;
  next_rtp_port_ = static_cast<uint16_t>(next_rtp_port_ + 2);
  t.ssrc = random.u32();
  t.sequence = t.first_sequence = index < options_.first_sequence.size()
                                      ? options_.first_sequence[index]
                                      : static_cast<uint16_t>(random.u32());
  t.base_timestamp =
      index < options_.base_timestamp.size() ? options_.base_timestamp[index] : random.u32();
  return t;
}

RtspServer::Answer RtspServer::setup(size_t connection, const RtspMessage& request) {
  Answer a;
  const TcpPeer& tcp = *connections_[connection].tcp;
  size_t index = 0;
  while (index < movie_.tracks.size() && !request.uri().ends_with("/" + movie_.tracks[index].control))
    ++index;
  if (index == movie_.tracks.size()) return {"404 Not Found", "", "", {}, {}};
  const std::string transport = request.header("Transport");
  if (!transport.starts_with("RTP/AVP") || parameter(transport, "client_port").empty())
    return {"461 Unsupported Transport", "", "", {}, {}};
  Session* s = find(request.header("Session"));
  if (s == nullptr) {
    Session fresh;
    fresh.id = random_id(host_.random(), options_.personality.session_id_length);
    fresh.client = tcp.remote().address;
    fresh.url = request.uri().substr(0, request.uri().rfind('/'));
    fresh.connection = &tcp;
    fresh.sender =
        std::make_unique<MediaSender>(host_, process_, movie_, options_.personality,
                                      fmt::format("user{}@{}", host_.random().u32(), host_.name()));
    sessions_.push_back(std::move(fresh));
    s = &sessions_.back();
    a.headers = "Session: " + s->id;
    if (options_.personality.announced_timeout_s != 60)
      a.headers += fmt::format(";timeout={}", options_.personality.announced_timeout_s);
    a.headers += "\r\n";
  }
  const SenderTrack t = make_track(index, request, tcp.remote().address);
  listen_to_reports(t.server_rtp);
  s->sender->tracks().push_back(t);
  a.headers +=
      fmt::format("Transport: RTP/AVP;unicast;client_port={}-{};server_port={}-{}{};mode=\"PLAY\"\r\n",
                  t.client_rtp.port, t.client_rtcp.port, t.server_rtp, t.server_rtp + 1,
                  options_.personality.says_ssrc ? fmt::format(";ssrc={:08X}", t.ssrc) : "");
  return a;
}

void RtspServer::listen_to_reports(uint16_t rtp_port) {
  host_.bind_udp(rtp_port, [this](Endpoint, Bytes) { ++punches_; });
  const uint16_t rtcp_port = static_cast<uint16_t>(rtp_port + 1);
  host_.bind_udp(rtcp_port, [this, rtcp_port](Endpoint from, Bytes bytes) {
    const auto rtcp = read_rtcp(bytes);
    if (!rtcp) return host_.violation("malformed RTCP");
    reports_.push_back({host_.timeline().now(), from, rtcp_port, *rtcp});
  });
}

// The rtptime of the position, or what gst says instead.
std::string RtspServer::rtp_info(const Session& s, Duration start, bool fresh_seek) const {
  std::string text;
  for (const SenderTrack& t : s.sender->tracks()) {
    const bool lie = fresh_seek && options_.personality.lies_in_rtp_info_after_seek;
    const bool less = fresh_seek && options_.personality.rtp_info_sequence_one_less;
    text += fmt::format("{}url={}/{};seq={};rtptime={}", text.empty() ? "" : ", ", s.url,
                        t.track->control, static_cast<uint16_t>(t.sequence - (less ? 1 : 0)),
                        lie ? t.base_timestamp : t.base_timestamp + t.track->ticks(start));
  }
  return text;
}

RtspServer::Answer RtspServer::play(Session& s, const RtspMessage& request) {
  const Personality& p = options_.personality;
  const std::string range = request.header("Range");
  Answer a;
  a.delay = p.play_delay;
  MediaSender& sender = *s.sender;
  if (range.empty() && s.played) {
    a.headers =
        fmt::format("RTP-Info: {}\r\nRange: npt={}-{}\r\n", rtp_info(s, sender.position(), false),
                    write_seconds(sender.position()), write_seconds(movie_.duration));
    a.afterwards = [&sender] {
      if (!sender.playing()) sender.resume();
    };
    return a;
  }
  const size_t value = range.find("npt=");
  Duration wanted = value == std::string::npos ? Duration(0) : read_seconds(range.substr(value + 4));
  if (!p.seeks_before_key_frame) wanted = Duration(0);
  const bool accurate = p.honours_seek_style && request.header("Seek-Style") == "RAP";
  const Duration start = accurate ? wanted : movie_.key_frame_before(wanted);
  const bool seeking = wanted > Duration(0) || s.played;
  if (p.timestamps_restart_at_seek && seeking)
    for (SenderTrack& t : sender.tracks()) t.base_timestamp -= t.track->ticks(start);
  a.headers =
      fmt::format("RTP-Info: {}\r\nRange: npt={}-{}\r\n", rtp_info(s, start, seeking && !s.played),
                  write_seconds(start), write_seconds(movie_.duration));
  s.played = true;
  a.afterwards = [&sender, wanted, accurate, seeking] { sender.play(wanted, accurate, seeking); };
  return a;
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
