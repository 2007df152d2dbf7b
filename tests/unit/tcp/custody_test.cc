#include "lib/tcp/custody.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace midstream::tcp {
namespace {

constexpr Time kNow = Time{} + 10s;

// What the switch has to deliver.
std::string text(const Custody& custody) {
  const int bytes = custody.origin_bytes_end() - custody.begin();
  return std::string(as_text(custody.text()).substr(0, static_cast<size_t>(std::max(bytes, 0))));
}

// Custody of `held`, of which nothing is the switch's own yet.
std::unique_ptr<Custody> holding(TcpSequence begin, std::string_view held) {
  auto custody = std::make_unique<Custody>();
  custody->reset(begin);
  REQUIRE(custody->append(as_bytes(held)));
  return custody;
}

// The second and the third wrap within the bytes held.
const TcpSequence kBegins[] = {TcpSequence(1000), TcpSequence(0xffff'fffc), TcpSequence(0x7fff'fffc)};

TEST_CASE("custody: a living server repeats its bytes itself", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "an answer");
    CHECK(custody->begin() == begin);
    CHECK(custody->end() == begin + 9);
    CHECK(text(*custody).empty());
    CHECK(custody->deadline() == Time::max());
    for (int i = 0; i < 5; ++i) CHECK_FALSE(custody->acknowledge(begin, true, kNow));
  }
}

TEST_CASE("custody: what the client had not acknowledged is delivered when A dies", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "acknowledged, and not");
    custody->acknowledge(begin + 14, false, kNow);
    custody->become_origin(kNow);
    CHECK(custody->begin() == begin + 14);
    CHECK(text(*custody) == "and not");
    CHECK(custody->deadline() == kNow + 200ms);

    REQUIRE(custody->append(as_bytes("B's own")));
    CHECK(text(*custody) == "and not");
    CHECK(custody->origin_end() == begin + 21);
    CHECK(custody->end() == begin + 28);

    // The acknowledgement reaches into B's bytes.
    CHECK_FALSE(custody->acknowledge(begin + 23, false, kNow + 20ms));
    CHECK_FALSE(custody->origin_outstanding());
    CHECK(custody->origin_end() == begin + 23);
    CHECK(custody->deadline() == Time::max());

    // B dies too.
    custody->become_origin(kNow + 1s);
    CHECK(text(*custody) == "s own");
    CHECK(custody->begin() == begin + 23);
  }
}

TEST_CASE("custody: what the switch originates stands behind what it holds", "[tcp][custody]") {
  const auto custody = holding(kBegins[1], "held ");
  REQUIRE(custody->originate(as_bytes("new"), kNow));
  CHECK(text(*custody) == "held new");
  CHECK(custody->deadline() == kNow + 200ms);
}

TEST_CASE("custody: the timer doubles up to its limit until there is progress", "[tcp][custody]") {
  const auto custody = holding(kBegins[1], "unheard");
  custody->become_origin(kNow);
  Time now = custody->deadline();
  for (const Duration next : {400ms, 800ms, 1600ms, 3000ms, 3000ms}) {
    custody->on_timeout(now);
    CHECK(custody->deadline() - now == next);
    now = custody->deadline();
  }
  custody->acknowledge(kBegins[1], false, now);  // nothing new
  CHECK(custody->deadline() == now);
  custody->acknowledge(kBegins[1] + 2, false, now);
  CHECK(custody->deadline() == now + 200ms);
  CHECK(text(*custody) == "heard");
  custody->on_timeout(now);
  CHECK(custody->deadline() == now + 400ms);
}

// A sender that goes on all the time must not put off what was lost.
TEST_CASE("custody: a timer that runs, runs on when there is more to send", "[tcp][custody]") {
  const auto custody = holding(kBegins[1], "lost");
  custody->become_origin(kNow);
  REQUIRE(custody->originate(as_bytes("and more"), kNow + 150ms));
  CHECK(custody->deadline() == kNow + 200ms);
  custody->on_timeout(kNow + 200ms);
  REQUIRE(custody->originate(as_bytes("and more"), kNow + 300ms));
  CHECK(custody->deadline() == kNow + 600ms);
  CHECK_FALSE(custody->given_up(kNow + kOriginGiveUp - 1ms));
  CHECK(custody->given_up(kNow + kOriginGiveUp));
}

