// Edits of one direction of a TCP byte stream: replacements that may change its length.
//
// Input is the sender's sequence space, output the receiver's. Between edits both run in parallel;
// each edit {position, removed, inserted} shifts all that follows by inserted - removed. Example:
// base 1000 -> 5000; edit at 1010 replaces 8 bytes by 16: input 1010 -> output 5010, the inside
// 1011..1018 -> 5026 (the end of what was inserted), 1020 -> 5028. A segment [1000, 1014) comes out
// as 10 bytes, then all 16 inserted ones; [1014, 1030) as the bytes from 1018 on. However the
// sender cuts its retransmissions, the output bytes are the same.
//
// Edits stay until the receiver has acknowledged them; then their shift is folded into the base.
#pragma once

#include <array>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/fixed_string.h"
#include "lib/base/wrapping.h"

namespace midstream::tcp {

inline constexpr size_t kMaxEdits = 24;           // a PLAY answer has a handful; several in flight
inline constexpr size_t kMaxInsertedBytes = 256;  // one URL or header value

struct Edit {
  TcpSequence position;  // input space: first byte removed, or before which is inserted
  uint32_t removed = 0;
  FixedString<kMaxInsertedBytes> inserted;
};

class EditList {
 public:
  // input `from` is output `to`, no edits.
  void reset(TcpSequence from, TcpSequence to);

  // Edits come in rising order and do not overlap; they may be adjacent. False if that is not so,
  // the list is full or the text too long; nothing has changed then. The removed bytes must have
  // been seen: an acknowledgement may cover them at once.
  [[nodiscard]] bool add(TcpSequence position, uint32_t removed, std::string_view inserted);
  size_t free() const { return kMaxEdits - count_; }

  TcpSequence to_output(TcpSequence input) const;
  // An output position inside an insertion maps to the edit's first input byte: the sender must
  // not think acknowledged what is not wholly delivered. The end of an insertion maps behind the
  // removed bytes; so does the place of a pure removal, or nobody would ever acknowledge them.
  TcpSequence to_input(TcpSequence output) const;
  // The same for the left edge of a SACK block, where not claiming too much means rounding up: a
  // position inside an insertion maps behind the removed bytes.
  TcpSequence to_input_left_edge(TcpSequence output) const;

  // Writes the output of input [sequence, sequence + bytes.size()) to `out`, returns its size, or
  // SIZE_MAX if `out` is too small. Its first byte's place is output_begin(sequence), its end
  // to_output(sequence + bytes.size()): what is inserted leaves with the byte at its position.
  size_t apply(TcpSequence sequence, Bytes bytes, MutableBytes out) const;
  TcpSequence output_begin(TcpSequence sequence) const { return to_output(sequence); }

  // Folds the edits whose whole insertion lies below `output_acknowledged` into the base. Input
  // below the new base then maps with the base's own offset: it comes out below what the receiver
  // has acknowledged, and the receiver throws it away unread.
  void acknowledge(TcpSequence output_acknowledged);

 private:
  // Where `output` lies, and in which edit if it is strictly inside an insertion.
  struct Place {
    TcpSequence input;
    const Edit* inside;
  };
  Place locate(TcpSequence output) const;

  TcpSequence base_input_, base_output_;  // only their distance counts; they may lie far back
  uint8_t count_ = 0;
  std::array<Edit, kMaxEdits> edits_;
};

}  // namespace midstream::tcp
