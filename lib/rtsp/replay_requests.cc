// The requests of the replay. They speak in the client's name, so no header names us; live555 wants
// exactly one blank behind a colon, and a Session header without its timeout.
#include <charconv>

#include "lib/rtsp/presentation.h"
#include "lib/rtsp/replay.h"

namespace midstream::rtsp {
namespace {

std::string header(std::string_view name, std::string_view value) {
  return std::string(name) + ": " + std::string(value) + "\r\n";
}

std::string print_scale(double scale) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), scale, std::chars_format::fixed);
  return end.ec == std::errc() ? std::string(text.data(), end.ptr) : "1";
}

std::string transport_of(const Stream& stream) {
  const PortPair& numbers = stream.channels ? *stream.channels : stream.client_port;
  return std::string(stream.channels ? "RTP/AVP/TCP;unicast;interleaved="
                                     : "RTP/AVP;unicast;client_port=") +
         std::to_string(numbers.rtp) + '-' + std::to_string(numbers.rtcp);
}

}  // namespace

void Replay::send(Method method, size_t stream, std::string_view uri, std::string_view headers) {
  send(Awaited{0, method, stream, std::string(uri), std::string(headers)});
}

void Replay::send(Awaited request) {
  request.cseq = next_cseq_++;
  output_ += std::string(to_string(request.method)) + ' ' + request.uri + " RTSP/1.0\r\n";
  output_ += header("CSeq", std::to_string(request.cseq)) + request.headers;
  output_ += authorization(request) + "\r\n";
  awaited_.push_back(std::move(request));
}

// The answer to B's challenge; before there is one, what the client would say to any server.
std::string Replay::authorization(const Awaited& request) {
  Authorization value;
  if (authorize(authenticator_, to_string(request.method), request.uri, value))
    return header("Authorization", value.view());
  const std::string_view basic = conversation_->basic.view();
  return basic.empty() ? std::string() : header("Authorization", basic);
}

// False if the 401 stands: nothing to answer it with, or what we answered was refused.
bool Replay::asked_again(const Awaited& refused, const Message& answer) {
  constexpr int kMostTimes = 2;  // the second time only with a nonce that was too old
  if (!learn_challenge(authenticator_, answer)) return false;
  if (refused.refused > 0 && (refused.refused >= kMostTimes || !authenticator_.challenge.stale))
    return false;
  Awaited again = refused;
  ++again.refused;
  send(std::move(again));
  name_step();
  return true;
}

void Replay::send_describe() {
  send(Method::kDescribe, 0, conversation_->describe_url.view(), header("Accept", "application/sdp"));
}

void Replay::send_setup(size_t index) {
  const Stream& stream = conversation_->sessions[session_].streams[index];
  ReplaySession& session = sessions_[session_];
  Url& url = session.streams[index].url;
  if (!media_url(base_.view(), description_, stream.media, url) ||
      !aggregate_url(base_.view(), description_, session.url)) {
    fail(name({0, Method::kSetup, index}) + ": URL too long");
    return;
  }
  std::string headers = header("Transport", transport_of(stream));
  if (!session.id.empty()) headers += header("Session", session.id.view());
  send(Method::kSetup, index, url.view(), headers);
}

void Replay::send_play() {
  const Session& session = conversation_->sessions[session_];
  std::string headers = header("Session", sessions_[session_].id.view());
  if (session.live) {
    headers += header("Range", "npt=now-");
  } else {
    std::string range = "npt=" + print_npt(positions_[session_]) + '-';
    if (session.play_end) range += print_npt(*session.play_end);
    // Exactly there, and what lies before it from the key frame on in one burst (measured with
    // gst-rtsp-server 1.22); others ignore the header.
    headers += header("Range", range);
    if (accurate_) headers += header("Seek-Style", "RAP");
  }
  if (session.scale != 1.0) headers += header("Scale", print_scale(session.scale));
  send(Method::kPlay, 0, sessions_[session_].url.view(), headers);
}

// A request of B during the replay is not the client's to see.
void Replay::answer_request(const Message& request) {
  const bool known = request.method == Method::kOptions || request.method == Method::kGetParameter;
  output_ += known ? "RTSP/1.0 200 OK\r\n" : "RTSP/1.0 501 Not Implemented\r\n";
  if (const Header* cseq = request.find("CSeq")) output_ += header("CSeq", cseq->value);
  output_ += "\r\n";
}

}  // namespace midstream::rtsp
