// A TCP of the tests' own (nothing shared with the product but the wire format), that is strict.
//
// It opens actively or passively, offers MSS, window scale, SACK and timestamps, acknowledges at once
// or delayed, retransmits, and generates SACK. And it watches the other side. Violations are: a wrong
// checksum (found by the host), data beyond the window, a retransmission whose bytes differ, a
// missing or backward timestamp, an echo of a timestamp never sent, an acknowledgement or SACK of what
// was never sent, a segment larger than the MSS, an RST that is not at RCV.NXT.
//
// Positions are 64-bit offsets: 0 is the first byte of data, so the SYN is at -1.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "lib/base/address.h"
#include "lib/base/random.h"
#include "lib/tcp/segment.h"
#include "tests/scenario/timeline.h"

namespace midstream::scenario {

struct TcpOptions {
  uint16_t mss = 1460;
  std::optional<uint8_t> window_scale = 7;
  bool sack = true;
  bool timestamps = true;
  uint32_t receive_window = 64 * 1024;
  Duration delayed_ack{0};                    // Linux: 40 ms; every second segment at once
  Duration retransmission_timeout = 200ms;    // Linux's minimum; doubles
  std::optional<uint32_t> initial_sequence;   // else random
  std::optional<uint32_t> initial_timestamp;  // else random; counts milliseconds
  bool recut_retransmissions = false;         // retransmit in pieces other than the first time
  bool network_reorders = false;              // old timestamps are then nobody's fault
  bool strict_resets = true;                  // an RST elsewhere than at RCV.NXT is a violation
  bool joins_writes = false;  // segments end where they are full, not where a send() ended
};

enum class TcpEvent { kConnected, kData, kPeerClosed, kReset, kRefused, kTimedOut };

class TcpPeer {
 public:
  static constexpr int kMostBackoff = 5;  // doublings of the retransmission timeout

  struct Wiring {
    Timeline& timeline;
    Random& random;
    std::function<void(const tcp::Segment&)> send;
    std::function<void(const std::string&)> violation;
  };

  TcpPeer(Wiring wiring, uint16_t local_port, Endpoint remote, const TcpOptions& options);

  void open();
  void accept(const tcp::Segment& syn);
  void on_segment(const tcp::Segment& segment, size_t header_bytes);

  // One segment per call as long as it fits the MSS and the window.
  void send(std::string_view bytes);
  void close();    // FIN behind what is queued
  void abort();    // RST
  void abandon();  // the process is gone: data that still comes is answered with RST
  // Another buffer, all at once: the window may shrink, which a kernel does not do.
  void set_receive_window(uint32_t bytes);
  // The application stops reading: the window closes as its buffer fills. It reads on: all that has
  // come is data now, and the window is told.
  void stop_reading() { reading_ = false; }
  void read_on();
  void probe();  // a keep-alive of the kernel: the byte before the next
  size_t pure_acknowledgements() const { return pure_acknowledgements_; }
  std::string take();  // what has arrived in order and was not yet taken

  void on_event(std::function<void(TcpEvent)> handler) { handler_ = std::move(handler); }

  bool established() const { return established_ && !over_; }
  bool over() const { return over_; }  // reset, refused, or closed by both sides
  bool peer_closed() const { return fin_received_; }
  bool all_acknowledged() const { return unacknowledged_ == end_of_data(); }
  const std::string& sent() const { return sent_; }  // or to be sent
  int64_t bytes_received() const { return static_cast<int64_t>(received_.size()); }
  int64_t bytes_acknowledged() const { return unacknowledged_; }
  size_t bytes_unacknowledged() const;  // of data, sent or not: what a socket's send buffer holds
  const std::string& stream() const { return received_; }
  bool holds_bytes_behind_a_hole() const { return !early_.empty(); }
  bool says_what_it_holds() const { return sack_; }
  Endpoint remote() const { return remote_; }
  uint16_t local_port() const { return local_port_; }
  bool timestamps_agreed() const { return timestamps_; }
  bool sack_agreed() const { return sack_; }
  size_t retransmissions() const { return retransmissions_; }

 private:
  // --- tcp_peer.cc: what arrives ---
  void on_handshake(const tcp::Segment& s);
  bool acceptable(const tcp::Segment& s, int64_t begin);
  bool timestamp_holds(const tcp::Segment& s, int64_t begin);
  void on_reset(int64_t begin);
  bool on_acknowledgement(const tcp::Segment& s, int64_t begin);
  void check_sack(const tcp::Segment& s);
  void on_data(const tcp::Segment& s, int64_t begin);
  void store(int64_t begin, std::string bytes);
  void agree(const tcp::Segment& syn);
  void finish(TcpEvent event);
  void tell(TcpEvent event);
  void violation(const std::string& text) { wiring_.violation(text); }

  // --- tcp_peer_send.cc: what leaves ---
  void flush();
  void transmit(int64_t begin, int64_t end);  // data and, at its place, the FIN
  void send_ack();
  void acknowledge(bool at_once);
  tcp::Segment header(int64_t position, bool ack);
  void add_sack(tcp::Segment& s) const;
  void retransmit();
  void arm();
  void disarm();
  size_t largest_payload() const;
  uint32_t window() const;

  int64_t end_of_data() const { return static_cast<int64_t>(sent_.size()) + (fin_queued_ ? 1 : 0); }
  int64_t receive_next() const {
    return static_cast<int64_t>(received_.size()) + (fin_received_ ? 1 : 0);
  }
  TcpSequence receive_sequence() const { return remote_first_ + receive_next(); }
  int64_t received_offset(TcpSequence s) const { return receive_next() + (s - receive_sequence()); }
  int64_t sent_offset(TcpSequence s) const {
    return unacknowledged_ + (s - (local_first_ + unacknowledged_));
  }
  uint32_t clock() const;

  Wiring wiring_;
  uint16_t local_port_;
  Endpoint remote_;
  TcpOptions options_;
  std::function<void(TcpEvent)> handler_;

  bool remote_known_ = false, established_ = false, over_ = false, abandoned_ = false;
  bool fin_queued_ = false, fin_received_ = false;
  bool timestamps_ = false, sack_ = false;
  bool scales_ = false;  // both sides have said that they can; by 2^0, too
  uint8_t send_scale_ = 0, receive_scale_ = 0;
  uint16_t peer_mss_ = 536;

  TcpSequence local_first_, remote_first_;  // of byte 0
  std::string sent_, received_;
  size_t taken_ = 0;
  bool reading_ = true;
  std::set<int64_t> boundaries_;          // where one send() ended
  std::map<int64_t, std::string> early_;  // behind holes
  std::optional<int64_t> early_fin_;
  int64_t unacknowledged_ = -1, next_ = -1, highest_ = -1;
  int64_t recover_ = -1;         // what was sent when a retransmission began
  int64_t window_edge_ = 0;      // the farthest that we may send to
  int64_t advertised_edge_ = 0;  // the farthest that we allowed
  TcpSequence window_update_sequence_;
  int64_t last_sack_ = -1;  // start of the newest early block

  TcpTimestamp first_timestamp_, recent_;
  int64_t last_ack_sent_ = 0;
  int duplicate_acks_ = 0, timeouts_ = 0, unacknowledged_segments_ = 0;
  size_t retransmissions_ = 0, pure_acknowledgements_ = 0;
  std::optional<Timeline::Key> timer_, ack_timer_;
};

}  // namespace midstream::scenario
