#include "lib/tcp/edits.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/base/random.h"

namespace midstream::tcp {
namespace {

TcpSequence at(uint32_t value) { return TcpSequence(value); }

// The worked example of the header.
EditList example() {
  EditList edits;
  edits.reset(at(1000), at(5000));
  REQUIRE(edits.add(at(1010), 8, "0123456789abcdef"));
  return edits;
}

std::string apply(const EditList& edits, TcpSequence sequence, std::string_view text) {
  std::vector<uint8_t> out(text.size() + kInsertedRoom);
  const size_t size = edits.apply(sequence, as_bytes(text), out);
  REQUIRE(size != SIZE_MAX);
  return std::string(as_text(Bytes(out).first(size)));
}

TEST_CASE("positions map as in the header's example", "[tcp][edits]") {
  const EditList edits = example();
  struct Row {
    uint32_t input, output;
  };
  for (const Row row : {Row{990, 4990},
                        {1000, 5000},
                        {1010, 5010},
                        {1011, 5026},
                        {1017, 5026},
                        {1018, 5026},
                        {1019, 5027},
                        {1020, 5028}}) {
    CAPTURE(row.input);
    CHECK(edits.to_output(at(row.input)) == at(row.output));
  }
}

TEST_CASE("an acknowledgement inside an insertion claims nothing of the edit", "[tcp][edits]") {
  const EditList edits = example();
  struct Row {
    uint32_t output, input, left_edge;
  };
  for (const Row row : {Row{4990, 990, 990},
                        {5009, 1009, 1009},
                        {5010, 1010, 1010},
                        {5011, 1010, 1018},
                        {5025, 1010, 1018},
                        {5026, 1018, 1018},
                        {5027, 1019, 1019}}) {
    CAPTURE(row.output);
    CHECK(edits.to_input(at(row.output)) == at(row.input));
    CHECK(edits.to_input_left_edge(at(row.output)) == at(row.left_edge));
  }
}

TEST_CASE("segments come out as in the header's example", "[tcp][edits]") {
  const EditList edits = example();
  const std::string text = "abcdefghijREPLACEDstuvwxyzABCD";  // 1000..1029
  CHECK(apply(edits, at(1000), text.substr(0, 14)) == "abcdefghij0123456789abcdef");
  CHECK(apply(edits, at(1014), text.substr(14)) == "stuvwxyzABCD");
  CHECK(apply(edits, at(1011), text.substr(11, 5)).empty());
  CHECK(apply(edits, at(1000), text.substr(0, 10)) == "abcdefghij");
  CHECK(apply(edits, at(1010), "").empty());
}

TEST_CASE("a pure insertion leaves with the byte at its position", "[tcp][edits]") {
  EditList edits;
  edits.reset(at(100), at(100));
  REQUIRE(edits.add(at(103), 0, "XY"));
  CHECK(apply(edits, at(100), "abc") == "abc");
  CHECK(apply(edits, at(103), "def") == "XYdef");
  CHECK(edits.to_output(at(103)) == at(103));
  CHECK(edits.to_output(at(104)) == at(106));
  CHECK(edits.to_input(at(103)) == at(103));
  CHECK(edits.to_input(at(104)) == at(103));
  CHECK(edits.to_input(at(105)) == at(103));
  CHECK(edits.to_input(at(106)) == at(104));
}

TEST_CASE("whoever acknowledges up to a pure removal acknowledges what is removed", "[tcp][edits]") {
  EditList edits;
  edits.reset(at(100), at(100));
  REQUIRE(edits.add(at(103), 4, ""));
  CHECK(apply(edits, at(100), "abc----hi") == "abchi");
  CHECK(edits.to_input(at(102)) == at(102));
  CHECK(edits.to_input(at(103)) == at(107));
  CHECK(edits.to_input(at(104)) == at(108));
}

TEST_CASE("edits may touch each other", "[tcp][edits]") {
  EditList edits;
  edits.reset(at(0xffff'fffe), at(10));  // input wraps behind "ab"
  REQUIRE(edits.add(at(0), 2, "12345"));
  REQUIRE(edits.add(at(2), 0, "insert"));
  REQUIRE(edits.add(at(2), 1, ""));
  REQUIRE(edits.add(at(3), 1, "Z"));
  CHECK(apply(edits, at(0xffff'fffe), "ab__-?cd") == "ab12345insertZcd");
  CHECK(apply(edits, at(0xffff'ffff), "b_") == "b12345");
  CHECK(apply(edits, at(1), "_-?c") == "insertZc");
  CHECK(edits.to_output(at(2)) == at(17));
  CHECK(edits.to_output(at(3)) == at(23));
  CHECK(edits.to_output(at(4)) == at(24));
}

TEST_CASE("what does not fit changes nothing", "[tcp][edits]") {
  EditList edits;
  edits.reset(at(0), at(0));
  CHECK_FALSE(edits.add(at(0), 1, std::string(kMaxInsertedBytes + 1, 'x')));
  CHECK(edits.add(at(0), 0, ""));  // no edit at all
  CHECK(edits.free() == kMaxEdits);
  for (uint32_t i = 0; i < kMaxEdits; ++i) REQUIRE(edits.add(at(10 * i), 5, "x"));
  CHECK(edits.free() == 0);
  CHECK_FALSE(edits.add(at(1000), 1, "x"));
  CHECK(edits.to_output(at(1002)) == at(1002 - 4 * kMaxEdits));

  EditList overlapping = example();
  CHECK_FALSE(overlapping.add(at(1017), 1, "x"));
  CHECK_FALSE(overlapping.add(at(1000), 1, "x"));
  CHECK(overlapping.to_output(at(1020)) == at(5028));

  std::array<uint8_t, 25> out;
  CHECK(example().apply(at(1000), as_bytes("abcdefghijREPL"), out) == SIZE_MAX);
  CHECK(example().apply(at(1001), as_bytes("bcdefghijREPL"), out) == 25);
}

TEST_CASE("an edit stays until its whole insertion is acknowledged", "[tcp][edits]") {
  EditList edits = example();
  REQUIRE(edits.add(at(1030), 10, "x"));
  edits.acknowledge(at(5025));
  CHECK(edits.free() == kMaxEdits - 2);
  CHECK(apply(edits, at(1009), "jREPLACEDs") == "j0123456789abcdefs");

  edits.acknowledge(at(5026));
  CHECK(edits.free() == kMaxEdits - 1);
  CHECK(edits.to_output(at(1020)) == at(5028));
  CHECK(edits.to_output(at(1040)) == at(5039));

  edits.acknowledge(at(5039));
  CHECK(edits.free() == kMaxEdits);
  CHECK(edits.to_output(at(1041)) == at(5040));
  // A late retransmission of what lies below: all of it is what the receiver has already.
  CHECK(edits.to_output(at(1040)) == at(5039));
  CHECK(apply(edits, at(1036), "0123456") == "0123456");
  CHECK(edits.to_output(at(1036)) == at(5035));
}

TEST_CASE("without edits the base may lie any distance back", "[tcp][edits]") {
  EditList edits;
  edits.reset(at(1000), at(5000));
  const TcpSequence far = at(1000 + 0x9000'0000);  // more than half the circle
  CHECK(edits.to_output(far) == far + 4000);
  CHECK(edits.to_input(far) == far - 4000);
  REQUIRE(edits.add(far, 2, "four"));
  CHECK(edits.to_output(far - 1) == far + 3999);
  CHECK(edits.to_output(far + 3) == far + 4005);
  edits.acknowledge(far + 4004);
  CHECK(edits.free() == kMaxEdits);
  CHECK(edits.to_output(far + 3) == far + 4005);
}

// A sender's stream, random edits of it, and the one right output.
struct Story {
  TcpSequence input, output;
  std::string text, expected;
  EditList edits;
  std::vector<bool> removed;  // per byte of text
};

Story random_story(Random& random) {
  static const TcpSequence kStarts[] = {at(1000), at(0xffff'ff80), at(0x7fff'ff80), at(0)};
  Story story;
  story.input = kStarts[random.between(0, 3)];
  story.output = kStarts[random.between(0, 3)] + random.between(0, 200);
  story.edits.reset(story.input, story.output);
  const uint32_t size = random.between(1, 400);
  story.removed.assign(size, false);
  for (uint32_t i = 0; i < size; ++i) story.text += static_cast<char>('a' + i % 26);
  uint32_t done = 0;
  while (story.edits.free() > 0) {
    const uint32_t position = done + (random.between(0, 3) == 0 ? 0 : random.between(0, 40));
    const uint32_t removed = random.between(0, 2) == 0 ? 0 : random.between(0, 20);
    if (position >= size || position + removed > size) break;
    const std::string inserted(random.between(0, 1) * random.between(0, 30),
                               static_cast<char>('A' + random.between(0, 25)));
    REQUIRE(story.edits.add(story.input + position, removed, inserted));
    story.expected += story.text.substr(done, position - done) + inserted;
    done = position + removed;
    std::fill_n(story.removed.begin() + position, removed, true);
  }
  story.expected += story.text.substr(done);
  return story;
}

TEST_CASE("however the sender cuts and repeats, the output is the same", "[tcp][edits]") {
  Random random(7);
  for (int run = 0; run < 3000; ++run) {
    CAPTURE(run);
    const Story story = random_story(random);
    const uint32_t size = static_cast<uint32_t>(story.text.size());
    std::string received(story.expected.size(), '\0');
    const auto send = [&](uint32_t begin, uint32_t end) {
      const std::string out = apply(story.edits, story.input + begin,
                                    std::string_view(story.text).substr(begin, end - begin));
      const auto place = story.edits.output_begin(story.input + begin) - story.output;
      REQUIRE(place >= 0);
      REQUIRE(place + out.size() <= received.size());
      // Each segment alone is right, and ends where the next one begins.
      REQUIRE(out == story.expected.substr(static_cast<size_t>(place), out.size()));
      REQUIRE(story.edits.to_output(story.input + end) - story.output ==
              static_cast<int32_t>(place + out.size()));
      received.replace(static_cast<size_t>(place), out.size(), out);
    };
    for (uint32_t begin = 0, end = 0; begin < size; begin = end) {
      end = random.between(begin + 1, size);
      send(begin, end);
      const uint32_t again = random.between(0, begin);
      send(again, random.between(again, size));
    }
    REQUIRE(received == story.expected);
  }
}

TEST_CASE("there and back again loses only what is removed", "[tcp][edits]") {
  Random random(8);
  for (int run = 0; run < 1000; ++run) {
    CAPTURE(run);
    const Story story = random_story(random);
    TcpSequence previous_out = story.output, previous_in = story.input;
    for (uint32_t i = 0; i < story.text.size(); ++i) {
      const TcpSequence input = story.input + i;
      const TcpSequence there = story.edits.to_output(input);
      const TcpSequence back = story.edits.to_input(there);
      REQUIRE(there >= previous_out);
      REQUIRE(back >= input);
      // Between the two lie removed bytes only.
      for (uint32_t j = i; story.input + j < back; ++j) REQUIRE(story.removed.at(j));
      previous_out = there;
    }
    for (uint32_t i = 0; i <= story.expected.size(); ++i) {
      const TcpSequence output = story.output + i;
      const TcpSequence acknowledged = story.edits.to_input(output);
      REQUIRE(acknowledged >= previous_in);
      REQUIRE(story.edits.to_output(acknowledged) <= output);  // claims no more than has arrived
      REQUIRE(story.edits.to_input_left_edge(output) >= acknowledged);
      previous_in = acknowledged;
    }
    REQUIRE(previous_in >= story.input + story.text.size());
  }
}

TEST_CASE("folding changes nothing above the acknowledgement", "[tcp][edits]") {
  Random random(9);
  for (int run = 0; run < 1000; ++run) {
    CAPTURE(run);
    const Story story = random_story(random);
    EditList folded = story.edits;
    for (uint32_t acknowledged = 0; acknowledged <= story.expected.size();
         acknowledged += random.between(1, 60)) {
      folded.acknowledge(story.output + acknowledged);
      REQUIRE(folded.free() >= story.edits.free());
      const TcpSequence input = story.edits.to_input(story.output + acknowledged);
      for (TcpSequence i = input + 1; i < story.input + story.text.size(); i += 1) {
        REQUIRE(folded.to_output(i) == story.edits.to_output(i));
      }
      for (size_t o = acknowledged; o <= story.expected.size(); ++o) {
        REQUIRE(folded.to_input(story.output + o) == story.edits.to_input(story.output + o));
      }
      // A retransmission from any place brings the receiver what it has not yet, and only that.
      const uint32_t begin = random.between(0, static_cast<uint32_t>(story.text.size()));
      const std::string out =
          apply(folded, story.input + begin, std::string_view(story.text).substr(begin));
      const int32_t place = folded.output_begin(story.input + begin) - story.output;
      const size_t known = static_cast<size_t>(std::max(0, static_cast<int32_t>(acknowledged) - place));
      REQUIRE(place + out.size() == story.expected.size());
      if (known < out.size()) {
        REQUIRE(out.substr(known) == story.expected.substr(place + known));
      }
    }
    folded.acknowledge(story.output + story.expected.size());
    REQUIRE(folded.free() == kMaxEdits);
  }
}

}  // namespace
}  // namespace midstream::tcp
