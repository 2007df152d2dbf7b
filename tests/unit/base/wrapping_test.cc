#include "lib/base/wrapping.h"

#include <catch2/catch.hpp>

namespace midstream {

TEST_CASE("wrapping numbers compare by their signed distance") {
  struct Case {
    uint32_t a, b;
    int32_t distance;  // b - a
  };
  const auto c = GENERATE(values<Case>({
      {0, 0, 0},
      {1, 2, 1},
      {0xffff'fffb, 5, 10},
      {5, 0xffff'fffb, -10},
      {0xffff'ffff, 0, 1},
      {0, 0x7fff'ffff, 0x7fff'ffff},
      {0x8000'0000, 0xffff'ffff, 0x7fff'ffff},
      {0x7fff'ffff, 0x8000'0000, 1},
  }));
  const TcpSequence a(c.a), b(c.b);
  INFO(c.a << " and " << c.b);
  CHECK(b - a == c.distance);
  CHECK((a < b) == (c.distance > 0));
  CHECK((a > b) == (c.distance < 0));
  CHECK((a <= b) == (c.distance >= 0));
  CHECK((a >= b) == (c.distance <= 0));
  CHECK((a == b) == (c.distance == 0));
  CHECK(later(a, b) == (c.distance > 0 ? b : a));
  CHECK(earlier(a, b) == (c.distance < 0 ? b : a));
}

TEST_CASE("adding and taking away goes round") {
  TcpSequence sequence(0xffff'fffe);
  sequence += 3;
  CHECK(sequence.value() == 1);
  sequence -= 3;
  CHECK(sequence.value() == 0xffff'fffe);
  CHECK((sequence + -2).value() == 0xffff'fffc);
  CHECK((TcpSequence(1) - size_t{2}).value() == 0xffff'ffff);
  CHECK((TcpSequence(1) + uint64_t{0x1'0000'0001}).value() == 2);
}

TEST_CASE("16 bits wrap at 16 bits") {
  const RtpSequence last(0xffff);
  CHECK((last + 1).value() == 0);
  CHECK((RtpSequence(0) - 1) == last);
  CHECK(RtpSequence(3) - last == 4);
  CHECK(last - RtpSequence(3) == -4);
  CHECK(last < RtpSequence(0));
  CHECK(RtpSequence(0) < RtpSequence(0x7fff));
}

TEST_CASE("numbers are usable where constants are wanted") {
  static_assert(RtpTimestamp(0xffff'ff00) < RtpTimestamp(0xffff'ff00) + 90000);
  static_assert(std::is_same_v<decltype(RtpSequence() - RtpSequence()), int16_t>);
  static_assert(!std::is_convertible_v<uint32_t, TcpSequence>);
  static_assert(!std::is_convertible_v<TcpSequence, TcpTimestamp>);
  SUCCEED("checked when compiled");
}

}  // namespace midstream
