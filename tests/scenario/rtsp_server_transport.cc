// What a server agrees to in SETUP, and what it hears from its clients' streams.
#include <fmt/format.h>

#include <algorithm>

#include "tests/scenario/rtsp_server.h"

namespace midstream::scenario {
namespace {

constexpr uint16_t kOnePort = 8000;  // gortsplib's

uint16_t port_of(const std::string& text) {
  return static_cast<uint16_t>(std::strtoul(text.c_str(), nullptr, 10));
}

bool wants_tcp(const std::string& transport) { return transport.starts_with("RTP/AVP/TCP"); }

}  // namespace

RtspServer::Answer RtspServer::setup(size_t connection, const RtspMessage& request) {
  const Personality& p = options_.personality;
  TcpPeer& tcp = *connections_[connection].tcp;
  size_t index = 0;
  while (index < movie_.tracks.size() && !request.uri().ends_with("/" + movie_.tracks[index].control))
    ++index;
  if (index == movie_.tracks.size()) return {.status = "404 Not Found"};
  const std::string transport = request.header("Transport");
  const bool inside = wants_tcp(transport);
  if (!transport.starts_with("RTP/AVP") || (!inside && parameter(transport, "client_port").empty()))
    return {.status = "461 Unsupported Transport"};
  Session* s = find(request.header("Session"));
  std::optional<Channels> channels;
  if (inside && !(channels = choose_channels(tcp, read_channels(transport))))
    return {.status = "400 Bad Request"};
  if (p.channel_manner == Personality::ChannelManner::kStrict && s != nullptr &&
      std::ranges::any_of(s->sender->tracks(),
                          [&](const SenderTrack& t) { return (t.connection != nullptr) != inside; }))
    return {.status = "400 Bad Request"};
  SenderTrack t = make_track(index);
  inside ? go_inside(t, tcp, *channels) : go_over_udp(t, tcp.remote().address, transport);
  if (p.refuses_ports_in_use && !inside && ports_in_use(s, t)) return {.status = "400 Bad Request"};
  if (s == nullptr) s = &open_session(tcp, request.uri());
  if (!inside) listen_to_reports(t.server_rtp);
  s->sender->tracks().push_back(t);
  Answer a;
  a.headers = session_header(*s, "SETUP") + "Transport: " + agreed(t, tcp.remote().address) + "\r\n";
  return a;
}

SenderTrack RtspServer::make_track(size_t index) {
  Random& random = host_.random();
  SenderTrack t;
  t.track = &movie_.tracks[index];
  t.ssrc = random.u32();
  t.sequence = t.first_sequence = index < options_.first_sequence.size()
                                      ? options_.first_sequence[index]
                                      : static_cast<uint16_t>(random.u32());
  t.base_timestamp =
      index < options_.base_timestamp.size() ? options_.base_timestamp[index] : random.u32();
  return t;
}

void RtspServer::go_over_udp(SenderTrack& t, Address client, const std::string& transport) {
  const std::string ports = parameter(transport, "client_port");
  t.client_rtp = {client, port_of(ports)};
  t.client_rtcp = {client, port_of(ports.substr(ports.find('-') + 1))};
  if (options_.personality.one_port_pair) {
    t.server_rtp = kOnePort;
  } else {
    t.server_rtp = next_rtp_port_;
    next_rtp_port_ = static_cast<uint16_t>(next_rtp_port_ + 2);
  }
}

void RtspServer::go_inside(SenderTrack& t, TcpPeer& tcp, const Channels& channels) {
  t.connection = &tcp;
  t.channels = channels;
}

std::string RtspServer::agreed(const SenderTrack& t, Address client) const {
  const Personality& p = options_.personality;
  std::string text = t.connection != nullptr ? "RTP/AVP/TCP;unicast" : "RTP/AVP;unicast";
  if (p.says_destination_and_source)
    text += fmt::format(";destination={};source={}", to_string(client), to_string(host_.address()));
  if (t.connection == nullptr)
    text += fmt::format(";client_port={}-{};server_port={}-{}", t.client_rtp.port, t.client_rtcp.port,
                        t.server_rtp, t.server_rtp + 1);
  else if (p.says_channels)
    text += ";" + write_channels(t.channels);
  if (p.says_ssrc) text += fmt::format(";ssrc={:08X};mode=\"PLAY\"", t.ssrc);
  return text;
}

bool RtspServer::channel_taken(const TcpPeer& tcp, uint8_t channel) const {
  for (const Session& s : sessions_) {
    if (!s.open) continue;
    for (const SenderTrack& t : s.sender->tracks())
      if (t.connection == &tcp && (t.channels.rtp == channel || t.channels.rtcp == channel))
        return true;
  }
  return false;
}

// Nothing if it refuses.
std::optional<Channels> RtspServer::choose_channels(const TcpPeer& tcp,
                                                    std::optional<Channels> asked) const {
  const Personality& p = options_.personality;
  const auto taken = [&](const Channels& c) {
    return channel_taken(tcp, c.rtp) || channel_taken(tcp, c.rtcp);
  };
  const auto free_from = [&](unsigned first) -> std::optional<Channels> {
    for (unsigned n = first; n < 255; n += 2)
      if (const Channels c{static_cast<uint8_t>(n), static_cast<uint8_t>(n + 1)}; !taken(c)) return c;
    return std::nullopt;
  };
  if (p.first_channel) return free_from(*p.first_channel);
  if (!asked) return free_from(0);
  switch (p.channel_manner) {
    case Personality::ChannelManner::kFree:
      return taken(*asked) ? free_from(0) : asked;
    case Personality::ChannelManner::kAsAsked:
      return asked;
    case Personality::ChannelManner::kStrict:
      break;
  }
  if (asked->rtcp != asked->rtp + 1 || taken(*asked)) return std::nullopt;
  return asked;
}

bool RtspServer::ports_in_use(const Session* session, const SenderTrack& track) const {
  for (const Session& s : sessions_) {
    if (!s.open || &s == session) continue;
    for (const SenderTrack& t : s.sender->tracks())
      if (t.client_rtp == track.client_rtp) return true;
  }
  return false;
}

void RtspServer::listen_to_reports(uint16_t rtp_port) {
  host_.bind_udp(rtp_port, [this, rtp_port](Endpoint from, Bytes) {
    ++punches_;
    heard_from(from, rtp_port);
  });
  const uint16_t rtcp_port = static_cast<uint16_t>(rtp_port + 1);
  host_.bind_udp(rtcp_port, [this, rtcp_port](Endpoint from, Bytes bytes) {
    const auto rtcp = read_rtcp(bytes);
    if (!rtcp) return host_.violation("malformed RTCP");
    heard_from(from, rtcp_port);
    reports_.push_back({host_.timeline().now(), from, rtcp_port, *rtcp});
  });
}

// A receiver report, or what a client sends into a stream's media channel.
void RtspServer::on_frame(size_t connection, const InterleavedFrame& frame) {
  const TcpPeer& tcp = *connections_[connection].tcp;
  for (Session& s : sessions_) {
    if (!s.open) continue;
    for (const SenderTrack& t : s.sender->tracks()) {
      if (t.connection != &tcp) continue;
      const bool media = frame.channel == t.channels.rtp;
      const bool report = frame.channel == t.channels.rtcp;
      if (report || (media && options_.personality.any_packet_keeps_alive))
        s.last_sign = host_.timeline().now();
      if (media) return;
      if (!report) continue;
      const auto rtcp = read_rtcp(frame.packet);
      if (!rtcp) return host_.violation("malformed RTCP");
      reports_.push_back({host_.timeline().now(), tcp.remote(), 0, *rtcp, frame.channel});
      return;
    }
  }
  ++stray_frames_;
}

}  // namespace midstream::scenario
