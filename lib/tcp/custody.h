// Bytes that the switch has put into one direction of a connection and that the receiver has not yet
// acknowledged, in the receiver's sequence space. Flat, bounded.
//
// Below `origin_end` the switch is the sender: nobody else can repeat these bytes, so it does, on
// timeout (RFC 6298, doubling) and on three duplicate acknowledgements, until they are acknowledged.
// Above it the peer at the other end repeats them itself; they are kept because that peer may die.
// A FIN may stand behind them, the switch's own too.
// Example: A sent 300 bytes that the client has not acknowledged, then died: origin_end is their end
// and the switch delivers them. B's answers are appended behind it and are B's own to repeat.
#pragma once

#include <array>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/time.h"
#include "lib/base/wrapping.h"

namespace midstream::tcp {

inline constexpr size_t kCustodyBytes = 16 * 1024;  // answers of a control connection in flight
inline constexpr Duration kOriginRto = 200ms;       // Linux's least, what peers are used to
inline constexpr Duration kOriginRtoMax = 3s;
inline constexpr Duration kOriginGiveUp = 100s;  // without a sign of the receiver; R2 of RFC 9293 3.8.3
inline constexpr uint8_t kDuplicatesToRepeat = 3;  // RFC 5681 3.2

class Custody {
 public:
  void reset(TcpSequence begin);

  // False if there is no room: the bytes are not kept, and a failover cannot deliver them.
  [[nodiscard]] bool append(Bytes bytes);
  // All that is held now becomes the switch's own to send.
  void become_origin(Time now);
  // As append, and the switch is the sender of them.
  [[nodiscard]] bool originate(Bytes bytes, Time now);
  // The stream ends with what is held: a FIN at end(), to be delivered like the bytes.
  void originate_fin(Time now);

  // True if this acknowledgement calls for a retransmission now (third duplicate).
  bool acknowledge(TcpSequence acknowledgement, bool duplicate, Time now);

  TcpSequence begin() const { return begin_; }
  TcpSequence end() const { return begin_ + size_; }
  TcpSequence origin_end() const { return origin_end_; }
  bool origin_outstanding() const { return begin_ < origin_end_; }
  // What the switch must send or repeat: [begin, origin_end), and behind it a FIN if there is one.
  Bytes origin() const;
  bool fin_outstanding() const { return fin_ && origin_outstanding(); }
  bool fin_acknowledged() const { return fin_ && !origin_outstanding(); }

  // How far it has been sent. All of that acknowledged and more to send: the window had no room for it.
  void note_sent(TcpSequence end) { sent_ = later(sent_, end); }
  bool waits_for_room() const { return !origin().empty() && begin_ >= sent_; }

  // Retransmission timer; Time::max() if nothing is outstanding.
  Time deadline() const { return origin_outstanding() ? deadline_ : Time::max(); }
  void on_timeout(Time now);
  // The receiver has said nothing for longer than TCP waits. One with a shut window does answer.
  bool given_up(Time now) const { return origin_outstanding() && now - heard_ >= kOriginGiveUp; }

 private:
  TcpSequence begin_, origin_end_, sent_;
  uint32_t size_ = 0;
  uint8_t duplicates_ = 0;
  bool fin_ = false;
  Duration rto_ = kOriginRto;
  Time deadline_{}, heard_{};
  std::array<uint8_t, kCustodyBytes> bytes_;
};

}  // namespace midstream::tcp
