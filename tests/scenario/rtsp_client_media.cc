// The client's streams: what they are agreed to be, what comes on them, and its receiver reports.
#include <fmt/format.h>

#include <algorithm>

#include "tests/scenario/rtsp_client.h"

namespace midstream::scenario {

bool RtspClient::is_interleaved(size_t track) const {
  const std::vector<bool>& each = options_.interleaved;
  return !each.empty() && each[std::min(track, each.size() - 1)];
}

std::string RtspClient::wanted_transport(size_t track) const {
  if (is_interleaved(track)) {
    const auto first = static_cast<uint8_t>(options_.first_channel + 2 * track);
    return "RTP/AVP/TCP;unicast;" + write_channels({first, static_cast<uint8_t>(first + 1)});
  }
  const uint16_t port = tracks_[track].rtp_port;
  return fmt::format("RTP/AVP/UDP;unicast;client_port={}-{}", port, port + 1);
}

// What the answer to SETUP says; channels that it does not name are those that were asked for.
void RtspClient::agree(ClientTrack& t, const std::string& transport) {
  const auto index = static_cast<size_t>(&t - tracks_.data());
  if (is_interleaved(index)) {
    t.channels = read_channels(transport);
    if (!t.channels) t.channels = read_channels(wanted_transport(index));
  } else {
    t.server_rtp =
        static_cast<uint16_t>(std::strtoul(parameter(transport, "server_port").c_str(), nullptr, 10));
    t.server_rtcp = static_cast<uint16_t>(t.server_rtp + 1);
  }
  const std::string ssrc = parameter(transport, "ssrc");
  if (!ssrc.empty()) t.announced_ssrc = static_cast<uint32_t>(std::strtoul(ssrc.c_str(), nullptr, 16));
}

void RtspClient::listen(size_t index) {
  const uint16_t rtp_port = tracks_[index].rtp_port;
  host_.bind_udp(
      rtp_port, [this, index](Endpoint source, Bytes bytes) { on_rtp(tracks_[index], source, bytes); });
  host_.bind_udp(static_cast<uint16_t>(rtp_port + 1), [this, index](Endpoint source, Bytes bytes) {
    on_rtcp(tracks_[index], source, bytes);
  });
}

void RtspClient::on_frame(const InterleavedFrame& frame) {
  const Endpoint source = options_.server;
  for (ClientTrack& t : tracks_) {
    if (t.channels && frame.channel == t.channels->rtp) return on_rtp(t, source, frame.packet);
    if (t.channels && frame.channel == t.channels->rtcp) return on_rtcp(t, source, frame.packet);
  }
  oddities_.push_back(
      fmt::format("a frame of {} bytes on channel {}", frame.packet.size(), frame.channel));
}

void RtspClient::on_rtp(ClientTrack& t, Endpoint source, Bytes bytes) {
  if (const auto packet = read_rtp(bytes)) {
    t.rtp.push_back({host_.timeline().now(), source, *packet});
  } else if (t.channels) {
    ++t.malformed;
  } else {
    host_.violation("malformed RTP");
  }
}

void RtspClient::on_rtcp(ClientTrack& t, Endpoint source, Bytes bytes) {
  if (const auto rtcp = read_rtcp(bytes)) {
    t.rtcp.push_back({host_.timeline().now(), source, *rtcp});
  } else if (t.channels) {
    ++t.malformed;
  } else {
    host_.violation("malformed RTCP");
  }
}

// FFmpeg's ff_rtp_send_punch_packets: an empty RTP packet and an empty receiver report.
void RtspClient::punch(const ClientTrack& t) {
  const Address server = options_.server.address;
  host_.send_udp(t.rtp_port, {server, t.server_rtp}, write_rtp({}));
  host_.send_udp(static_cast<uint16_t>(t.rtp_port + 1), {server, t.server_rtcp}, write_rtcp({}));
}

void RtspClient::report() {
  for (const ClientTrack& t : tracks_) {
    if (t.channels || t.rtp.empty() || !reporting_) continue;
    host_.send_udp(static_cast<uint16_t>(t.rtp_port + 1), {options_.server.address, t.server_rtcp},
                   write_rtcp(report_of(t)));
  }
  if (const std::string frames = report_frames(); !frames.empty() && !disconnected_) transmit(frames);
  host_.timeline().after(options_.report_interval, [this] { report(); });
}

// Of all streams inside the connection that have come, one behind the other.
std::string RtspClient::report_frames() {
  std::string text;
  for (const ClientTrack& t : tracks_)
    if (t.channels && !t.rtp.empty() && reporting_)
      text += write_frame(t.channels->rtcp, write_rtcp(report_of(t)));
  return text;
}

Rtcp RtspClient::report_of(const ClientTrack& t) {
  const uint32_t ssrc = t.rtp.back().packet.ssrc;
  ReportBlock block{.ssrc = ssrc};
  block.highest_sequence = t.rtp.front().packet.sequence;
  for (const ReceivedRtp& r : t.rtp) {
    const auto step =
        static_cast<int16_t>(r.packet.sequence - static_cast<uint16_t>(block.highest_sequence));
    if (step > 0) block.highest_sequence += static_cast<uint32_t>(step);
  }
  const auto sr = std::find_if(t.rtcp.rbegin(), t.rtcp.rend(),
                               [](const ReceivedRtcp& r) { return r.rtcp.sender.has_value(); });
  if (sr != t.rtcp.rend()) {
    block.last_report = static_cast<uint32_t>(sr->rtcp.sender->ntp >> 16);
    block.delay_since = static_cast<uint32_t>(to_seconds(host_.timeline().now() - sr->time) * 65536);
  }
  return {.ssrc = ssrc + 1, .blocks = {block}, .cname = "player"};
}

}  // namespace midstream::scenario
