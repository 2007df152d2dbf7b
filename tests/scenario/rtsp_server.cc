#include "tests/scenario/rtsp_server.h"

#include <fmt/format.h>

namespace midstream::scenario {

RtspServer::RtspServer(Host& host, ServerOptions options)
    : host_(host), options_(std::move(options)), movie_(make_movie(options_.movie)) {
  next_rtp_port_ = options_.first_rtp_port;
  // A late SYN-ACK of an earlier attempt on the same 4-tuple is rightly answered with such an RST.
  options_.tcp.strict_resets = false;
  start();
}

void RtspServer::start() {
  answering_ = true;
  host_.listen(options_.port, options_.tcp, [this](TcpPeer& tcp) { on_accept(tcp); });
}

void RtspServer::die(Death how) {
  ++life_;
  process_.forget();
  process_.thaw();
  for (Session& s : sessions_) {
    s.open = false;
    s.sender->stop();
  }
  host_.die(how);
}

void RtspServer::shut_down() {
  for (Session& s : sessions_)
    if (s.open) s.sender->say_bye();
  die(Death::kFin);
}

size_t RtspServer::count(const std::string& method) const {
  size_t n = 0;
  for (const Request& r : requests_) n += r.message.method() == method;
  return n;
}

void RtspServer::on_accept(TcpPeer& tcp) {
  connections_.push_back({&tcp, {}, {}});
  tcp.on_event([this, index = connections_.size() - 1, life = life_](TcpEvent event) {
    process_.run([this, index, life, event] {
      if (life == life_) on_event(index, event);
    });
  });
}

void RtspServer::on_event(size_t connection, TcpEvent event) {
  TcpPeer& tcp = *connections_[connection].tcp;
  if (event == TcpEvent::kData) return read(connection);
  if (event == TcpEvent::kConnected) return;
  if (event == TcpEvent::kPeerClosed) tcp.close();
  end_sessions_of(tcp);
}

void RtspServer::end_sessions_of(const TcpPeer& tcp) {
  for (Session& s : sessions_) {
    if (s.connection != &tcp) continue;
    s.open = false;
    s.sender->stop();
  }
}

void RtspServer::read(size_t connection) {
  Connection& c = connections_[connection];
  c.unread += c.tcp->take();
  RtspMessage message;
  for (Read status = Read::kMessage; status == Read::kMessage;) {
    status = take_message(c.unread, message);
    if (status == Read::kGarbage) {
      host_.violation("no RTSP message: " + c.unread.substr(0, 60));
      c.unread.clear();
    }
    if (status == Read::kMessage) on_request(connection, message);
  }
}

void RtspServer::on_request(size_t connection, const RtspMessage& request) {
  Connection& c = connections_[connection];
  requests_.push_back({request, c.tcp->remote()});
  requests_.back().message.time = host_.timeline().now();
  if (request.is_response()) return;
  if (!answering_) return;
  const Answer a = answer(connection, request);
  std::string text = fmt::format("RTSP/1.0 {}\r\nCSeq: {}\r\n{}Server: {}\r\n", a.status,
                                 request.header("CSeq"), a.headers, options_.personality.server_name);
  if (!a.body.empty()) text += fmt::format("Content-Length: {}\r\n", a.body.size());
  text += "\r\n" + a.body;
  c.free_at = std::max(c.free_at, host_.timeline().now()) + a.delay;
  host_.timeline().at(c.free_at, [this, &c, text, then = a.afterwards, life = life_] {
    process_.run([this, &c, text, then, life] {
      if (life != life_) return;
      c.tcp->send(text);
      if (then) then();
    });
  });
}

RtspServer::Answer RtspServer::answer(size_t connection, const RtspMessage& request) {
  const Duration delay = options_.personality.answer_delay;
  const std::string method = request.method();
  if (!request.cseq()) return {"400 Bad Request", "", "", delay, {}};
  const std::string named = request.header("Session");
  Session* session = find(named);
  if (!named.empty() && session == nullptr) return {"454 Session Not Found", "", "", delay, {}};
  Answer a;
  if (method == "DESCRIBE") {
    a = describe(request);
  } else if (method == "SETUP") {
    a = setup(connection, request);
  } else if (method == "OPTIONS" || method == "GET_PARAMETER" || method == "SET_PARAMETER") {
    if (method == "OPTIONS")
      a.headers =
          "Public: OPTIONS, DESCRIBE, GET_PARAMETER, PAUSE, PLAY, SETUP, SET_PARAMETER, TEARDOWN\r\n";
  } else if (session == nullptr) {
    a.status = "454 Session Not Found";
  } else if (method == "PLAY") {
    a = play(*session, request);
  } else if (method == "PAUSE") {
    a = pause(*session);
  } else if (method == "TEARDOWN") {
    a = teardown(*session);
  } else {
    a.status = "501 Not Implemented";
  }
  if (session != nullptr) a.headers += "Session: " + session->id + "\r\n";
  a.delay = std::max(a.delay, delay);
  return a;
}

RtspServer::Session* RtspServer::find(const std::string& header) {
  for (Session& s : sessions_)
    if (s.open && s.id == header.substr(0, header.find(';'))) return &s;
  return nullptr;
}

}  // namespace midstream::scenario
