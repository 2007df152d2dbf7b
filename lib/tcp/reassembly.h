// Puts one direction of a TCP connection back in order, within bounded memory. Flat: no pointers.
//
// Bytes that lie in order are readable() from next_read(); what arrives early waits in the same
// buffer at its place. First copy wins on overlap (what the endpoint accepted cannot change).
// Beyond the buffer or the number of holes, bytes are dropped and the sender will repeat them;
// nothing else is lost.
#pragma once

#include <array>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream::tcp {

inline constexpr size_t kReassemblyBytes = 16 * 1024;  // the largest RTSP message we follow
inline constexpr size_t kReassemblyRanges = 16;        // islands behind holes

class Reassembly {
 public:
  // `first` is the sequence number of the first byte to come (ISN + 1).
  void reset(TcpSequence first);

  // How many of the bytes were new and kept (0 for a pure retransmission).
  size_t insert(TcpSequence sequence, Bytes bytes);

  Bytes readable() const;             // in order, not yet consumed; contiguous in memory
  TcpSequence next_read() const;      // sequence number of readable()[0]
  TcpSequence next_expected() const;  // the first byte that has not arrived (RCV.NXT)
  void consume(size_t n);             // n <= readable().size()
  bool empty() const { return in_order_ == 0 && range_count_ == 0; }  // nor anything behind a hole
  // What is held, readable or behind holes: calls f(sequence number, bytes) for each part.
  template <typename F>
  void for_each_part(F f) const {
    if (in_order_ > 0) f(start_, Bytes(buffer_).first(in_order_));
    for (uint8_t i = 0; i < range_count_; ++i)
      f(start_ + ranges_[i].begin,
        Bytes(buffer_).subspan(ranges_[i].begin, ranges_[i].end - ranges_[i].begin));
  }
  bool full() const;  // readable() fills the buffer: no message can be that long

  // Forgets what is buffered and goes on at `sequence`.
  void skip_to(TcpSequence sequence);
  // Drops out-of-order data and readable bytes beyond `sequence` (they will come again).
  void truncate(TcpSequence sequence);

 private:
  struct Range {
    uint32_t begin, end;  // offsets from start_
  };

  bool has_room_for(Range range) const;
  size_t fill_gaps(Range range, Bytes bytes);
  Range absorb(Range range);
  void add_range(Range range);

  TcpSequence start_;        // sequence number of buffer_[0]
  uint32_t in_order_ = 0;    // bytes of buffer_ that are readable
  uint8_t range_count_ = 0;  // islands: rising, apart from each other, behind the in-order part
  std::array<Range, kReassemblyRanges> ranges_;
  std::array<uint8_t, kReassemblyBytes> buffer_;
};

}  // namespace midstream::tcp
