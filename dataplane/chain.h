// A stretch of a TCP byte stream, held in the packet buffers that it came in: pieces by sequence
// number, rising, without overlap; holes are possible. Nothing is copied: a piece holds a reference to
// its buffer, and whoever may change the bytes may do so in place. Bounded by its owner. Example:
// segments [1000, 2460) and [3920, 5380) are two pieces with a hole; [2460, 3920) fills it, and
// end_from(1000) is 5380. The first copy of a byte wins, as at the endpoint that got it.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"

namespace midstream {

class Chain {
 public:
  Chain() = default;
  ~Chain() { clear(); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // `bytes` lie in the buffer; takes references for what was not held yet, none if
  // that is nothing. Returns how many bytes were new.
  uint32_t add(TcpSequence sequence, rte_mbuf* buffer, MutableBytes bytes);
  // Moves [begin, end), which must be held, to the end of `other`, where it is `place` and on.
  void move_to(Chain& other, TcpSequence begin, TcpSequence end, TcpSequence place);
  void drop_before(TcpSequence sequence);
  void drop_from(TcpSequence sequence);
  void clear();

  // The first byte from `sequence` on that is not held.
  TcpSequence end_from(TcpSequence sequence) const;
  // What lies in one run of memory from `sequence` on; empty if that byte is not held.
  MutableBytes at(TcpSequence sequence) const;
  // As many bytes in order as there are, at most as fit; returns how many.
  size_t read(TcpSequence sequence, MutableBytes out) const;
  void write(TcpSequence sequence, Bytes bytes);  // over bytes that are held

  size_t pieces() const { return pieces_.size() - first_; }
  size_t bytes() const { return bytes_; }
  bool empty() const { return pieces() == 0; }
  // The one buffer whose bytes [sequence, sequence + length) are; nullptr if there are several.
  rte_mbuf* buffer_of(TcpSequence sequence, uint32_t length) const;

 private:
  struct Piece {
    TcpSequence begin;
    uint32_t length;
    uint8_t* data;
    rte_mbuf* buffer;
    TcpSequence end() const { return begin + length; }
  };

  size_t find(TcpSequence sequence) const;  // the first piece that ends behind it
  void insert(size_t index, const Piece& piece);
  void release(Piece& piece);

  std::vector<Piece> pieces_;  // from first_ on
  size_t first_ = 0;
  size_t bytes_ = 0;
};

}  // namespace midstream
