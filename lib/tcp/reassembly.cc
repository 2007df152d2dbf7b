#include "lib/tcp/reassembly.h"

#include <algorithm>
#include <cassert>
#include <type_traits>

namespace midstream::tcp {

static_assert(std::is_trivially_copyable_v<Reassembly>);

void Reassembly::reset(TcpSequence first) {
  start_ = first;
  in_order_ = 0;
  range_count_ = 0;
}

size_t Reassembly::insert(TcpSequence sequence, Bytes bytes) {
  const int64_t place = sequence - start_;
  const int64_t begin = std::max<int64_t>(place, in_order_);
  const int64_t end = std::min<int64_t>(place + static_cast<int64_t>(bytes.size()), kReassemblyBytes);
  if (begin >= end) return 0;

  const Range range{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  const bool extends_in_order = range.begin == in_order_;
  if (!extends_in_order && !has_room_for(range)) return 0;
  const size_t kept = fill_gaps(range, bytes.subspan(static_cast<size_t>(begin - place)));
  const Range merged = absorb(range);
  if (extends_in_order) {
    in_order_ = merged.end;
  } else {
    add_range(merged);
  }
  return kept;
}

// A range that touches an island becomes part of it; only one that stands alone needs a place.
bool Reassembly::has_room_for(Range range) const {
  if (range_count_ < kReassemblyRanges) return true;
  return std::any_of(ranges_.begin(), ranges_.begin() + range_count_,
                     [&](const Range& r) { return r.begin <= range.end && range.begin <= r.end; });
}

// Copies what no island holds yet: the first copy wins. bytes[0] belongs at range.begin.
size_t Reassembly::fill_gaps(Range range, Bytes bytes) {
  size_t kept = 0;
  uint32_t at = range.begin;
  const auto copy_until = [&](uint32_t until) {
    if (until <= at) return;
    std::memcpy(&buffer_[at], &bytes[at - range.begin], until - at);
    kept += until - at;
  };
  for (uint8_t i = 0; i < range_count_ && at < range.end; ++i) {
    copy_until(std::min(ranges_[i].begin, range.end));
    at = std::max(at, ranges_[i].end);
  }
  copy_until(range.end);
  return kept;
}

// Takes the islands that `range` touches out of the list and returns the union.
Reassembly::Range Reassembly::absorb(Range range) {
  uint8_t left = 0;
  for (uint8_t i = 0; i < range_count_; ++i) {
    const Range r = ranges_[i];
    if (r.begin <= range.end && range.begin <= r.end) {
      range = {std::min(range.begin, r.begin), std::max(range.end, r.end)};
    } else {
      ranges_[left++] = r;
    }
  }
  range_count_ = left;
  return range;
}

void Reassembly::add_range(Range range) {
  uint8_t i = range_count_++;
  for (; i > 0 && range.begin < ranges_[i - 1].begin; --i) ranges_[i] = ranges_[i - 1];
  ranges_[i] = range;
}

Bytes Reassembly::readable() const { return Bytes(buffer_).first(in_order_); }
TcpSequence Reassembly::next_read() const { return start_; }
TcpSequence Reassembly::next_expected() const { return start_ + in_order_; }
bool Reassembly::full() const { return in_order_ == kReassemblyBytes; }

void Reassembly::consume(size_t n) {
  assert(n <= in_order_);
  const uint32_t taken = static_cast<uint32_t>(n);
  const uint32_t used = range_count_ > 0 ? ranges_[range_count_ - 1].end : in_order_;
  if (taken < used) std::memmove(buffer_.data(), buffer_.data() + taken, used - taken);
  for (uint8_t i = 0; i < range_count_; ++i) {
    ranges_[i] = {ranges_[i].begin - taken, ranges_[i].end - taken};
  }
  in_order_ -= taken;
  start_ += taken;
}

void Reassembly::skip_to(TcpSequence sequence) { reset(sequence); }

void Reassembly::truncate(TcpSequence sequence) {
  const int64_t place = std::max<int64_t>(sequence - start_, 0);
  in_order_ = static_cast<uint32_t>(std::min<int64_t>(place, in_order_));
  range_count_ = 0;
}

}  // namespace midstream::tcp
