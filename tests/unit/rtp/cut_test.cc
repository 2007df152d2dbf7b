#include "tests/unit/rtp/cut_media.h"

namespace midstream::rtp {
namespace {

TEST_CASE("cut: B's copy of the newest is dropped, the next one is first") {
  const Media a = plain(0, 10);
  for (const auto& context : {without_position(), with_position(), with_position(40 * kFrame)}) {
    for (int start = 0; start < 10; ++start) {
      INFO(start);
      const auto result = find(remember(from_a(a)), from_b(plain(start, 20)), context);
      CHECK(result.first == "10");
      CHECK(result.sequence == next_of(a));
      CHECK(result.cut.method == CutMethod::kContent);
      CHECK(result.cut.timestamp_offset == kExactOffset);
    }
  }
}

TEST_CASE("cut: sequence numbers and timestamps may wrap anywhere") {
  const Media a = plain(0, 8), b = plain(4, 12);
  for (int shift = 0; shift < 16; ++shift) {
    const auto sequence = static_cast<uint16_t>(65528 + shift);
    const uint32_t timestamp = 0 - kFrame * static_cast<uint32_t>(shift);
    const LastPackets last = remember(send(a, sequence, timestamp));
    const auto result =
        find(last, send(b, static_cast<uint16_t>(sequence + 7), 123), without_position());
    CHECK(result.first == "8");
    CHECK(result.sequence == static_cast<uint16_t>(sequence + 8));
    CHECK(result.cut.timestamp_offset == timestamp - 123);
  }
}

TEST_CASE("cut: what the network does to B's packets") {
  const Media a = plain(0, 10);
  const LastPackets last = remember(from_a(a));
  struct Row {
    const char* what;
    std::vector<std::string> lost;
    std::string first;
    uint16_t ahead;  // of A's next sequence number: packets lost behind the cut
  };
  for (const Row& row : {
           Row{"the copy of the newest is lost", {"9"}, "10", 0},
           Row{"the copies of the newest two are lost", {"8", "9"}, "10", 0},
           Row{"all copies but one are lost", {"5", "6", "8", "9"}, "10", 0},
           Row{"the newest and new ones are lost: the hole stays visible", {"9", "10", "11"}, "12", 2},
           Row{"the first new one is lost", {"10"}, "11", 1},
       }) {
    INFO(row.what);
    const auto result = find(last, from_b(plain(3, 20), row.lost), without_position());
    CHECK(result.first == row.first);
    CHECK(result.sequence == static_cast<uint16_t>(next_of(a) + row.ahead));
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: duplicates and reordering before the cut change nothing") {
  const Media a = plain(0, 10);
  Packets b = from_b(plain(3, 20));
  const auto result_of = [&] { return find(remember(from_a(a)), b, without_position()); };
  SECTION("duplicates") {
    for (size_t i = 0; i < 14; i += 2) b.insert(b.begin() + i, b[i]);
  }
  SECTION("two change places") { std::swap(b[4], b[5]); }
  SECTION("the newest comes early") { std::swap(b[2], b[6]); }
  SECTION("reversed") { std::reverse(b.begin(), b.begin() + 7); }
  CHECK(result_of().first == "10");
  CHECK(result_of().sequence == next_of(a));
}

TEST_CASE("cut: a frame that A left half sent is completed") {
  for (size_t sent = 1; sent <= 8; ++sent) {
    INFO(sent);
    Media a = big_frames(0, 6, 8);
    a.resize(5 * 8 + sent);
    for (const auto& context : {without_position(), with_position()}) {
      const auto result = find(remember(from_a(a)), from_b(big_frames(3, 8, 8)), context);
      CHECK(result.first == (sent == 8 ? "6/0" : "5/" + std::to_string(sent)));
      CHECK(result.sequence == next_of(a));
      CHECK(result.cut.method == CutMethod::kContent);
      CHECK(result.cut.timestamp_offset == kExactOffset);
    }
  }
}

TEST_CASE("cut: parameter sets that B inserts are dropped before the cut") {
  const Media parameters = {{"SPS", 6, false}, {"PPS", 6, false}};
  const Media a = plain(0, 10);
  SECTION("at its start") {
    const auto result =
        find(remember(from_a(a)), from_b(parameters + plain(6, 20)), without_position());
    CHECK(result.first == "10");
    CHECK(result.sequence == next_of(a));
  }
  SECTION("amid what is remembered") {
    for (const int at : {6, 7, 8, 9}) {
      INFO(at);
      Media b = plain(3, at) + Media{{"SPS", at, false}, {"PPS", at, false}} + plain(at, 20);
      const auto result = find(remember(from_a(a)), from_b(b), with_position());
      CHECK(result.first == "10");
      CHECK(result.sequence == next_of(a));
      CHECK(result.cut.timestamp_offset == kExactOffset);
    }
  }
}

TEST_CASE("cut: parameter sets that A sent too do not mislead") {
  const Media parameters_0 = {{"SPS", 0, false}, {"PPS", 0, false}};
  const Media parameters_8 = {{"SPS", 8, false}, {"PPS", 8, false}};
  const Media a = plain(0, 8) + parameters_8 + plain(8, 9);
  const Media b = parameters_0 + plain(0, 8) + parameters_8 + plain(8, 20);
  for (const auto& context : {without_position(), with_position()}) {
    const auto result = find(remember(from_a(a)), from_b(b), context);
    CHECK(result.first == "9");
    CHECK(result.sequence == next_of(a));
  }
  SECTION("nor where they are the last that A sent, given a position") {
    const Media died_there = plain(0, 8) + parameters_8;
    const auto result = find(remember(from_a(died_there)), from_b(b), with_position());
    CHECK(result.first == "8");
    CHECK(result.sequence == next_of(died_there));
  }
}

Media silence(int from, int to) {
  Media media;
  for (int i = from; i < to; ++i) media.push_back({"silence", i, false});
  return media;
}

TEST_CASE("cut: in silence the votes decide") {
  const auto context = without_position();
  SECTION("B starts where the remembered ones start") {
    const Media a = plain(0, 5) + silence(5, 10);
    const auto result = find(remember(from_a(a)), from_b(plain(3, 5) + silence(5, 20)), context);
    CHECK(result.sequence == next_of(a));
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
  SECTION("one that is like no other tells") {
    const Media a = plain(0, 6) + silence(6, 10);
    const auto result =
        find(remember(from_a(a)), from_b(silence(0, 3) + plain(3, 6) + silence(6, 20)), context);
    CHECK(result.sequence == next_of(a));
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
  SECTION("an offset that may still get more votes is waited for") {
    const auto speak = [](const std::string& letters, int from) {
      Media media;
      for (const char letter : letters) media.push_back({std::string(1, letter), from++, false});
      return media;
    };
    const auto result =
        find(remember(from_a(speak("HJHJJ", 5))), from_b(speak("JJHJJnew", 5)), context);
    CHECK(result.first == "n");
    const auto earlier =
        find(remember(from_a(speak("HJHJJ", 5))), from_b(speak("JJHJHJJnew", 3)), context);
    CHECK(earlier.first == "n");
  }
  SECTION("speech after long silence") {
    const Media a = silence(0, 30) + plain(30, 32);
    const auto result = find(remember(from_a(a)), from_b(silence(2, 30) + plain(30, 40)), context);
    CHECK(result.first == "32");
    CHECK(result.sequence == next_of(a));
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: in endless silence the timestamps decide") {
  const Media a = silence(0, 30);
  for (const int32_t error : {0, 100, -100, 1700, -1700}) {
    for (const int start : {0, 10, 26, 28}) {
      INFO(error << ' ' << start);
      const auto result = find(remember(from_a(a)), from_b(silence(start, 50)), with_position(error));
      CHECK(result.cut.method == CutMethod::kContent);
      CHECK(result.sequence == next_of(a));
      CHECK(result.cut.timestamp_offset == kExactOffset);
    }
  }
}

}  // namespace
}  // namespace midstream::rtp
