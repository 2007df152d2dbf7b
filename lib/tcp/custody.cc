#include "lib/tcp/custody.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace midstream::tcp {

void Custody::reset(TcpSequence begin) {
  begin_ = origin_end_ = sent_ = begin;
  size_ = text_ = 0;
  duplicates_ = 0;
  recovering_ = lost_ = false;
  fin_ = false;
  rto_ = kOriginRto;
}

bool Custody::append(Bytes bytes) {
  if (bytes.size() > kCustodyBytes - text_) return false;
  if (!bytes.empty()) std::memcpy(&bytes_[text_], bytes.data(), bytes.size());
  text_ += static_cast<uint32_t>(bytes.size());
  size_ += static_cast<uint32_t>(bytes.size());
  return true;
}

void Custody::become_origin(Time now) {
  sent_ = origin_end_ = begin_;
  originate_held(now);
}

void Custody::originate_held(Time now) {
  if (!origin_outstanding()) {
    window_ = kInitialWindow;
    threshold_ = UINT32_MAX;
    recovering_ = lost_ = false;
    duplicates_ = 0;
    rto_ = kOriginRto;  // RFC 6298 5.1: a timer that runs runs on
    deadline_ = now + rto_;
    heard_ = now;
  }
  origin_end_ = end() + (fin_ ? 1 : 0);
}

bool Custody::originate(Bytes bytes, Time now) {
  if (!append(bytes)) return false;
  originate_held(now);
  return true;
}

void Custody::originate_fin(Time now) {
  fin_ = true;
  originate_held(now);
}

bool Custody::acknowledge(TcpSequence acknowledgement, bool duplicate, Time now) {
  heard_ = now;
  if (acknowledgement > begin_) {
    const auto n = std::min<uint32_t>(static_cast<uint32_t>(acknowledgement - begin_), size_);
    begin_ = acknowledgement;
    sent_ = later(sent_, begin_);
    size_ -= n;
    if (text_ > size_) {
      std::memmove(bytes_.data(), bytes_.data() + (text_ - size_), size_);
      text_ = size_;
    }
    origin_end_ = later(origin_end_, begin_);
    duplicates_ = 0;
    rto_ = kOriginRto;
    deadline_ = now + rto_;
    if (recovering_ && begin_ < recover_) return lost_ = origin_outstanding();
    if (std::exchange(recovering_, false)) window_ = threshold_;
    window_ += window_ < threshold_ ? std::min(n, kOriginSegment)
                                    : std::max(kOriginSegment * kOriginSegment / window_, 1u);
    window_ = std::min(window_, kMaxWindow);
    return lost_ = false;
  }
  if (!duplicate || acknowledgement != begin_ || !origin_outstanding()) return false;
  if (duplicates_ == kDuplicatesToRepeat) return false;  // once; then the timer
  if (++duplicates_ < kDuplicatesToRepeat || recovering_) return false;
  const auto flight = static_cast<uint32_t>(std::max(sent_ - begin_, 0));
  window_ = threshold_ = std::max(flight / 2, 2 * kOriginSegment);
  recover_ = sent_;
  recovering_ = true;
  return lost_ = true;
}

std::optional<Custody::Span> Custody::lost() const {
  if (!lost_) return std::nullopt;
  return Span{begin_, earlier(begin_ + kOriginSegment, origin_bytes_end())};
}

Custody::Span Custody::unsent(TcpSequence edge) const {
  const TcpSequence end = earlier(earlier(origin_bytes_end(), begin_ + window_), edge);
  return {sent_, later(sent_, end)};
}

void Custody::note_sent(TcpSequence begin, TcpSequence end) {
  if (begin <= sent_) sent_ = later(sent_, end);
  if (begin == begin_) lost_ = false;
}

void Custody::on_timeout(Time now) {
  const auto flight = static_cast<uint32_t>(std::max(sent_ - begin_, 0));
  threshold_ = std::max(flight / 2, 2 * kOriginSegment);
  window_ = kOriginSegment;
  sent_ = begin_;
  recovering_ = lost_ = false;
  rto_ = std::min(rto_ * 2, kOriginRtoMax);
  deadline_ = now + rto_;
}

}  // namespace midstream::tcp
