// A scripted player on a host. Tests drive it in straight lines; what needs an answer is awaited in
// virtual time:
//
//   client.begin();                       // OPTIONS, DESCRIBE, SETUP of every track, PLAY
//   client.await_packets(0, 100);         // of the first track
//   uint32_t cseq = client.request("GET_PARAMETER");
//   client.await(cseq);
//
// Media comes over UDP, or inside the connection (RFC 2326 10.12), as options.interleaved says of each
// stream. It sends punch packets before PLAY and receiver reports in FFmpeg's manner, and records all
// that it gets: responses, RTP, RTCP, what happened to its connection. Its connection's bytes are read
// from the first to the last; what they are beside answers and packets of its streams is an oddity. It
// judges nothing; contract.h does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/scenario/authentication.h"
#include "tests/scenario/host.h"
#include "tests/scenario/interleaved.h"
#include "tests/scenario/rtp_wire.h"
#include "tests/scenario/rtsp_text.h"

namespace midstream::scenario {

struct ClientOptions {
  TcpOptions tcp{.delayed_ack = 40ms};
  uint16_t local_port = 40000;
  uint16_t first_udp_port = 50000;
  Endpoint server;
  std::string host_name;       // in URLs; empty: the server's address
  std::string user, password;  // answers a server's 401; empty: it cannot
  bool cut_requests = false;   // into segments at random places
  // Which streams come inside the connection: of the first, the second, ...; the last entry counts for
  // all that follow, none is UDP.
  std::vector<bool> interleaved;
  uint8_t first_channel = 0;  // that it asks for; every stream has the next two
  // Receiver reports inside the connection stand around every request too, in the same bytes.
  bool reports_around_requests = false;
  Duration report_interval = 1s;
  Duration patience = 5s;  // for an answer
};

struct ReceivedRtp {
  Time time;
  Endpoint source;
  RtpPacket packet;
};
struct ReceivedRtcp {
  Time time;
  Endpoint source;
  Rtcp rtcp;
};
struct ClientTrack {
  std::string control;  // URL
  uint16_t rtp_port = 0;
  uint16_t server_rtp = 0, server_rtcp = 0;
  std::optional<Channels> channels;  // of a stream inside the connection
  std::optional<uint32_t> announced_ssrc;
  std::vector<ReceivedRtp> rtp;
  std::vector<ReceivedRtcp> rtcp;
  size_t malformed = 0;  // frames on its channels that are no RTP, no RTCP
};
struct Exchange {
  std::string method;
  Time asked;
  std::vector<RtspMessage> answers;  // one, if all is well
};

class RtspClient {
 public:
  RtspClient(Host& host, ClientOptions options);

  // --- straight-line steps; false if something failed or took too long ---
  bool connect();
  bool describe();
  bool setup_all();
  bool setup(size_t track);
  bool play(const std::string& range = "npt=0-");
  bool pause() { return call("PAUSE"); }
  bool begin(const std::string& range = "npt=0-");
  bool await(uint32_t cseq);
  bool await_packets(size_t track, size_t count, Duration limit = 10s);

  // Does not wait. `headers` are whole lines. The Session is added once there is one.
  uint32_t request(const std::string& method, const std::string& headers = {}, std::string uri = {});
  // Several in one segment.
  std::vector<uint32_t> pipeline(const std::vector<std::string>& methods);
  void disconnect();
  void know_session(const std::string& id) { session_id_ = id; }  // of an earlier connection

  const RtspMessage* answer(uint32_t cseq) const;  // null if there is none yet
  uint32_t newest_cseq() const { return cseq_; }
  const std::map<uint32_t, Exchange>& exchanges() const { return exchanges_; }
  const std::vector<std::string>& oddities() const { return oddities_; }  // what nobody asked for
  const std::vector<TcpEvent>& connection_events() const { return events_; }
  const std::vector<ClientTrack>& tracks() const { return tracks_; }
  // Bytes that are the beginning of a frame or message whose end has not come.
  const std::string& unread() const { return unread_; }
  void use_session(const std::string& id) { session_id_ = id; }  // of the next requests; empty: none
  const std::string& session_id() const { return session_id_; }
  TcpPeer& tcp() { return *tcp_; }
  Host& host() { return host_; }
  const std::string& url() const { return url_; }
  Endpoint server() const { return options_.server; }  // what it dialled
  void send_reports(bool yes) { reporting_ = yes; }

 private:
  bool call(const std::string& method, const std::string& headers = {}, std::string uri = {});
  std::string format_request(const std::string& method, const std::string& headers, std::string uri);
  void transmit(const std::string& text);
  void on_event(TcpEvent event);
  void read();
  void on_message(const RtspMessage& message);
  // --- rtsp_client_media.cc ---
  bool is_interleaved(size_t track) const;
  std::string wanted_transport(size_t track) const;
  void agree(ClientTrack& track, const std::string& transport);
  void listen(size_t track);
  void punch(const ClientTrack& track);
  void on_frame(const InterleavedFrame& frame);
  void on_rtp(ClientTrack& track, Endpoint source, Bytes bytes);
  void on_rtcp(ClientTrack& track, Endpoint source, Bytes bytes);
  void report();
  Rtcp report_of(const ClientTrack& track);
  std::string report_frames();

  Host& host_;
  ClientOptions options_;
  std::string url_;
  std::string base_;  // of relative URLs, and what PLAY names: Content-Base, if there was one
  TcpPeer* tcp_ = nullptr;
  std::string unread_;
  bool readable_ = true;  // its bytes have parsed so far
  bool disconnected_ = false;
  Identity identity_;
  uint32_t cseq_ = 0;
  std::string session_id_;
  bool reporting_ = true;
  std::map<uint32_t, Exchange> exchanges_;
  std::vector<std::string> oddities_;
  std::vector<TcpEvent> events_;
  std::vector<ClientTrack> tracks_;
};

}  // namespace midstream::scenario
