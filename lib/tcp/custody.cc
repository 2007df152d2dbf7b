#include "lib/tcp/custody.h"

#include <algorithm>
#include <cstring>

namespace midstream::tcp {

void Custody::reset(TcpSequence begin) {
  begin_ = origin_end_ = sent_ = begin;
  size_ = 0;
  duplicates_ = 0;
  fin_ = false;
  rto_ = kOriginRto;
}

bool Custody::append(Bytes bytes) {
  if (bytes.size() > kCustodyBytes - size_) return false;
  if (!bytes.empty()) std::memcpy(&bytes_[size_], bytes.data(), bytes.size());
  size_ += static_cast<uint32_t>(bytes.size());
  return true;
}

void Custody::become_origin(Time now) {
  origin_end_ = end() + (fin_ ? 1 : 0);
  rto_ = kOriginRto;
  deadline_ = now + rto_;
  heard_ = now;
}

bool Custody::originate(Bytes bytes, Time now) {
  if (!append(bytes)) return false;
  become_origin(now);
  return true;
}

void Custody::originate_fin(Time now) {
  fin_ = true;
  become_origin(now);
}

bool Custody::acknowledge(TcpSequence acknowledgement, bool duplicate, Time now) {
  heard_ = now;
  if (acknowledgement > begin_) {
    const auto n = std::min<uint32_t>(static_cast<uint32_t>(acknowledgement - begin_), size_);
    std::memmove(bytes_.data(), bytes_.data() + n, size_ - n);
    begin_ = acknowledgement;
    sent_ = later(sent_, begin_);
    size_ -= n;
    origin_end_ = later(origin_end_, begin_);
    duplicates_ = 0;
    rto_ = kOriginRto;
    deadline_ = now + rto_;
    return false;
  }
  if (!duplicate || acknowledgement != begin_ || !origin_outstanding()) return false;
  if (duplicates_ == kDuplicatesToRepeat) return false;  // once; then the timer
  return ++duplicates_ == kDuplicatesToRepeat;
}

Bytes Custody::origin() const {
  const auto bytes = static_cast<size_t>(std::max<int32_t>(origin_end_ - begin_, 0));
  return Bytes(bytes_).first(std::min<size_t>(bytes, size_));
}

void Custody::on_timeout(Time now) {
  rto_ = std::min(rto_ * 2, kOriginRtoMax);
  deadline_ = now + rto_;
}

}  // namespace midstream::tcp
