#include "dataplane/stream_state.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <thread>

namespace midstream {
namespace {

// Every field follows from one number.
StreamPosition position_of(uint64_t n) {
  StreamPosition position;
  position.npt_ns = static_cast<int64_t>(n * 40'000'000);
  position.packets = n;
  position.bytes = n * 1400;
  position.bits_per_second = ~n;
  position.ssrc = static_cast<uint32_t>(n * 2654435761);
  position.source = n % 2 == 0 ? PositionSource::kRtpTimestamp : PositionSource::kNone;
  return position;
}

bool same(const StreamPosition& a, const StreamPosition& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;  // no padding: bit_cast to words would not compile
}

TEST_CASE("published position: nothing known, then what was written last") {
  PublishedPosition published;
  CHECK(same(published.read(), StreamPosition{}));
  for (const uint64_t n : {uint64_t{1}, uint64_t{2}, UINT64_MAX, uint64_t{0}}) {
    published.write(position_of(n));
    const StreamPosition read = published.read();
    CHECK(read.npt_ns == position_of(n).npt_ns);
    CHECK(read.packets == n);
    CHECK(read.bytes == n * 1400);
    CHECK(read.bits_per_second == ~n);
    CHECK(read.ssrc == position_of(n).ssrc);
    CHECK(read.source == position_of(n).source);
    CHECK(same(published.read(), read));
  }
}

TEST_CASE("published position: a reader never sees half of one, nor time going back") {
  PublishedPosition published;
  published.write(position_of(0));
  std::atomic<bool> done{false};
  std::atomic<uint64_t> changes{0};  // that the reader has seen
  uint64_t torn = 0, backward = 0;
  std::thread reader([&] {
    for (uint64_t last = 0; !done;) {
      const StreamPosition position = published.read();
      torn += !same(position, position_of(position.packets));
      backward += position.packets < last;
      changes += position.packets != last;
      last = position.packets;
    }
  });
  // Until both have run at once for long enough; a machine with one free core may never come there.
  constexpr uint64_t kEnoughChanges = 200'000, kMostWrites = 50'000'000;
  uint64_t n = 0;
  while (changes < kEnoughChanges && n < kMostWrites) published.write(position_of(++n));
  done = true;
  reader.join();
  CHECK(changes > 0);
  CHECK(torn == 0);
  CHECK(backward == 0);
  CHECK(same(published.read(), position_of(n)));
}

// A stream that sends at an even pace.
struct Stream {
  Time now = Time{} + 100s;
  IntervalWatch watch;

  Stream() { watch.restart(now); }
  void packet_after(Duration gap) { watch.on_packet(now += gap); }
  void play(Duration length, Duration pace) {
    for (const Time end = now + length; now < end;) packet_after(pace);
  }
};

TEST_CASE("interval watch: the longest gap between packets") {
  Stream stream;
  CHECK(stream.watch.longest() == 0ms);
  stream.play(1s, 40ms);
  CHECK(stream.watch.longest() == 40ms);
  CHECK(stream.watch.last() == stream.now);
  stream.packet_after(300ms);
  stream.play(1s, 20ms);
  CHECK(stream.watch.longest() == 300ms);
  CHECK(stream.watch.last() == stream.now);
}

TEST_CASE("interval watch: a gap is remembered for five seconds and forgotten after ten") {
  for (const Duration before : {0ms, 1000ms, 2500ms, 4000ms}) {  // its place within a window
    CAPTURE(before.count());
    Stream stream;
    stream.play(before, 20ms);
    stream.packet_after(700ms);
    stream.play(4900ms, 20ms);
    CHECK(stream.watch.longest() == 700ms);
    stream.play(5200ms, 20ms);
    CHECK(stream.watch.longest() == 20ms);
  }
}

TEST_CASE("interval watch: a stream sparser than the window is known for what it is") {
  Stream stream;
  for (int i = 0; i < 4; ++i) {
    stream.packet_after(12s);
    CHECK(stream.watch.longest() == 12s);
  }
  stream.play(4900ms, 100ms);
  CHECK(stream.watch.longest() == 12s);
  stream.play(5300ms, 100ms);
  CHECK(stream.watch.longest() == 100ms);
}

TEST_CASE("interval watch: another server starts without the old one's gaps") {
  Stream stream;
  stream.play(4s, 50ms);
  stream.packet_after(2s);
  stream.packet_after(1s);
  REQUIRE(stream.watch.longest() == 2s);
  stream.watch.restart(stream.now += 3s);
  CHECK(stream.watch.longest() == 0ms);
  CHECK(stream.watch.last() == stream.now);
  stream.packet_after(30ms);  // counts from the restart
  CHECK(stream.watch.longest() == 30ms);
}

}  // namespace
}  // namespace midstream
