#include "tests/scenario/rtsp_client.h"

#include <fmt/format.h>

#include <algorithm>

namespace midstream::scenario {

RtspClient::RtspClient(Host& host, ClientOptions options)
    : host_(host), options_(std::move(options)), identity_(options_.user, options_.password) {
  url_ = options_.host_name.empty()
             ? fmt::format("rtsp://{}/movie", to_string(options_.server))
             : fmt::format("rtsp://{}:{}/movie", options_.host_name, options_.server.port);
}

bool RtspClient::connect() {
  tcp_ = &host_.connect(options_.local_port, options_.server, options_.tcp);
  tcp_->on_event([this](TcpEvent event) { on_event(event); });
  return host_.timeline().run_until([this] { return tcp_->established() || tcp_->over(); },
                                    options_.patience) &&
         tcp_->established();
}

bool RtspClient::begin(const std::string& range) {
  return connect() && call("OPTIONS") && describe() && setup_all() && play(range);
}

bool RtspClient::call(const std::string& method, const std::string& headers, std::string uri) {
  uint32_t cseq = request(method, headers, uri);
  // As players do: once with what they know, once with what the server has told them.
  if (await(cseq) && answer(cseq)->status() == 401 && !options_.user.empty())
    cseq = request(method, headers, std::move(uri));
  return await(cseq) && answer(cseq)->status() == 200;
}

bool RtspClient::await(uint32_t cseq) {
  return host_.timeline().run_until([&] { return answer(cseq) != nullptr; }, options_.patience);
}

bool RtspClient::await_packets(size_t track, size_t count, Duration limit) {
  return host_.timeline().run_until([&] { return tracks_[track].rtp.size() >= count; }, limit);
}

bool RtspClient::play(const std::string& range) {
  return call("PLAY", range.empty() ? "" : "Range: " + range + "\r\n");
}

const RtspMessage* RtspClient::answer(uint32_t cseq) const {
  const auto at = exchanges_.find(cseq);
  return at == exchanges_.end() || at->second.answers.empty() ? nullptr : &at->second.answers.front();
}

std::string RtspClient::format_request(const std::string& method, const std::string& headers,
                                       std::string uri) {
  if (uri.empty()) uri = session_id_.empty() || base_.empty() ? url_ : base_;
  exchanges_[++cseq_] = {method, host_.timeline().now(), {}};
  std::string text = fmt::format("{} {} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: Lavf59.27.100\r\n{}",
                                 method, uri, cseq_, headers);
  text += identity_.header_line(method, uri);
  if (!session_id_.empty()) text += "Session: " + session_id_ + "\r\n";
  return text + "\r\n";
}

uint32_t RtspClient::request(const std::string& method, const std::string& headers, std::string uri) {
  transmit(format_request(method, headers, std::move(uri)));
  return cseq_;
}

std::vector<uint32_t> RtspClient::pipeline(const std::vector<std::string>& methods) {
  std::vector<uint32_t> cseqs;
  std::string text;
  for (const std::string& m : methods) {
    text += format_request(m, "", "");
    cseqs.push_back(cseq_);
  }
  transmit(text);
  return cseqs;
}

void RtspClient::transmit(const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t left = text.size() - at;
    const size_t piece =
        options_.cut_requests ? host_.random().between(1, static_cast<uint32_t>(left)) : left;
    tcp_->send(std::string_view(text).substr(at, piece));
    at += piece;
  }
}

void RtspClient::on_event(TcpEvent event) {
  if (event != TcpEvent::kData) {
    events_.push_back(event);
    return;
  }
  unread_ += tcp_->take();
  RtspMessage message;
  for (;;) {
    const Read status = take_message(unread_, message);
    if (status == Read::kNeedMore) return;
    if (status == Read::kGarbage) {
      oddities_.push_back("no RTSP message: " + unread_.substr(0, 60));
      return;
    }
    message.time = host_.timeline().now();
    on_message(message);
  }
}

