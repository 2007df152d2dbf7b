// One attempt to lead one server to where a connection's sessions were (seed: stream establishment):
// a TCP connection in the client's name, the RTSP replay on it, and at the end the two halves joined.
//
// While it runs, control owns the connection. Example, times from the event on: SYN 0 ms, DESCRIBE
// 0.3 ms, SETUP 12 ms, SETUP 14 ms, PLAY 15 ms, its answer 22 ms: done.
#pragma once

#include <array>
#include <string>

#include "control/network.h"
#include "control/owed_teardown.h"
#include "dataplane/connection.h"
#include "lib/rtsp/replay.h"
#include "lib/tcp/endpoint.h"

namespace midstream {

class StreamEstablishment {
 public:
  using Positions = std::array<Npt, rtsp::kMaxSessions>;

  StreamEstablishment(Connection& connection, size_t server, const Endpoint& endpoint,
                      const Positions& positions, Network& network, Mailboxes& mailbox, Random& random,
                      bool accurate, const rtsp::Credentials& credentials, Time now);

  void on_segment(const tcp::Segment& segment, Time now);
  void poll(Time now);
  Time next_timer() const;  // when poll() has something to do, if nothing comes before
  const Endpoint& remote() const { return remote_; }
  void cancel();  // resets the half-made connection

  enum class State : uint8_t { kRunning, kDone, kFailed };
  State state() const { return state_; }
  const std::string& failure() const { return failure_; }
  std::string step() const;  // what is awaited
  std::vector<OwedTeardowns::Session> sessions_made() const;
  bool seek_unanswered() const { return seek_unanswered_; }  // it got as far as PLAY and fell silent
  size_t server() const { return server_; }
  Time done_at() const { return done_at_; }

  // After kDone: writes the splice and the new server's words into the connection and its streams.
  // False if what the old server left behind cannot be carried over; failure() says why.
  bool hand_back(std::span<StreamState> streams, Time now);

 private:
  void emit(const tcp::Segment& segment);
  void post_expectations();
  void send_output(Time now);
  void fail(std::string why);

  bool take_frames();
  Duration answer_limit() const;

  // half_answer.cc
  std::string in_server_words(Bytes raw) const;
  bool ask_again(Time now);
  void take_half_answer(const rtsp::Message& message, Bytes raw);
  bool join_half_answer();

  // hand_back.cc
  void forget_client();
  void fill_words();
  void fill_media_words();
  void join_options();
  bool join_client_bytes();
  bool join_server_bytes(Time now);
  void prepare_streams(std::span<StreamState> streams, Time now);
  void prepare_live(StreamState& stream, const rtsp::Session& session, size_t index,
                    const rtsp::ReplaySession& other);

  Connection& connection_;
  size_t server_;
  Endpoint remote_;
  Positions positions_;
  Network& network_;
  Mailboxes& mailbox_;
  tcp::Endpoint endpoint_;
  rtsp::Replay replay_;
  State state_ = State::kRunning;
  std::string failure_;
  TcpHalf old_half_;       // the old server's, while joining
  bool answered_ = false;  // PLAY was; what we sent may still be unacknowledged
  bool seek_unanswered_ = false;
  std::optional<uint8_t> half_request_;  // index: what the old server left half answered
  std::string half_answer_;              // the rest of that answer
  std::string inside_;                   // frames of media that came between the answers
  size_t frame_left_ = 0;                // of the newest of them: bytes to come
  Time progressed_, done_at_{};
  std::array<bool, rtsp::kMaxSessions> media_expected_{};
};

}  // namespace midstream
