// Clients and servers of a storm, as lean as they can be: canned answers on raw segments, no state but
// what a segment brings along. Who gets a request answers at the number that it acknowledges; who gets
// an answer sends its next request likewise. What is lost is repeated by the switch alone, and answered
// again.
//
// Session i is the client 10.64.0.1 + i, behind one router, with two streams over UDP. Server a plays
// packets 0 to 5 of each and dies with its process; server b, asked to play, sends packets 2 to 6 at
// once and one more every 20 ms until the client has got a new one.
#pragma once

#include <string>
#include <vector>

#include "lib/net/packet.h"
#include "lib/tcp/segment.h"
#include "tests/bench/measured_switch.h"

namespace midstream::bench {

inline constexpr size_t kStreams = 2;

// A packet of a stream, as its server sends it; returns the frame's size.
size_t rtp_frame(MutableBytes frame, size_t server, size_t session, size_t stream, uint32_t packet,
                 size_t payload_bytes);

class Peers {
 public:
  Peers(MeasuredSwitch& dut, size_t sessions);

  void find_servers();  // until the heartbeats have
  void open_all(size_t sessions);
  void play_all(size_t sessions);
  void sign_all(size_t sessions);
  void open(size_t session);  // its client's SYN; SETUP of both streams follows
  void play(size_t session);
  void send_from_a(uint32_t packet);  // of every stream
  void kill_a();                      // its process: connections are reset, new ones refused
  void reset_by_a(size_t session);    // a session's alone
  void sign(size_t session);          // an acknowledgement of its client, of nothing new
  void run();                         // whoever has got something from the switch answers it

  unsigned beats() const { return beats_sent_; }  // answers to heartbeats
  size_t opened() const { return opened_; }
  size_t playing() const { return playing_; }
  size_t moved() const { return moved_; }  // sessions with a new packet of b on every stream
  const std::vector<Duration>& moved_after() const { return moved_after_; }  // of each, in that order
  size_t told() const { return told_; }  // clients whose connection was reset
  size_t lost() const { return lost_; }  // frames that the switch's port had no room for
  Duration cpu_time() const { return cpu_time_; }

 private:
  struct Session {
    uint32_t sequence = 0, acknowledgement = 0;  // of the client's next segment
    uint8_t step = 0;                            // answers that the client has got
    uint8_t streams_moved = 0;                   // bits
    uint32_t next_packet = 0;                    // of b
    Time next_sent{};
  };
  struct Beat {  // the heartbeat's connection with a server
    Endpoint device;
    uint32_t sequence = 0;  // the server's next
  };

  template <typename Begin, typename Count>
  void in_waves(size_t sessions, Begin begin, Count count);
  void to_client(Bytes frame);
  void to_server(Bytes frame);
  void client_hears(size_t session, const tcp::Segment& segment);
  void client_says(size_t session, std::string_view text);
  void server_hears(size_t server, const net::Packet& packet, const tcp::Segment& segment);
  std::string answer(size_t server, size_t session, std::string_view request) const;
  void answer_neighbour(Bytes frame, const net::Packet& packet);
  void send_rtp(size_t server, size_t session, size_t stream, uint32_t packet);
  void start_b(size_t session);
  void go_on_with_b();
  void send_tcp(size_t server, const Endpoint& to, const MacAddress& mac, tcp::Segment segment,
                std::string_view text);
  void send(Side side, Bytes frame);

  MeasuredSwitch& dut_;
  std::vector<Session> sessions_;
  std::vector<size_t> waiting_;  // sessions that b plays and whose client waits
  std::vector<Duration> moved_after_;
  size_t opened_ = 0, playing_ = 0, moved_ = 0, told_ = 0, lost_ = 0;
  bool a_lives_ = true;
  Time killed_{};
  Beat beats_[2];
  unsigned beats_sent_ = 0;
  Duration cpu_time_{};
  CpuClock clock_;
};

}  // namespace midstream::bench