TEST_CASE("custody: the third duplicate, and only that, asks for the bytes again", "[tcp][custody]") {
  const TcpSequence begin = kBegins[1];
  const auto custody = holding(begin, "lost");
  custody->become_origin(kNow);
  CHECK_FALSE(custody->acknowledge(begin, true, kNow));
  CHECK_FALSE(custody->acknowledge(begin, false, kNow));     // a window update
  CHECK_FALSE(custody->acknowledge(begin - 1, true, kNow));  // an old one, overtaken
  CHECK_FALSE(custody->acknowledge(begin, true, kNow));
  CHECK(custody->acknowledge(begin, true, kNow));
  for (int i = 0; i < 600; ++i) CHECK_FALSE(custody->acknowledge(begin, true, kNow));

  CHECK_FALSE(custody->acknowledge(begin + 1, false, kNow));  // they count anew
  CHECK_FALSE(custody->acknowledge(begin + 1, true, kNow));
  CHECK_FALSE(custody->acknowledge(begin + 1, true, kNow));
  CHECK(custody->acknowledge(begin + 1, true, kNow));
}

TEST_CASE("custody: an old acknowledgement takes nothing back", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "0123456789");
    custody->become_origin(kNow);
    custody->acknowledge(begin + 6, false, kNow);
    custody->acknowledge(begin + 2, false, kNow + 50ms);
    CHECK(custody->begin() == begin + 6);
    CHECK(text(*custody) == "6789");
    CHECK(custody->deadline() == kNow + 200ms);
  }
}

TEST_CASE("custody: what was acknowledged end to end was never held", "[tcp][custody]") {
  const TcpSequence begin = kBegins[1];
  const auto custody = holding(begin, "repeated request");
  custody->become_origin(kNow);
  custody->acknowledge(begin + 5000, false, kNow);  // the client's later requests, too
  CHECK(custody->begin() == begin + 5000);
  CHECK(custody->end() == begin + 5000);
  CHECK(text(*custody).empty());
  CHECK_FALSE(custody->origin_outstanding());
  REQUIRE(custody->originate(as_bytes("next"), kNow));
  CHECK(text(*custody) == "next");
}

TEST_CASE("custody: it holds what fits, whole or not at all", "[tcp][custody]") {
  const auto custody = holding(kBegins[0], std::string(kCustodyBytes - 3, 'x'));
  CHECK_FALSE(custody->append(as_bytes("four")));
  CHECK_FALSE(custody->originate(as_bytes("four"), kNow));
  CHECK(custody->end() == kBegins[0] + (kCustodyBytes - 3));
  CHECK_FALSE(custody->origin_outstanding());
  CHECK(custody->append({}));
  CHECK(custody->append(as_bytes("abc")));
  CHECK_FALSE(custody->append(as_bytes("d")));
  custody->become_origin(kNow);
  CHECK(text(*custody).size() == kCustodyBytes);

  custody->acknowledge(custody->end() - 3, false, kNow);
  REQUIRE(custody->originate(as_bytes("def"), kNow));
  CHECK(text(*custody) == "abcdef");
}

TEST_CASE("custody: a new connection begins empty and with a fresh timer", "[tcp][custody]") {
  const auto custody = holding(kBegins[0], "old");
  custody->become_origin(kNow);
  custody->acknowledge(kBegins[0], true, kNow);
  custody->acknowledge(kBegins[0], true, kNow);
  custody->on_timeout(kNow);
  custody->reset(kBegins[2]);
  CHECK(custody->end() == kBegins[2]);
  CHECK(custody->deadline() == Time::max());
  REQUIRE(custody->originate(as_bytes("new"), kNow));
  CHECK(text(*custody) == "new");
  CHECK(custody->deadline() == kNow + 200ms);
  CHECK_FALSE(custody->acknowledge(kBegins[2], true, kNow));
}

TEST_CASE("custody: a FIN behind the bytes is delivered like them", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "the end");
    custody->originate_fin(kNow);
    CHECK(text(*custody) == "the end");
    CHECK(custody->end() == begin + 7);
    CHECK(custody->origin_end() == begin + 8);
    custody->acknowledge(begin + 7, false, kNow);
    CHECK(text(*custody).empty());
    CHECK(custody->fin_outstanding());
    CHECK(custody->deadline() != Time::max());
    custody->acknowledge(begin + 8, false, kNow);
    CHECK(custody->fin_acknowledged());
    CHECK(custody->deadline() == Time::max());
  }
}

