#include "lib/base/timer_wheel.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "lib/base/random.h"

namespace midstream {

namespace {

using std::chrono_literals::operator""h;

constexpr Time at(Duration since_start) { return Time(since_start); }

std::vector<uint32_t> fired(TimerWheel& wheel, Duration now) {
  std::vector<uint32_t> entries;
  wheel.advance(at(now), [&](uint32_t entry) { entries.push_back(entry); });
  return entries;
}

using Entries = std::vector<uint32_t>;

}  // namespace

TEST_CASE("a timer fires once, at its time and not before") {
  TimerWheel wheel(4);
  wheel.set(2, at(10ms));
  CHECK(wheel.armed(2));
  CHECK(fired(wheel, 9999us).empty());
  CHECK(fired(wheel, 10ms) == Entries{2});
  CHECK_FALSE(wheel.armed(2));
  CHECK(fired(wheel, 11ms).empty());
}

TEST_CASE("a time between two ticks fires at the later one") {
  TimerWheel wheel(1);
  wheel.set(0, at(9001us));
  CHECK(fired(wheel, 9999us).empty());
  CHECK(fired(wheel, 10ms) == Entries{0});
}

TEST_CASE("a time that has passed fires at the next tick") {
  TimerWheel wheel(3);
  fired(wheel, 10ms);
  wheel.set(0, at(3ms));
  wheel.set(1, at(10ms));
  wheel.set(2, at(-5ms));
  CHECK(fired(wheel, 10900us).empty());
  CHECK(fired(wheel, 11ms) == Entries{0, 1, 2});
}

TEST_CASE("setting again replaces the timer, in either direction") {
  TimerWheel wheel(2);
  wheel.set(0, at(5ms));
  wheel.set(0, at(20ms));
  wheel.set(1, at(20ms));
  wheel.set(1, at(5ms));
  CHECK(fired(wheel, 19ms) == Entries{1});
  CHECK(fired(wheel, 20ms) == Entries{0});
}

TEST_CASE("a cancelled timer does not fire, and can be cancelled again") {
  TimerWheel wheel(2);
  wheel.set(0, at(5ms));
  wheel.set(1, at(5ms));
  wheel.cancel(0);
  wheel.cancel(0);
  CHECK_FALSE(wheel.armed(0));
  CHECK(fired(wheel, 5ms) == Entries{1});
}

TEST_CASE("timers fire in the order of their ticks, however late the call") {
  TimerWheel wheel(4, 1ms, 16);
  wheel.set(0, at(9ms));
  wheel.set(1, at(3ms));
  wheel.set(2, at(6ms));
  wheel.set(3, at(16ms));
  CHECK(fired(wheel, 15ms) == Entries{1, 2, 0});
  CHECK(fired(wheel, 16ms) == Entries{3});
}

TEST_CASE("a timer more than a turn away waits in its slot, turn after turn") {
  TimerWheel wheel(2, 1ms, 8);
  wheel.set(0, at(3ms));
  wheel.set(1, at(8ms * 5 + 3ms));
  CHECK(fired(wheel, 3ms) == Entries{0});
  for (Duration now = 4ms; now < 43ms; now += 1ms) CHECK(fired(wheel, now).empty());
  CHECK(fired(wheel, 43ms) == Entries{1});
}

TEST_CASE("a leap over many turns fires all that is due, once, and nothing else") {
  TimerWheel wheel(4, 1ms, 8);
  wheel.set(0, at(1ms));
  wheel.set(1, at(15ms));
  wheel.set(2, at(24h));
  wheel.set(3, at(24h + 1ms));
  Entries entries = fired(wheel, 24h);
  std::sort(entries.begin(), entries.end());
  CHECK(entries == Entries{0, 1, 2});
  CHECK(fired(wheel, 24h + 1ms) == Entries{3});
}

TEST_CASE("time that stands still or goes back fires nothing") {
  TimerWheel wheel(1);
  fired(wheel, 10ms);
  wheel.set(0, at(11ms));
  CHECK(fired(wheel, 10ms).empty());
  CHECK(fired(wheel, 2ms).empty());
  CHECK(fired(wheel, 11ms) == Entries{0});
}

TEST_CASE("the end of time is a time like any other") {
  TimerWheel wheel(1, 1ms, 8);
  wheel.set(0, Time::max());
  CHECK(fired(wheel, 24h * 365 * 100).empty());
  CHECK(wheel.armed(0));
}

TEST_CASE("a timer that sets itself fires once a call, also if it asks for the past") {
  TimerWheel wheel(1);
  wheel.set(0, at(1ms));
  int calls = 0;
  const auto again = [&](uint32_t entry) {
    ++calls;
    wheel.set(entry, at(2ms));
  };
  wheel.advance(at(100ms), again);
  CHECK(calls == 1);
  wheel.advance(at(101ms), again);
  CHECK(calls == 2);
}

TEST_CASE("a timer that fires may cancel and move others that are due at the same tick") {
  TimerWheel wheel(4);
  for (uint32_t entry = 0; entry < 4; ++entry) wheel.set(entry, at(5ms));
  Entries entries;
  wheel.advance(at(5ms), [&](uint32_t entry) {
    entries.push_back(entry);
    if (entry != 0) return;
    wheel.cancel(1);
    wheel.set(2, at(8ms));
  });
  CHECK(entries == Entries{0, 3});
  CHECK_FALSE(wheel.armed(1));
  CHECK(fired(wheel, 7ms).empty());
  CHECK(fired(wheel, 8ms) == Entries{2});
}

TEST_CASE("a wheel agrees with a plain table of times over a long random run") {
  constexpr uint32_t kEntries = 50;
  Random random(1);
  TimerWheel wheel(kEntries, 1ms, 32);
  std::map<uint32_t, int64_t> due;  // in ms
  int64_t now = 0;
  for (int step = 0; step < 20000; ++step) {
    const uint32_t entry = random.between(0, kEntries - 1);
    if (random.between(0, 3) == 0) {
      wheel.cancel(entry);
      due.erase(entry);
    } else {
      const int64_t when = now - 5 + random.between(0, 99);
      wheel.set(entry, at(std::chrono::milliseconds(when)));
      due[entry] = std::max(when, now + 1);
    }
    if (random.between(0, 2) != 0) continue;
    now += random.between(0, 49);
    Entries expected;
    for (const auto& [e, when] : due) {
      if (when <= now) expected.push_back(e);
    }
    for (const uint32_t e : expected) due.erase(e);
    Entries actual = fired(wheel, std::chrono::milliseconds(now));
    std::sort(actual.begin(), actual.end());
    REQUIRE(actual == expected);
  }
}

}  // namespace midstream
