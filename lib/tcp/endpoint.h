// A small TCP that opens actively (RFC 9293): for heartbeats, probes, and the stream
// establishment in a client's name. Bytes and time in, segments out.
//
// Example, sequence numbers relative: open() emits S 0; on "S. 0 ack 1" it emits ". 1 ack 1" and is
// established; send("hello") emits "P. 1 ack 1 hello"; on ". 1 ack 6" all is acknowledged.
//
// It does what such short dialogues need: SYN with options, in-order delivery, immediate ACKs,
// retransmission with back-off (RFC 6298) and on three duplicate ACKs, the peer's window, FIN, RST.
// No Nagle, no slow start (a dialogue is a few hundred bytes), no keep-alive, no SACK blocks, no
// measured round trip: the retransmission timeout starts anew at `initial_rto` with every new ACK.
// RFC 5961: RST only at exactly RCV.NXT; an ACK in answer to our SYN that does not acknowledge it (a
// challenge, or an old connection on the same 4-tuple) is answered with RST at the number it
// names, and the SYN is sent again.
#pragma once

#include <array>
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

  // The payload that `emit` gets points into the send buffer and is valid during the call; `emit`
  // must not call back into the endpoint.
  explicit Endpoint(Emit emit) : emit_(std::move(emit)) {}

  void open(const EndpointOptions& options, Time now);  // also anew, after an end
  void on_segment(const Segment& segment, Time now);    // addresses and ports are the caller's to check
  // Before the connection is established, bytes wait. False if the send buffer (kSendBytes) has no
  // room or nothing can be sent any more; nothing is taken then.
  [[nodiscard]] bool send(Bytes bytes, Time now);
  void close(Time now);     // FIN behind what is queued
  void reset();             // RST now, wherever the peer may still hold the connection
  void poll(Time now);      // timers
  Time next_timer() const;  // Time::max() if none

  Bytes readable() const { return receive_.readable(); }
  void consume(size_t n) { receive_.consume(n); }

  // kClosed without an error: both sides have closed. kClosedByPeer: the peer closed first; its last
  // bytes are readable, and reset() clears its half.
  EndpointState state() const { return state_; }
  EndpointError error() const { return error_; }
  bool established() const { return state_ == EndpointState::kEstablished; }
  bool all_acknowledged() const { return !in_flight() && queued_ == 0; }

  // For the splice that takes this connection over. Valid once established.
  TcpSequence send_next() const { return send_next_; }
  TcpSequence send_unacknowledged() const { return send_unacknowledged_; }
  TcpSequence receive_next() const { return receive_.next_expected() + (peer_finished_ ? 1 : 0); }
  uint16_t peer_window() const { return peer_window_; }  // as on the wire, that is: to be scaled
  std::optional<uint8_t> peer_window_scale() const { return peer_window_scale_; }
  bool peer_sack_permitted() const { return peer_sack_permitted_; }
  bool timestamps_agreed() const { return timestamps_agreed_; }
  TcpTimestamp peer_timestamp() const { return peer_timestamp_; }  // the newest TSval seen
  uint16_t peer_mss() const { return peer_mss_; }

  static constexpr size_t kSendBytes = 16 * 1024;

 private:
  // endpoint_receive.cc
  void on_handshake(const Segment& segment, Time now);
  void agree(const Segment& syn_ack);
  void answer_challenge(const Segment& segment, Time now);
  void on_synchronized(const Segment& segment, Time now);
  bool in_window(const Segment& segment) const;
  bool may_acknowledge(TcpSequence acknowledgement) const;
  void take_acknowledgement(const Segment& segment, Time now);
  void take_window(const Segment& segment, bool current);
  void take_stream(const Segment& segment);
  void settle();
  void finish(EndpointState state, EndpointError error);

  // endpoint_transmit.cc
  void transmit_syn(Time now);
  bool transmit(Time now);
  void retransmit(size_t max_segments);
  void on_retransmission_timeout(Time now);
  void emit_ack() { emit_(header(send_next_)); }
  void emit_stream(TcpSequence sequence, size_t bytes, bool fin);
  Segment header(TcpSequence sequence) const;
  size_t max_payload() const;

  bool waiting() const;
  bool in_flight() const { return send_unacknowledged_ != send_next_; }
  TcpSequence queue_begin() const {
    return state_ == EndpointState::kSynSent ? send_next_ : send_unacknowledged_;
  }
  TcpSequence queue_end() const { return queue_begin() + queued_; }

  Emit emit_;
  EndpointOptions options_;
  EndpointState state_ = EndpointState::kClosed;
  EndpointError error_ = EndpointError::kNone;

  Reassembly receive_;
  std::optional<TcpSequence> peer_fin_;  // where the peer's stream ends, once it has said so
  bool peer_finished_ = false;           // and all before that has arrived

  TcpSequence send_unacknowledged_, send_next_;
  uint32_t send_window_ = 0, max_send_window_ = 0;        // in bytes
  TcpSequence window_sequence_, window_acknowledgement_;  // SND.WL1, SND.WL2
  bool fin_queued_ = false, fin_sent_ = false;
  uint32_t queued_ = 0;  // bytes of queue_, from queue_begin()
  std::array<uint8_t, kSendBytes> queue_;

  Time retransmit_at_ = Time::max();
  Time progress_;  // the last new ACK, or when there began to be something to wait for
  Duration rto_{};
  uint8_t duplicate_acks_ = 0, challenges_ = 0;

  uint16_t peer_window_ = 0, peer_mss_ = 536;
  std::optional<uint8_t> peer_window_scale_;
  bool peer_sack_permitted_ = false, timestamps_agreed_ = false;
  TcpTimestamp peer_timestamp_;
};

}  // namespace midstream::tcp