void RtspClient::on_message(const RtspMessage& message) {
  const auto cseq = message.cseq();
  const auto known = cseq ? exchanges_.find(*cseq) : exchanges_.end();
  if (!message.is_response() || known == exchanges_.end()) {
    oddities_.push_back("nobody asked for: " + message.start_line + " CSeq " + message.header("CSeq"));
    return;
  }
  known->second.answers.push_back(message);
  if (message.status() == 401) identity_.learn(message);
}

bool RtspClient::describe() {
  if (!call("DESCRIBE", "Accept: application/sdp\r\n")) return false;
  const RtspMessage& answer = *this->answer(cseq_);
  base_ = answer.header("Content-Base");
  if (base_.empty()) base_ = url_ + "/";
  if (base_.back() != '/') base_ += '/';
  bool in_media = false;
  for (size_t at = 0; at < answer.body.size();) {
    const size_t end = answer.body.find("\r\n", at);
    const std::string line = answer.body.substr(at, end - at);
    at = end + 2;
    in_media = in_media || line.starts_with("m=");
    if (in_media && line.starts_with("a=control:")) {
      tracks_.emplace_back();
      tracks_.back().control = base_ + line.substr(10);
      tracks_.back().rtp_port =
          static_cast<uint16_t>(options_.first_udp_port + 2 * (tracks_.size() - 1));
    }
  }
  return !tracks_.empty();
}

bool RtspClient::setup_all() {
  for (size_t i = 0; i < tracks_.size(); ++i)
    if (!setup(i)) return false;
  return true;
}

bool RtspClient::setup(size_t index) {
  ClientTrack& t = tracks_[index];
  listen(index);
  if (!call("SETUP",
            fmt::format("Transport: RTP/AVP/UDP;unicast;client_port={}-{}\r\n", t.rtp_port,
                        t.rtp_port + 1),
            t.control))
    return false;
  const RtspMessage& a = *answer(cseq_);
  const std::string id = a.header("Session");
  session_id_ = id.substr(0, id.find(';'));
  const std::string transport = a.header("Transport");
  t.server_rtp =
      static_cast<uint16_t>(std::strtoul(parameter(transport, "server_port").c_str(), nullptr, 10));
  t.server_rtcp = static_cast<uint16_t>(t.server_rtp + 1);
  const std::string ssrc = parameter(transport, "ssrc");
  if (!ssrc.empty()) t.announced_ssrc = static_cast<uint32_t>(std::strtoul(ssrc.c_str(), nullptr, 16));
  punch(t);
  if (index == 0 && options_.report_interval > 0ns)
    host_.timeline().after(options_.report_interval, [this] { report(); });
  return true;
}

void RtspClient::listen(size_t index) {
  const uint16_t rtp_port = tracks_[index].rtp_port;
  host_.bind_udp(rtp_port, [this, index](Endpoint source, Bytes bytes) {
    const auto packet = read_rtp(bytes);
    if (!packet) return host_.violation("malformed RTP");
    tracks_[index].rtp.push_back({host_.timeline().now(), source, *packet});
  });
  host_.bind_udp(static_cast<uint16_t>(rtp_port + 1), [this, index](Endpoint source, Bytes bytes) {
    const auto rtcp = read_rtcp(bytes);
    if (!rtcp) return host_.violation("malformed RTCP");
    tracks_[index].rtcp.push_back({host_.timeline().now(), source, *rtcp});
  });
}

// FFmpeg's ff_rtp_send_punch_packets: an empty RTP packet and an empty receiver report.
void RtspClient::punch(const ClientTrack& t) {
  const Address server = options_.server.address;
  host_.send_udp(t.rtp_port, {server, t.server_rtp}, write_rtp({}));
  host_.send_udp(static_cast<uint16_t>(t.rtp_port + 1), {server, t.server_rtcp}, write_rtcp({}));
}

void RtspClient::report() {
  for (const ClientTrack& t : tracks_) {
    if (t.rtp.empty() || !reporting_) continue;
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
    const Rtcp rtcp{.ssrc = ssrc + 1, .blocks = {block}, .cname = "player"};
    host_.send_udp(static_cast<uint16_t>(t.rtp_port + 1), {options_.server.address, t.server_rtcp},
                   write_rtcp(rtcp));
  }
  host_.timeline().after(options_.report_interval, [this] { report(); });
}

}  // namespace midstream::scenario
