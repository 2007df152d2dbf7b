// A small TCP that opens actively (RFC 9293): for heartbeats, probes, and the stream
// establishment in a client's name. Bytes and time in, segments out.
//
// It does what such short dialogues need: SYN with options, in-order delivery, immediate ACKs,
// retransmission with back-off (RFC 6298) and on three duplicate ACKs, the peer's window, FIN, RST.
// No Nagle, no slow start (a dialogue is a few hundred bytes), no keep-alive.
// RFC 5961: RST only at exactly RCV.NXT; an ACK in answer to our SYN that does not acknowledge it (a
// challenge, or an old connection on the same 4-tuple) is answered with RST at the number it
// names, and the SYN is sent again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "lib/base/address.h"
#include "lib/base/time.h"
#include "lib/tcp/reassembly.h"
#include "lib/tcp/segment.h"

namespace midstream::tcp {

struct EndpointOptions {
  uint16_t local_port = 0, remote_port = 0;
  TcpSequence initial_sequence;
  uint16_t mss = 1460;
  uint16_t window = 65535;              // as on the wire in every segment
  std::optional<uint8_t> window_scale;  // offered in the SYN if set
  bool sack_permitted = false;
  std::optional<TcpTimestamp> timestamp_value;  // offered if set; repeated in every segment (legal)
  Duration initial_rto = 100ms;                 // a LAN; doubles up to 3 s
  Duration give_up = 3s;                        // without progress: failed
};

enum class EndpointState : uint8_t { kClosed, kSynSent, kEstablished, kFinSent, kFailed };
enum class EndpointError : uint8_t { kNone, kRefused, kReset, kTimeout, kClosedByPeer };

class Endpoint {
 public:
  using Emit = std::function<void(const Segment&)>;

  explicit Endpoint(Emit emit) : emit_(std::move(emit)) {}

  void open(const EndpointOptions& options, Time now);
  void on_segment(const Segment& segment, Time now);
  // False if the send buffer (kSendBytes) has no room; nothing is taken then.
  [[nodiscard]] bool send(Bytes bytes, Time now);
  void close(Time now);     // FIN behind what is queued
  void reset();             // RST now
  void poll(Time now);      // timers
  Time next_timer() const;  // Time::max() if none

  Bytes readable() const { return receive_.readable(); }
  void consume(size_t n) { receive_.consume(n); }

  EndpointState state() const { return state_; }
  EndpointError error() const { return error_; }
  bool established() const { return state_ == EndpointState::kEstablished; }
  bool all_acknowledged() const { return send_unacknowledged_ == send_next_; }

  // For the splice that takes this connection over. Valid once established.
  TcpSequence send_next() const { return send_next_; }
  TcpSequence send_unacknowledged() const { return send_unacknowledged_; }
  TcpSequence receive_next() const { return receive_.next_expected(); }
  uint16_t peer_window() const { return peer_window_; }  // as on the wire
  std::optional<uint8_t> peer_window_scale() const { return peer_window_scale_; }
  bool peer_sack_permitted() const { return peer_sack_permitted_; }
  bool timestamps_agreed() const { return timestamps_agreed_; }
  TcpTimestamp peer_timestamp() const { return peer_timestamp_; }  // the newest TSval seen
  uint16_t peer_mss() const { return peer_mss_; }

  static constexpr size_t kSendBytes = 16 * 1024;

 private:
  // (the implementer adds members here)
  Emit emit_;
  Reassembly receive_;
  EndpointState state_ = EndpointState::kClosed;
  EndpointError error_ = EndpointError::kNone;
  TcpSequence send_unacknowledged_, send_next_;
  uint16_t peer_window_ = 0, peer_mss_ = 536;
  std::optional<uint8_t> peer_window_scale_;
  bool peer_sack_permitted_ = false, timestamps_agreed_ = false;
  TcpTimestamp peer_timestamp_;
};

}  // namespace midstream::tcp
