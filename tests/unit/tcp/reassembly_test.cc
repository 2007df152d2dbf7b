#include "lib/tcp/reassembly.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace midstream::tcp {
namespace {

const std::string kText = "PLAY rtsp://10.0.0.1/a RTSP/1.0";

// One stream is far from the wrap, one begins right before it, and one crosses it in the middle.
const TcpSequence kFirsts[] = {TcpSequence(1000), TcpSequence(0xffff'ffff), TcpSequence(0xffff'fff0),
                               TcpSequence(0x7fff'fff8)};

struct Piece {
  size_t begin, end;
};

std::unique_ptr<Reassembly> starting_at(TcpSequence first) {
  auto reassembly = std::make_unique<Reassembly>();
  reassembly->reset(first);
  return reassembly;
}

std::string read(Reassembly& reassembly) {
  const std::string text(as_text(reassembly.readable()));
  reassembly.consume(text.size());
  return text;
}

TEST_CASE("every order of arrival gives the same stream", "[tcp][reassembly]") {
  const std::vector<std::vector<Piece>> segmentations = {
      {{0, 5}, {5, 12}, {12, 13}, {13, 20}, {20, 31}},         // neighbours
      {{0, 8}, {4, 12}, {10, 22}, {21, 31}, {0, 31}},          // overlapping, and all of it again
      {{0, 31}, {3, 4}, {10, 20}, {10, 20}, {30, 31}},         // contained in each other
      {{0, 6}, {6, 9}, {5, 25}, {8, 10}, {24, 31}, {12, 14}},  // one bridges several
  };
  for (const TcpSequence first : kFirsts) {
    for (const auto& pieces : segmentations) {
      std::vector<size_t> order(pieces.size());
      std::iota(order.begin(), order.end(), size_t{0});
      do {
        auto stream = starting_at(first);
        size_t kept = 0;
        for (const size_t i : order) {
          const auto [begin, end] = pieces[i];
          kept += stream->insert(first + begin, as_bytes(kText).subspan(begin, end - begin));
        }
        REQUIRE(kept == kText.size());
        REQUIRE(as_text(stream->readable()) == kText);
        REQUIRE(stream->next_read() == first);
        REQUIRE(stream->next_expected() == first + kText.size());
      } while (std::next_permutation(order.begin(), order.end()));
    }
  }
}

TEST_CASE("every order of arrival gives the same stream to one who reads as it comes",
          "[tcp][reassembly]") {
  const std::vector<Piece> pieces = {{0, 6}, {6, 9}, {5, 25}, {8, 10}, {24, 31}, {12, 14}};
  for (const TcpSequence first : kFirsts) {
    std::vector<size_t> order(pieces.size());
    std::iota(order.begin(), order.end(), size_t{0});
    do {
      auto stream = starting_at(first);
      std::string text;
      for (const size_t i : order) {
        const auto [begin, end] = pieces[i];
        stream->insert(first + begin, as_bytes(kText).subspan(begin, end - begin));
        // Takes a part now and the rest later, so that islands move within the buffer.
        const size_t half = stream->readable().size() / 2;
        text += as_text(stream->readable().first(half));
        stream->consume(half);
        REQUIRE(stream->next_read() == first + text.size());
      }
      text += read(*stream);
      REQUIRE(text == kText);
      REQUIRE(stream->next_expected() == first + kText.size());
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("the first copy of a byte wins", "[tcp][reassembly]") {
  auto stream = starting_at(TcpSequence(100));
  CHECK(stream->insert(TcpSequence(103), as_bytes("def")) == 3);
  CHECK(stream->insert(TcpSequence(100), as_bytes("abcXXXg")) == 4);
  CHECK(stream->insert(TcpSequence(102), as_bytes("YYYYYh")) == 1);
  CHECK(as_text(stream->readable()) == "abcdefgh");
}

TEST_CASE("a segment partly below what was read brings only its new part", "[tcp][reassembly]") {
  auto stream = starting_at(TcpSequence(0xffff'fffe));
  stream->insert(TcpSequence(0xffff'fffe), as_bytes("abcd"));
  CHECK(read(*stream) == "abcd");
  CHECK(stream->insert(TcpSequence(0xffff'fffe), as_bytes("abcd")) == 0);
  CHECK(stream->insert(TcpSequence(0), as_bytes("cdef")) == 2);
  CHECK(read(*stream) == "ef");
  CHECK(stream->next_read() == TcpSequence(4));
}

TEST_CASE("what lies beyond the buffer is dropped and can come again", "[tcp][reassembly]") {
  const TcpSequence first(0xffff'f000);
  const std::vector<uint8_t> bytes(kReassemblyBytes + 100, 'x');
  auto stream = starting_at(first);

  CHECK(stream->insert(first + kReassemblyBytes, as_bytes("far")) == 0);
  CHECK(stream->insert(first + 0x4000'0000, as_bytes("farther")) == 0);
  CHECK_FALSE(stream->full());
  CHECK(stream->insert(first, bytes) == kReassemblyBytes);
  CHECK(stream->full());
  CHECK(stream->insert(first + kReassemblyBytes, as_bytes("y")) == 0);

  stream->consume(1);
  CHECK_FALSE(stream->full());
  CHECK(stream->insert(first + kReassemblyBytes, as_bytes("yz")) == 1);
  CHECK(stream->readable().back() == 'y');
  CHECK(stream->next_expected() == first + kReassemblyBytes + 1);
}

TEST_CASE("one hole too many is dropped, but filling the holes goes on", "[tcp][reassembly]") {
  const TcpSequence first(0xffff'fff0);
  const std::string text(2 * kReassemblyRanges + 3, 'x');
  auto stream = starting_at(first);
  for (size_t i = 0; i < kReassemblyRanges; ++i) {
    REQUIRE(stream->insert(first + 1 + 2 * i, as_bytes("x")) == 1);
  }
  const TcpSequence one_more = first + 1 + 2 * kReassemblyRanges;
  CHECK(stream->insert(one_more, as_bytes("x")) == 0);
  CHECK(stream->insert(first + 2, as_bytes("x")) == 1);  // joins two islands: a place is free
  CHECK(stream->insert(one_more, as_bytes("x")) == 1);
  CHECK(stream->readable().empty());
  CHECK(stream->insert(first, as_bytes(text)) == text.size() - kReassemblyRanges - 2);
  CHECK(as_text(stream->readable()) == text);
}

TEST_CASE("truncate forgets what follows, and it comes again", "[tcp][reassembly]") {
  auto stream = starting_at(TcpSequence(100));
  stream->insert(TcpSequence(100), as_bytes("abcdef"));
  stream->insert(TcpSequence(110), as_bytes("klm"));
  stream->consume(2);

  stream->truncate(TcpSequence(104));
  CHECK(as_text(stream->readable()) == "cd");
  CHECK(stream->next_expected() == TcpSequence(104));
  CHECK(stream->insert(TcpSequence(104), as_bytes("EFGHIJ")) == 6);
  CHECK(as_text(stream->readable()) == "cdEFGHIJ");  // "klm" is gone

  stream->truncate(TcpSequence(200));
  CHECK(as_text(stream->readable()) == "cdEFGHIJ");
  stream->truncate(TcpSequence(101));  // below what was read: only that stays
  CHECK(stream->readable().empty());
  CHECK(stream->next_expected() == TcpSequence(102));
}

TEST_CASE("skip_to forgets everything and goes on elsewhere", "[tcp][reassembly]") {
  auto stream = starting_at(TcpSequence(100));
  stream->insert(TcpSequence(100), as_bytes("abc"));
  stream->insert(TcpSequence(105), as_bytes("fgh"));
  stream->skip_to(TcpSequence(104));
  CHECK(stream->readable().empty());
  CHECK(stream->next_expected() == TcpSequence(104));
  CHECK(stream->insert(TcpSequence(104), as_bytes("E")) == 1);
  CHECK(as_text(stream->readable()) == "E");
}

}  // namespace
}  // namespace midstream::tcp
