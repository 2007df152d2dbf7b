// Bytes that the switch has put into one direction of a connection and that the receiver has not yet
// acknowledged, in the receiver's sequence space. Flat, bounded.
//
// Below `origin_end` the switch is the sender: nobody else can repeat these bytes, so it does until
// they are acknowledged: on timeout (RFC 6298, doubling) and on three duplicate acknowledgements,
// within a congestion window (RFC 5681; partial acknowledgements as in RFC 6582).
// Above it the peer at the other end repeats them itself; they are kept because that peer may die.
// A FIN may stand behind them, the switch's own too.
// Example: A sent 300 bytes that the client has not acknowledged, then died: origin_end is their end
// and the switch delivers them. B's answers are appended behind it and are B's own to repeat.
//
// Where media flows inside the connection, others keep the bytes (the packet buffers that they came
// in), and only the newest text is here until it is taken there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/time.h"
#include "lib/base/wrapping.h"

namespace midstream::tcp {

inline constexpr size_t kCustodyBytes = 16 * 1024;  // answers of a control connection in flight
inline constexpr Duration kOriginRto = 200ms;       // Linux's least, what peers are used to
inline constexpr Duration kOriginRtoMax = 3s;
inline constexpr Duration kOriginGiveUp = 100s;  // without a sign of the receiver; R2 of RFC 9293 3.8.3
inline constexpr uint8_t kDuplicatesToRepeat = 3;                // RFC 5681 3.2
inline constexpr uint32_t kOriginSegment = 1460;                 // what congestion is counted in
inline constexpr uint32_t kInitialWindow = 10 * kOriginSegment;  // RFC 6928 2
inline constexpr uint32_t kMaxWindow = 1 << 24;                  // larger ones change nothing

class Custody {
 public:
  void reset(TcpSequence begin);

  // False if there is no room: the bytes are not kept, and a failover cannot deliver them.
  [[nodiscard]] bool append(Bytes bytes);
  // The sender is gone: all that is held is the switch's to send, from the beginning.
  void become_origin(Time now);
  // As append, and the switch is the sender of all that is held.
  [[nodiscard]] bool originate(Bytes bytes, Time now);
  void originate_held(Time now);
  // The stream ends with what is held: a FIN at end(), to be delivered like the bytes.
  void originate_fin(Time now);

  // Bytes that others keep: the newest text is handed over; more comes without being kept here.
  Bytes text() const { return Bytes(bytes_).first(text_); }  // the last of what is held
  void text_taken() { text_ = 0; }
  void extend(uint32_t bytes) { size_ += bytes; }  // no text may be left here

  // True if this acknowledgement calls for a retransmission now: the third duplicate, or a partial one
  // after it. send_from() then is where it begins.
  bool acknowledge(TcpSequence acknowledgement, bool duplicate, Time now);

  TcpSequence begin() const { return begin_; }
  TcpSequence end() const { return begin_ + size_; }
  TcpSequence origin_end() const { return origin_end_; }
  bool origin_outstanding() const { return begin_ < origin_end_; }
  bool fin_outstanding() const { return fin_ && origin_outstanding(); }
  bool fin_acknowledged() const { return fin_ && !origin_outstanding(); }

  // What the switch has to send now, if the receiver has room up to `edge`: [begin, end) of the bytes.
  struct Span {
    TcpSequence begin, end;
  };
  std::optional<Span> lost() const;  // one segment, until it is sent
  Span unsent(TcpSequence edge) const;
  // All bytes of which the switch is the sender, without the FIN.
  TcpSequence origin_bytes_end() const { return earlier(origin_end_, end()); }
  bool all_sent() const { return sent_ >= origin_bytes_end(); }
  void note_sent(TcpSequence begin, TcpSequence end);
  void send_again() { sent_ = begin_; }
  bool fin_unsent() const { return fin_outstanding() && sent_ == end(); }
  void shorten(TcpSequence end) { size_ = static_cast<uint32_t>(end - begin_); }  // no text may be left

  // Retransmission timer; Time::max() if nothing is outstanding.
  Time deadline() const { return origin_outstanding() ? deadline_ : Time::max(); }
  void on_timeout(Time now);
  // The receiver has said nothing for longer than TCP waits. One with a shut window does answer.
  bool given_up(Time now) const { return origin_outstanding() && now - heard_ >= kOriginGiveUp; }

 private:
  TcpSequence begin_, origin_end_, sent_;
  TcpSequence recover_;  // RFC 6582 3.2: what had been sent when a loss was noticed
  uint32_t size_ = 0, text_ = 0;
  uint32_t window_ = kInitialWindow, threshold_ = UINT32_MAX;  // congestion, in bytes
  uint8_t duplicates_ = 0;
  bool recovering_ = false, lost_ = false;
  bool fin_ = false;
  Duration rto_ = kOriginRto;
  Time deadline_{}, heard_{};
  std::array<uint8_t, kCustodyBytes> bytes_;
};

}  // namespace midstream::tcp
