#include "lib/rtp/live.h"

#include <array>
#include <catch2/catch.hpp>

#include "lib/rtp/rtcp.h"

namespace midstream::rtp {
namespace {

constexpr int64_t ms(int64_t n) { return n * 1'000'000; }

TEST_CASE("the streams of a live session share one shift") {
  LiveShift shift;
  CHECK(live_time(shift, ms(100), ms(100'400)) == ms(100'400));  // sound comes first
  CHECK(live_time(shift, ms(900), ms(101'230)) == ms(101'200));  // the picture, 30 ms late
}

TEST_CASE("a server that states no start goes by the time that has passed") {
  LiveShift shift;
  CHECK(live_time(shift, std::nullopt, ms(5000)) == ms(5000));
  CHECK_FALSE(shift.known);
}

TEST_CASE("a server whose streams contradict each other is not believed") {
  LiveShift shift;
  CHECK(live_time(shift, ms(100), ms(100'400)) == ms(100'400));
  CHECK(live_time(shift, ms(-50'000), ms(100'500)) == ms(100'500));
  CHECK(live_time(shift, ms(300), ms(100'610)) == ms(100'600));  // the first one's word stands
}

TEST_CASE("a picture request is an empty receiver report and a picture loss indication") {
  std::array<uint8_t, kPictureRequestBytes> out;
  write_picture_request(out, 0x01020304, 0xa0b0c0d0);
  CHECK(out == std::array<uint8_t, 20>{0x80, 201, 0, 1, 1, 2, 3, 4,  //
                                       0x81, 206, 0, 2, 1, 2, 3, 4, 0xa0, 0xb0, 0xc0, 0xd0});
  CHECK(summarize_rtcp(out).valid);
}

}  // namespace
}  // namespace midstream::rtp
