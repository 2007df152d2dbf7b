#include "lib/npt/position.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <vector>

namespace midstream {
namespace {

constexpr uint32_t kRate = 90000;
constexpr uint32_t kFrame = 3600;  // 25 frames a second
const Time kStart{1000s};

Npt npt_ms(int64_t ms) { return {ms * 1'000'000}; }

// Sends packets to a position, one every frame time.
struct Sender {
  Position& position;
  RtpSequence sequence{65530};
  RtpTimestamp base{0};
  Time now = kStart;

  void send(int64_t ticks) {
    position.on_packet(sequence, base + ticks, now);
    sequence += 1;
    now += 40ms;
  }
};

PlayAnchor from(Npt start) { return {.start = start}; }

TEST_CASE("position: the first packet anchors, the highest timestamp counts") {
  Position position;
  CHECK(position.source() == PositionSource::kNone);
  position.on_play(from(npt_ms(10'000)), kRate, kStart);
  CHECK(position.source() == PositionSource::kStated);
  CHECK(position.newest() == npt_ms(10'000));
  CHECK_FALSE(position.anchored());

  Sender a{.position = position, .base = RtpTimestamp(0xFFFFF000)};  // wraps in the second frame
  a.send(0);
  CHECK(position.anchored());
  CHECK(position.source() == PositionSource::kRtpTimestamp);
  a.send(3 * kFrame);
  a.send(1 * kFrame);
  CHECK(position.newest() == npt_ms(10'120));
  CHECK(position.at(a.base + kFrame) == npt_ms(10'040));
  CHECK(position.timestamp_at(npt_ms(10'080)) == a.base + 2 * kFrame);
}

TEST_CASE("position: RTP-Info's timestamp is believed if the first packet is near it") {
  struct Row {
    const char* what;
    uint32_t info, first;
    Npt expected;  // of the first packet
  };
  for (const Row& row : {
           Row{"the same", 5000, 5000, npt_ms(10'000)},
           Row{"the first packet was lost", 5000, 5000 + kFrame, npt_ms(10'040)},
           Row{"two seconds apart", 5000, 185000, npt_ms(12'000)},
           Row{"that of NPT 0", 5000, 905000, npt_ms(10'000)},
           Row{"half the circle away", 0, 0x80000000, npt_ms(10'000)},
           Row{"over the wrap", 0xFFFFFFFF, 90000 - 1, npt_ms(11'000)},
       }) {
    INFO(row.what);
    Position position;
    position.on_play({.start = npt_ms(10'000), .info_timestamp = RtpTimestamp(row.info)}, kRate,
                     kStart);
    position.on_packet(RtpSequence(1), RtpTimestamp(row.first), kStart);
    CHECK(position.newest() == row.expected);
  }
}

TEST_CASE("position: packets of before the PLAY do not anchor") {
  Position position;
  position.on_play({.start = npt_ms(60'000), .info_sequence = RtpSequence(2)}, kRate, kStart);
  position.on_packet(RtpSequence(65535), RtpTimestamp(111), kStart);
  CHECK_FALSE(position.anchored());
  position.on_packet(RtpSequence(2), RtpTimestamp(777000), kStart);
  position.on_packet(RtpSequence(1), RtpTimestamp(900000), kStart);  // a late one from before
  CHECK(position.newest() == npt_ms(60'000));
  CHECK(position.timestamp_at(npt_ms(60'000)) == RtpTimestamp(777000));
}

TEST_CASE("position: a stated sequence number that is none holds nothing up for long") {
  Position position;
  position.on_play({.start = {}, .info_sequence = RtpSequence(0)}, kRate, kStart);
  position.on_packet(RtpSequence(40000), RtpTimestamp(0), kStart + 500ms);
  CHECK_FALSE(position.anchored());
  position.on_packet(RtpSequence(40001), RtpTimestamp(0), kStart + 1s);
  CHECK(position.anchored());
}

TEST_CASE("position: media that overtakes the PLAY answer is part of the PLAY") {
  Position position;
  Sender a{.position = position};
  a.send(0);
  a.send(kFrame);
  CHECK_FALSE(position.anchored());
  position.on_play(from(npt_ms(5'000)), kRate, kStart);
  CHECK(position.anchored());
  CHECK(position.newest() == npt_ms(5'040));
  CHECK(position.at(a.base) == npt_ms(5'000));
}

TEST_CASE("position: pictures that overtook the answer tell their distance and what is to come") {
  struct Row {
    std::vector<int> frames;  // in decode order
    uint32_t distance;
    Npt expected;
  };
  for (const Row& row : {
           Row{{0, 3}, 3, npt_ms(5'000)},  // 1 and 2 are to come
           Row{{0, 3, 1, 2, 6}, 1, npt_ms(5'120)},
           Row{{0, 1, 2, 3, 4, 5}, 1, npt_ms(5'160)},
       }) {
    Position position;
    Sender a{.position = position};
    for (const int frame : row.frames) a.send(frame * int64_t{kFrame});
    position.on_play(from(npt_ms(5'000)), kRate, kStart);
    CHECK(position.newest() == npt_ms(5'000) + row.frames.back() * int64_t{40'000'000});
    CHECK(position.frame_ticks() == row.distance * kFrame);
    CHECK(position.resume_from() == row.expected);
  }

  // Of many all are not known any more, but the first and the newest.
  Position position;
  Sender a{.position = position};
  for (int frame = 0; frame < 50; ++frame) a.send(frame * int64_t{kFrame});
  position.on_play(from(npt_ms(5'000)), kRate, kStart);
  CHECK(position.newest() == npt_ms(6'960));
  CHECK(position.frame_ticks() == kFrame);
}

TEST_CASE("position: scale multiplies the play time, not the clock") {
  struct Row {
    double scale;
    Npt after_one_second;
  };
  for (const Row& row :
       {Row{1, npt_ms(11'000)}, Row{2, npt_ms(12'000)}, Row{0.5, npt_ms(10'500)},
        Row{-1, npt_ms(9'000)}, Row{0, npt_ms(11'000)},
        Row{std::numeric_limits<double>::quiet_NaN(), npt_ms(11'000)}, Row{1e300, npt_ms(11'000)}}) {
    INFO(row.scale);
    Position position;
    position.on_play({.start = npt_ms(10'000), .scale = row.scale}, kRate, kStart);
    position.on_packet(RtpSequence(1), RtpTimestamp(0), kStart);
    position.on_packet(RtpSequence(2), RtpTimestamp(kRate), kStart + 1s);
    CHECK(position.newest() == row.after_one_second);
    CHECK(position.timestamp_at(row.after_one_second) == RtpTimestamp(kRate));
  }
}

TEST_CASE("position: no drift and no lost wrap over two days at any clock rate") {
  for (const uint32_t rate : {8000u, 11025u, 44100u, 48000u, 90000u}) {
    INFO(rate);
    Position position;
    position.on_play(from({}), rate, kStart);
    constexpr int64_t kHours = 48;
    for (int64_t minute = 0; minute <= kHours * 60; ++minute) {
      position.on_packet(RtpSequence(static_cast<uint16_t>(minute)),
                         RtpTimestamp(0xABCDEF01) + minute * 60 * rate, kStart + minute * 60s);
    }
    CHECK(position.newest() == npt_ms(kHours * 3'600'000));
    const RtpTimestamp newest = position.timestamp_at(position.newest());
    for (int tick = 0; tick < 1000; ++tick) {  // every timestamp maps to itself and back
      REQUIRE(position.timestamp_at(position.at(newest - tick)) == newest - tick);
    }
  }
}

TEST_CASE("position: a pause without a seek keeps the line exact") {
  Position position;
  position.on_play(from({}), kRate, kStart);
  Sender a{.position = position};
  for (const int frame : {0, 3, 1, 2, 6, 4}) a.send(frame * int64_t{kFrame});
  position.on_pause();
  const Npt kept = position.newest();
  CHECK(kept == npt_ms(240));

  SECTION("the clock goes on where it stood, in decode order") {
    position.on_play(from(kept), kRate, kStart + 60s);
    CHECK(position.newest() == kept);
    a.send(5 * kFrame);
    CHECK(position.newest() == npt_ms(240));
    a.send(9 * kFrame);
    CHECK(position.newest() == npt_ms(360));
    CHECK(position.resume_from() == npt_ms(240));  // the kept position is no floor: 7 and 8 come
  }
  SECTION("the clock counted through the pause") {
    position.on_play(from(kept), kRate, kStart + 60s);
    a.base += 60 * kRate;
    a.send(7 * kFrame);
    CHECK(position.newest() == kept);
  }
  SECTION("no place was asked for: whatever the server states, the line goes on") {
    position.on_play({.start = npt_ms(251), .continues = true}, kRate, kStart + 60s);
    CHECK(position.newest() == kept);
    a.send(5 * kFrame);
    CHECK(position.newest() == npt_ms(240));
    CHECK(position.timestamp_at(npt_ms(280)) == a.base + 7 * kFrame);
  }
  SECTION("a seek instead of a resume anchors anew") {
    position.on_play(from(npt_ms(30'000)), kRate, kStart + 60s);
    a.send(7 * kFrame);
    CHECK(position.newest() == npt_ms(30'000));
    CHECK(position.resume_from() == npt_ms(30'000));
  }
}

TEST_CASE("position: frame distance in sorted order, also with B-frames and loss") {
  Position position;
  position.on_play(from({}), kRate, kStart);
  Sender a{.position = position};
  CHECK(position.frame_ticks() == 0);
  for (const int frame : {0, 0, 3, 1, 2, 2, 6, 5}) a.send(frame * int64_t{kFrame});
  CHECK(position.frame_ticks() == kFrame);

  // The frame rate halves: after two windows the old distance is forgotten.
  for (int frame = 8; frame < 600; frame += 2) a.send(frame * int64_t{kFrame});
  CHECK(position.frame_ticks() == 2 * kFrame);
}

TEST_CASE("position: resume leaves out nothing that is still to come") {
  struct Row {
    const char* what;
    std::vector<int> frames;  // in decode order
    Npt expected;
  };
  for (const Row& row : {
           Row{"nothing yet", {}, npt_ms(20'000)},
           Row{"one frame", {0}, npt_ms(20'000)},
           Row{"in order: one frame back", {0, 1, 2, 3, 4}, npt_ms(20'120)},
           Row{"B-frames: 4 and 5 are to come", {0, 3, 1, 2, 6}, npt_ms(20'120)},
           Row{"never below the start", {0, 3, 1}, npt_ms(20'000)},
       }) {
    INFO(row.what);
    Position position;
    position.on_play(from(npt_ms(20'000)), kRate, kStart);
    Sender a{.position = position};
    for (const int frame : row.frames) a.send(frame * int64_t{kFrame});
    CHECK(position.resume_from() == row.expected);
  }
}

TEST_CASE("position: a step back is remembered for a window, a leap back is none") {
  Position position;
  position.on_play(from({}), kRate, kStart);
  Sender a{.position = position};
  int64_t frame = 0;
  const auto resume_distance = [&] { return position.newest() - position.resume_from(); };
  for (; frame < 250; ++frame) a.send(frame * kFrame);
  a.send((frame - 6) * kFrame);  // 5 below the newest
  CHECK(resume_distance() == 240'000'000);
  for (const int64_t until = frame + 100; frame < until; ++frame) a.send(frame * kFrame);
  CHECK(resume_distance() == 240'000'000);
  for (const int64_t until = frame + 260; frame < until; ++frame) a.send(frame * kFrame);
  CHECK(resume_distance() == 40'000'000);
  a.send((frame - 200) * kFrame);
  CHECK(resume_distance() == 40'000'000);
}

TEST_CASE("position: resume is a whole number of 10 ms that survives a server's double") {
  for (int64_t cents = 0; cents < 400'000; cents += 1) {
    Position position;
    const Npt start{1'234'567};
    position.on_play(from(start), 100, kStart);
    position.on_packet(RtpSequence(1), RtpTimestamp(0), kStart);
    position.on_packet(RtpSequence(2), RtpTimestamp(static_cast<uint32_t>(cents)), kStart);
    const Npt resume = position.resume_from();
    REQUIRE(resume <= position.newest());
    if (resume == start) continue;
    REQUIRE(resume.ns % 10'000'000 == 0);
    REQUIRE(position.newest() - resume < 1'000'000'000 + 110'000'000);

    REQUIRE(static_cast<int64_t>(std::strtod(print_npt(resume).c_str(), nullptr) * 1e9) == resume.ns);
  }
}

TEST_CASE("position: backwards, resume lies above") {
  Position position;
  position.on_play({.start = npt_ms(100'000), .scale = -1}, kRate, kStart);
  Sender a{.position = position};
  for (int frame = 0; frame <= 50; ++frame) a.send(frame * int64_t{kFrame} + 1);
  CHECK(position.newest() == npt_ms(98'000));
  CHECK(position.resume_from() == npt_ms(98'040));
}

TEST_CASE("position: without a clock rate the wall clock serves") {
  Position position;
  position.on_play(from(npt_ms(1'000)), 0, kStart);
  CHECK(position.source() == PositionSource::kStated);
  position.on_packet(RtpSequence(1), RtpTimestamp(5), kStart + 2s);
  CHECK(position.source() == PositionSource::kWallClock);
  CHECK_FALSE(position.anchored());
  CHECK(position.newest() == npt_ms(3'000));
  CHECK(position.resume_from() == npt_ms(3'000));
}

TEST_CASE("position: RTP-Info's timestamp of NPT 0 is known by its distance") {
  struct Row {
    const char* what;
    int64_t start_ms;
    uint32_t first;
    Npt expected;  // of the first packet
  };
  for (const Row& row : {
           Row{"an honest server", 600, 5000, npt_ms(600)},
           Row{"an honest server's first packet was lost", 600, 5000 + kFrame, npt_ms(640)},
           Row{"that of NPT 0", 600, 5000 + 54000, npt_ms(600)},
           Row{"that of NPT 0, rounded", 600, 5000 + 53999, npt_ms(600)},
           Row{"played from the beginning", 0, 5000 + kFrame, npt_ms(40)},
       }) {
    INFO(row.what);
    Position position;
    position.on_play({.start = npt_ms(row.start_ms), .info_timestamp = RtpTimestamp(5000)}, kRate,
                     kStart);
    position.on_packet(RtpSequence(1), RtpTimestamp(row.first), kStart);
    CHECK(position.newest() == row.expected);
  }
}

}  // namespace
}  // namespace midstream
