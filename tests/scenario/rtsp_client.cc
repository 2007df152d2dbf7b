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
  unread_.clear();
  readable_ = true;
  disconnected_ = false;
  tcp_ = &host_.connect(options_.local_port, options_.server, options_.tcp);
  tcp_->on_event([this](TcpEvent event) { on_event(event); });
  return host_.timeline().run_until([this] { return tcp_->established() || tcp_->over(); },
                                    options_.patience) &&
         tcp_->established();
}

void RtspClient::disconnect() {
  disconnected_ = true;
  tcp_->close();
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
  const std::string text = format_request(method, headers, std::move(uri));
  transmit(options_.reports_around_requests ? report_frames() + text + report_frames() : text);
  return cseq_;
}

std::vector<uint32_t> RtspClient::pipeline(const std::vector<std::string>& methods) {
  std::vector<uint32_t> cseqs;
  std::string text;
  for (const std::string& m : methods) {
    if (options_.reports_around_requests) text += report_frames();
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
  read();
}

void RtspClient::read() {
  RtspMessage message;
  InterleavedFrame frame;
  while (readable_) {
    switch (take_element(unread_, message, frame)) {
      case Element::kNeedMore:
        return;
      case Element::kGarbage:
        oddities_.push_back("neither a message nor a frame: " + unread_.substr(0, 60));
        readable_ = false;
        return;
      case Element::kFrame:
        on_frame(frame);
        break;
      case Element::kMessage:
        message.time = host_.timeline().now();
        on_message(message);
        break;
    }
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
  if (!is_interleaved(index)) listen(index);
  if (!call("SETUP", "Transport: " + wanted_transport(index) + "\r\n", t.control)) return false;
  const RtspMessage& a = *answer(cseq_);
  const std::string id = a.header("Session");
  session_id_ = id.substr(0, id.find(';'));
  agree(t, a.header("Transport"));
  if (!t.channels) punch(t);
  if (index == 0 && options_.report_interval > 0ns)
    host_.timeline().after(options_.report_interval, [this] { report(); });
  return true;
}

}  // namespace midstream::scenario
