// A scripted RTSP server on a host: answers what players and the switch ask, plays its movie over UDP
// or inside the connection, and remembers what it was asked and told; all in the manner of its
// personality. Strict where real servers are: a session must be its own (454), CSeq must be there
// (400).
//
// A session ends when its connection closes (if that is the personality's manner, or media goes into
// it), and when the client has given no sign of life for the session's timeout. die(), freeze() and
// thaw() are for the tests.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/authentication.h"
#include "tests/scenario/host.h"
#include "tests/scenario/media_sender.h"
#include "tests/scenario/movie.h"
#include "tests/scenario/personality.h"
#include "tests/scenario/process.h"
#include "tests/scenario/rtsp_text.h"

namespace midstream::scenario {

struct ServerOptions {
  Personality personality;
  Authentication authentication;
  MovieOptions movie;          // made of these options, ...
  std::optional<Movie> shown;  // ... or this one
  TcpOptions tcp;
  uint16_t port = 554;
  uint16_t first_rtp_port = 6970;
  // Else random. Per track; set so that something wraps soon.
  std::vector<uint16_t> first_sequence;
  std::vector<uint32_t> base_timestamp;
};

class RtspServer {
 public:
  struct Session {
    std::string id;
    Address client;
    std::unique_ptr<MediaSender> sender;
    std::string url;
    bool played = false;
    bool open = true;
    const TcpPeer* connection = nullptr;  // that it was set up on
    Time since;                           // when it was set up
    Time last_sign;                       // of the client
  };
  struct Request {
    RtspMessage message;
    Endpoint from;
  };
  struct Report {  // RTCP from a client
    Time time;
    Endpoint from;
    uint16_t port;  // 0: inside the connection, on `channel`
    Rtcp rtcp;
    uint8_t channel = 0;
  };

  RtspServer(Host& host, ServerOptions options);

  void start();                         // (again) listens; nothing of an earlier life is known
  void die(Death how);                  // the process ends
  void shut_down();                     // says BYE, then the process ends
  void end_track(size_t track);         // of every session
  void freeze() { process_.freeze(); }  // the kernel goes on, the process does not
  void thaw() { process_.thaw(); }
  // From now on requests are read and acknowledged but not answered.
  void stop_answering() { answering_ = false; }
  // Of the next answer only its first bytes leave, and of those behind it none.
  void cut_next_answer(size_t bytes) { answer_cut_ = bytes; }
  // Of the next RTP packet inside the connection only the frame's first bytes leave (never all of
  // them), and nothing behind them; then `then` happens: a death, for one.
  void cut_next_frame(size_t track, size_t bytes, std::function<void()> then);
  // Sees every request first. True: it has dealt with it.
  using Intercept = std::function<bool(const RtspMessage& request, TcpPeer& tcp)>;
  void intercept(Intercept intercept) { intercept_ = std::move(intercept); }

  Host& host() { return host_; }
  const Movie& movie() const { return movie_; }
  const Personality& personality() const { return options_.personality; }
  const std::deque<Session>& sessions() const { return sessions_; }
  const Session* newest_session() const { return sessions_.empty() ? nullptr : &sessions_.back(); }
  const std::vector<Request>& requests() const { return requests_; }
  size_t count(const std::string& method) const;  // requests of that method
  size_t open_sessions() const;
  size_t refusals(Address client) const;  // requests answered with 401
  void expire_nonces() { guard_.expire_nonces(); }
  std::string sdp(const RtspMessage& request) const;  // as it answers this DESCRIBE
  const std::vector<Report>& reports() const { return reports_; }
  size_t punches() const { return punches_; }
  size_t stray_frames() const { return stray_frames_; }  // on channels of no stream

 private:
  struct Connection {
    TcpPeer* tcp;
    std::string unread;
    Time free_at;  // answers keep the order of the requests
  };
  struct Answer {
    std::string status = "200 OK";
    std::string headers, body;
    Duration delay{0};
    std::function<void()> at_once, afterwards;  // before and behind the answer
  };

  void on_accept(TcpPeer& tcp);
  void on_event(size_t connection, TcpEvent event);
  void read(size_t connection);
  void on_request(size_t connection, const RtspMessage& request);
  Answer answer(size_t connection, const RtspMessage& request);
  Answer describe(const RtspMessage& request);
  std::string end_of_range() const;
  Answer setup(size_t connection, const RtspMessage& request);
  Answer play(Session& session, const RtspMessage& request);
  Answer pause(Session& session);
  Answer teardown(Session& session);
  std::string session_header(const Session& session, const std::string& method) const;
  std::string own_authority() const;
  std::string range_header(Duration start) const;
  Duration first_presentation(const Track& track, Duration start) const;
  Session& open_session(const TcpPeer& tcp, const std::string& url);
  bool ports_in_use(const Session* session, const SenderTrack& track) const;
  std::string rtp_info(const Session& session, Duration start, bool fresh_seek) const;
  // --- rtsp_server_transport.cc ---
  SenderTrack make_track(size_t index);
  void go_over_udp(SenderTrack& track, Address client, const std::string& transport);
  void go_inside(SenderTrack& track, TcpPeer& tcp, const Channels& channels);
  std::string agreed(const SenderTrack& track, Address client) const;
  bool channel_taken(const TcpPeer& tcp, uint8_t channel) const;
  std::optional<Channels> choose_channels(const TcpPeer& tcp, std::optional<Channels> asked) const;
  void on_frame(size_t connection, const InterleavedFrame& frame);
  Session* find(const std::string& session_header);
  void listen_to_reports(uint16_t rtp_port);
  void end_sessions_of(const TcpPeer& tcp);
  void end(Session& session);
  void end_when_silent(Session& session);
  void heard_from(Endpoint client, uint16_t server_port);

  Host& host_;
  ServerOptions options_;
  Movie movie_;
  Process process_;
  Guard guard_;
  std::vector<Address> refused_;
  bool answering_ = true;
  std::optional<size_t> answer_cut_;
  Intercept intercept_;
  uint64_t life_ = 0;  // what an earlier life had begun is not finished
  std::deque<Connection> connections_;
  std::deque<Session> sessions_;
  std::vector<Request> requests_;
  std::vector<Report> reports_;
  size_t punches_ = 0, stray_frames_ = 0;
  uint16_t next_rtp_port_ = 0;
};

}  // namespace midstream::scenario
