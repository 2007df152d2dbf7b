// Numbers that wrap: TCP sequence numbers (RFC 9293 3.4), RTP sequence numbers and timestamps
// (RFC 3550 5.1). Two values compare by their signed distance, so 0x0000'0005 is after
// 0xFFFF'FFFB by 10. Values half the circle apart have no order; callers keep far away from that.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace midstream {

template <typename Tag, std::unsigned_integral Int>
class Wrapping {
 public:
  using Value = Int;
  using Distance = std::make_signed_t<Int>;

  constexpr Wrapping() = default;
  constexpr explicit Wrapping(Int value) : value_(value) {}

  constexpr Int value() const { return value_; }

  friend constexpr Wrapping operator+(Wrapping a, std::integral auto n) {
    return Wrapping(static_cast<Int>(a.value_ + static_cast<Int>(n)));
  }
  friend constexpr Wrapping operator-(Wrapping a, std::integral auto n) {
    return Wrapping(static_cast<Int>(a.value_ - static_cast<Int>(n)));
  }
  friend constexpr Distance operator-(Wrapping a, Wrapping b) {
    return static_cast<Distance>(static_cast<Int>(a.value_ - b.value_));
  }
  constexpr Wrapping& operator+=(std::integral auto n) { return *this = *this + n; }
  constexpr Wrapping& operator-=(std::integral auto n) { return *this = *this - n; }

  friend constexpr bool operator==(Wrapping, Wrapping) = default;
  friend constexpr bool operator<(Wrapping a, Wrapping b) { return a - b < 0; }
  friend constexpr bool operator>(Wrapping a, Wrapping b) { return a - b > 0; }
  friend constexpr bool operator<=(Wrapping a, Wrapping b) { return a - b <= 0; }
  friend constexpr bool operator>=(Wrapping a, Wrapping b) { return a - b >= 0; }

 private:
  Int value_ = 0;
};

template <typename W>
constexpr W later(W a, W b) {
  return a < b ? b : a;
}
template <typename W>
constexpr W earlier(W a, W b) {
  return a < b ? a : b;
}

using TcpSequence = Wrapping<struct TcpSequenceTag, uint32_t>;
using TcpTimestamp = Wrapping<struct TcpTimestampTag, uint32_t>;  // RFC 7323 TSval and TSecr
using RtpSequence = Wrapping<struct RtpSequenceTag, uint16_t>;
using RtpTimestamp = Wrapping<struct RtpTimestampTag, uint32_t>;

}  // namespace midstream
