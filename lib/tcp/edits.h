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
#include "lib/base/wrapping.h"

namespace midstream::tcp {

// The PLAY answer of a session with 8 streams has 33: url, seq, rtptime and ssrc of each, the Session.
inline constexpr size_t kMaxEdits = 64;
inline constexpr size_t kMaxInsertedBytes =
    1408;  // of one edit: the longest Authorization and its name
inline constexpr size_t kInsertedRoom = 8 * 1024;  // of all: 8 streams with the longest URLs, twice

struct Edit {
  TcpSequence position;  // input space: first byte removed, or before which is inserted
  uint32_t removed = 0;
  uint16_t text = 0, inserted = 0;  // place and size in the list's text
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
  bool has_room(size_t edits, size_t inserted_bytes) const {
    return edits <= free() && inserted_bytes <= kInsertedRoom - text_used_;
  }

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
  Bytes inserted(const Edit& edit) const { return as_bytes({text_.data() + edit.text, edit.inserted}); }

  TcpSequence base_input_, base_output_;  // only their distance counts; they may lie far back
  uint8_t count_ = 0;
  uint16_t text_used_ = 0;
  std::array<Edit, kMaxEdits> edits_;
  std::array<char, kInsertedRoom> text_;  // what is inserted, in the order of the edits, without gaps
};

}  // namespace midstream::tcp
