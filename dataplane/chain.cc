#include "dataplane/chain.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace midstream {
namespace {

constexpr size_t kCompactAt = 64;  // pieces that are gone before the rest moves up

}  // namespace

size_t Chain::find(TcpSequence sequence) const {
  const auto begin = pieces_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto ended = [sequence](const Piece& piece) { return piece.end() <= sequence; };
  return static_cast<size_t>(std::partition_point(begin, pieces_.end(), ended) - pieces_.begin());
}

void Chain::insert(size_t index, const Piece& piece) {
  if (first_ >= kCompactAt && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    index -= first_;
    first_ = 0;
  }
  pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(index), piece);
  bytes_ += piece.length;
}

void Chain::release(Piece& piece) {
  bytes_ -= piece.length;
  rte_pktmbuf_free_seg(piece.buffer);
}

uint32_t Chain::add(TcpSequence sequence, rte_mbuf* buffer, MutableBytes bytes) {
  uint32_t added = 0;
  const TcpSequence end = sequence + bytes.size();
  size_t index = find(sequence);
  TcpSequence next = sequence;
  while (next < end) {
    const bool last = index == pieces_.size();
    if (!last && pieces_[index].begin <= next) {
      next = later(next, pieces_[index++].end());
      continue;
    }
    const TcpSequence until = last ? end : earlier(end, pieces_[index].begin);
    const auto size = static_cast<uint32_t>(until - next);
    rte_mbuf_refcnt_update(buffer, 1);
    const size_t before = first_;
    insert(index, {next, size, bytes.data() + (next - sequence), buffer});
    index = index - (before - first_) + 1;
    added += size;
    next = until;
  }
  return added;
}

void Chain::move_to(Chain& other, TcpSequence begin, TcpSequence end, TcpSequence place) {
  for (TcpSequence at = begin; at < end;) {
    const Piece& piece = pieces_[find(at)];
    const TcpSequence until = earlier(end, piece.end());
    other.add(place + (at - begin), piece.buffer,
              {piece.data + (at - piece.begin), static_cast<size_t>(until - at)});
    at = until;
  }
  drop_before(end);
}

void Chain::drop_before(TcpSequence sequence) {
  while (first_ < pieces_.size() && pieces_[first_].end() <= sequence) release(pieces_[first_++]);
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
    return;
  }
  Piece& piece = pieces_[first_];
  if (piece.begin >= sequence) return;
  const auto gone = static_cast<uint32_t>(sequence - piece.begin);
  piece.begin = sequence;
  piece.data += gone;
  piece.length -= gone;
  bytes_ -= gone;
}

void Chain::drop_from(TcpSequence sequence) {
  while (pieces_.size() > first_ && pieces_.back().begin >= sequence) {
    release(pieces_.back());
    pieces_.pop_back();
  }
  if (pieces_.size() == first_ || pieces_.back().end() <= sequence) return;
  const auto gone = static_cast<uint32_t>(pieces_.back().end() - sequence);
  pieces_.back().length -= gone;
  bytes_ -= gone;
}

void Chain::clear() {
  for (size_t i = first_; i < pieces_.size(); ++i) release(pieces_[i]);
  pieces_.clear();
  first_ = 0;
}

TcpSequence Chain::end_from(TcpSequence sequence) const {
  for (size_t i = find(sequence); i < pieces_.size() && pieces_[i].begin <= sequence; ++i)
    sequence = pieces_[i].end();
  return sequence;
}

MutableBytes Chain::at(TcpSequence sequence) const {
  const size_t index = find(sequence);
  if (index == pieces_.size() || pieces_[index].begin > sequence) return {};
  const Piece& piece = pieces_[index];
  const auto skip = static_cast<uint32_t>(sequence - piece.begin);
  return {piece.data + skip, piece.length - skip};
}

size_t Chain::read(TcpSequence sequence, MutableBytes out) const {
  size_t done = 0;
  while (done < out.size()) {
    const Bytes run = at(sequence + done);
    if (run.empty()) break;
    const size_t n = std::min(run.size(), out.size() - done);
    std::memcpy(&out[done], run.data(), n);
    done += n;
  }
  return done;
}

void Chain::write(TcpSequence sequence, Bytes bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const MutableBytes run = at(sequence + done);
    assert(!run.empty());
    const size_t n = std::min(run.size(), bytes.size() - done);
    std::memcpy(run.data(), &bytes[done], n);
    done += n;
  }
}

rte_mbuf* Chain::buffer_of(TcpSequence sequence, uint32_t length) const {
  const size_t index = find(sequence);
  if (index == pieces_.size() || pieces_[index].begin > sequence) return nullptr;
  return pieces_[index].end() >= sequence + length ? pieces_[index].buffer : nullptr;
}

}  // namespace midstream
