#include "tests/scenario/rtsp_server.h"

#include <fmt/format.h>

#include <algorithm>

namespace midstream::scenario {

RtspServer::RtspServer(Host& host, ServerOptions options)
    : host_(host),
      options_(std::move(options)),
      movie_(options_.shown ? *options_.shown : make_movie(options_.movie)),
      guard_(options_.authentication, "films of " + host.name()) {
  const Personality& p = options_.personality;
  for (size_t i = 0; i < movie_.tracks.size(); ++i) {
    movie_.tracks[i].control = fmt::format(fmt::runtime(p.control), p.first_control + i);
    movie_.tracks[i].payload_type = static_cast<uint8_t>(p.first_payload_type + i);
  }
  next_rtp_port_ = options_.first_rtp_port;
  // A late SYN-ACK of an earlier attempt on the same 4-tuple is rightly answered with such an RST.
  options_.tcp.strict_resets = false;
  start();
}

void RtspServer::start() {
  answering_ = true;
  next_rtp_port_ = options_.first_rtp_port;
  answer_cut_.reset();
  guard_.expire_nonces();
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

void RtspServer::end_track(size_t track) {
  for (Session& s : sessions_)
    if (s.open) s.sender->end_track(track);
}

void RtspServer::cut_next_frame(size_t track, size_t bytes, std::function<void()> then) {
  sessions_.back().sender->cut_next_frame(track, bytes, [this, then = std::move(then)] {
    answering_ = false;
    then();
  });
}

size_t RtspServer::count(const std::string& method) const {
  size_t n = 0;
  for (const Request& r : requests_) n += r.message.method() == method;
  return n;
}

size_t RtspServer::open_sessions() const {
  return static_cast<size_t>(std::ranges::count(sessions_, true, &Session::open));
}

size_t RtspServer::refusals(Address client) const {
  return static_cast<size_t>(std::ranges::count(refused_, client));
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
  const auto goes_inside = [&](const SenderTrack& t) { return t.connection == &tcp; };
  const bool outlives = options_.personality.sessions_outlive_connections;
  for (Session& s : sessions_)
    if (std::ranges::any_of(s.sender->tracks(), goes_inside) || (s.connection == &tcp && !outlives))
      end(s);
}

void RtspServer::end(Session& session) {
  session.open = false;
  session.sender->stop();
}

void RtspServer::end_when_silent(Session& session) {
  const Time due = session.last_sign + std::chrono::seconds(options_.personality.announced_timeout_s);
  host_.timeline().at(due, [this, &session, due] {
    if (!session.open) return;
    if (session.last_sign + std::chrono::seconds(options_.personality.announced_timeout_s) > due)
      return end_when_silent(session);
    end(session);
  });
}

// Everyone may have the same server ports: the client's tell whose packet it is.
void RtspServer::heard_from(Endpoint client, uint16_t server_port) {
  for (Session& s : sessions_) {
    if (!s.open) continue;
    for (const SenderTrack& t : s.sender->tracks()) {
      const bool report = client == t.client_rtcp && server_port == t.server_rtp + 1;
      const bool media = client == t.client_rtp && server_port == t.server_rtp;
      if (report || (media && options_.personality.any_packet_keeps_alive))
        s.last_sign = host_.timeline().now();
    }
  }
}

void RtspServer::read(size_t connection) {
  Connection& c = connections_[connection];
  c.unread += c.tcp->take();
  RtspMessage message;
  InterleavedFrame frame;
  for (;;) {
    switch (take_element(c.unread, message, frame)) {
      case Element::kNeedMore:
        return;
      case Element::kGarbage:
        host_.violation("neither a message nor a frame: " + c.unread.substr(0, 60));
        c.unread.clear();
        return;
      case Element::kFrame:
        on_frame(connection, frame);
        break;
      case Element::kMessage:
        on_request(connection, message);
        break;
    }
  }
}

void RtspServer::on_request(size_t connection, const RtspMessage& request) {
  Connection& c = connections_[connection];
  requests_.push_back({request, c.tcp->remote()});
  requests_.back().message.time = host_.timeline().now();
  if (request.is_response()) return;
  if (!answering_ || (intercept_ && intercept_(request, *c.tcp))) return;
  const Answer a = answer(connection, request);
  if (a.at_once) a.at_once();
  std::string text =
      fmt::format("RTSP/1.0 {}\r\nCSeq: {}\r\n{}", a.status, request.header("CSeq"), a.headers);
  const std::string& server = options_.personality.server_name;
  if (!server.empty()) text += fmt::format("Server: {}\r\n", server);
  if (!a.body.empty()) text += fmt::format("Content-Length: {}\r\n", a.body.size());
  text += "\r\n" + a.body;
  if (answer_cut_) {
    text.resize(std::min(text.size() - 1, *answer_cut_));
    answering_ = false;
  }
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
  if (!request.cseq()) return {.status = "400 Bad Request", .delay = delay};
  const Endpoint from = connections_[connection].tcp->remote();
  if (const std::string challenge = guard_.refuse(request, from, host_.random()); !challenge.empty()) {
    refused_.push_back(from.address);
    return {.status = "401 Unauthorized", .headers = challenge, .delay = delay};
  }
  const std::string named = request.header("Session");
  Session* session = find(named);
  if (!named.empty() && session == nullptr) return {.status = "454 Session Not Found", .delay = delay};
  if (session != nullptr) session->last_sign = host_.timeline().now();
  if (method == options_.personality.refuses) return {.status = "501 Not Implemented", .delay = delay};
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
  if (session != nullptr && method != "SETUP") a.headers += session_header(*session, method);
  a.delay = std::max(a.delay, delay);
  return a;
}

RtspServer::Session* RtspServer::find(const std::string& header) {
  const bool literally = options_.personality.takes_session_literally;
  const std::string id = literally ? header : header.substr(0, header.find(';'));
  for (Session& s : sessions_)
    if (s.open && s.id == id) return &s;
  return nullptr;
}

}  // namespace midstream::scenario