TEST_CASE("custody: what had no room in the window goes when there is some", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "first, then second");
    custody->become_origin(kNow);
    CHECK(custody->unsent(begin + 6).end == begin + 6);
    custody->note_sent(begin, begin + 6);
    CHECK(custody->unsent(begin + 6).begin == custody->unsent(begin + 6).end);
    CHECK_FALSE(custody->all_sent());
    custody->acknowledge(begin + 3, false, kNow);
    CHECK(custody->unsent(begin + 9).begin == begin + 6);
    CHECK(custody->unsent(begin + 9).end == begin + 9);
    CHECK(custody->unsent(begin + 90).end == begin + 18);
    custody->note_sent(begin + 6, begin + 18);
    CHECK(custody->all_sent());
    custody->acknowledge(begin + 18, false, kNow);
    CHECK(custody->unsent(begin + 90).begin == begin + 18);
    CHECK(custody->unsent(begin + 90).end == begin + 18);
  }
}

TEST_CASE("custody: bytes that others keep count like its own", "[tcp][custody]") {
  for (const TcpSequence begin : kBegins) {
    const auto custody = holding(begin, "an answer");
    custody->text_taken();
    custody->extend(100'000);
    REQUIRE(custody->append(as_bytes("text again")));
    CHECK(as_text(custody->text()) == "text again");
    CHECK(custody->end() == begin + 100'019);
    custody->acknowledge(begin + 100'014, false, kNow);
    CHECK(as_text(custody->text()) == "again");
    CHECK(custody->begin() == begin + 100'014);
  }
}

// RFC 5681: slow start, then a segment a round trip; half after a loss, one segment after a timeout.
TEST_CASE("custody: what the switch sends is paced by a congestion window", "[tcp][custody]") {
  const auto in_flight = [](const Custody& custody) {
    return static_cast<uint32_t>(custody.unsent(custody.end()).end - custody.begin());
  };
  for (const TcpSequence begin : kBegins) {
    const auto custody = std::make_unique<Custody>();
    custody->reset(begin);
    custody->extend(1'000'000);
    custody->become_origin(kNow);
    CHECK(in_flight(*custody) == kInitialWindow);
    custody->note_sent(begin, begin + kInitialWindow);
    custody->acknowledge(begin + kOriginSegment, false, kNow);
    CHECK(in_flight(*custody) == kInitialWindow + kOriginSegment);

    const TcpSequence sent = begin + 10 * kOriginSegment;
    for (int i = 0; i < 3; ++i) custody->acknowledge(begin + kOriginSegment, true, kNow);
    REQUIRE(custody->lost());
    CHECK(custody->lost()->begin == begin + kOriginSegment);
    CHECK(custody->lost()->end == begin + 2 * kOriginSegment);
    custody->note_sent(custody->lost()->begin, custody->lost()->end);
    CHECK_FALSE(custody->lost());
    CHECK(custody->acknowledge(begin + 4 * kOriginSegment, false, kNow));  // partial: one more is lost
    CHECK(custody->lost()->begin == begin + 4 * kOriginSegment);
    custody->note_sent(custody->lost()->begin, custody->lost()->end);
    CHECK_FALSE(custody->acknowledge(sent, false, kNow));
    CHECK(in_flight(*custody) < 6 * kOriginSegment);
    CHECK(in_flight(*custody) >= 4 * kOriginSegment);

    custody->on_timeout(kNow);
    CHECK(in_flight(*custody) == kOriginSegment);
  }
}

TEST_CASE("custody: a receiver that says nothing is given up, one that does is not", "[tcp][custody]") {
  const auto custody = holding(TcpSequence(1000), "bytes");
  custody->become_origin(kNow);
  for (Time now = kNow; now < kNow + 99s; now += 3s) custody->on_timeout(now);
  CHECK_FALSE(custody->given_up(kNow + 99s));
  CHECK(custody->given_up(kNow + 100s));
  custody->acknowledge(TcpSequence(1000), false, kNow + 99s);  // its window is shut, it lives
  CHECK_FALSE(custody->given_up(kNow + 198s));
  CHECK(custody->given_up(kNow + 199s));
  custody->acknowledge(TcpSequence(1005), false, kNow + 199s);
  CHECK_FALSE(custody->given_up(kNow + 1000s));
}

}  // namespace
}  // namespace midstream::tcp
