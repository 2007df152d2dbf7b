// RTP-Info may name the timestamp of NPT 0 instead of the position's. Content does not care; a cut by
// timestamp would be off by the whole position.
#include "tests/unit/rtp/cut_media.h"

namespace midstream::rtp {
namespace {

constexpr int kTolerance = static_cast<int>(kAnchorToleranceSeconds * kRate);
constexpr int kAsked = 108;  // the frame that B was asked to start at; A died after frame 109

// Other packetisation: no content matches.
Media otherwise(Media media) {
  for (Unit& unit : media) unit.payload += " otherwise";
  return media;
}

LastPackets last_of_a() { return remember(from_a(big_frames(100, 110, 3))); }
constexpr uint16_t kNextOfA = static_cast<uint16_t>(kSequenceA + 30);

// B says that it starts at frame kAsked, and that this has the timestamp of frame 0 + `stated` ticks.
CutContext stating(int64_t stated) {
  CutContext context = without_position();
  context.has_position = true;
  context.client_anchor = RtpTimestamp(kTimestampA) + kAsked * int64_t{kFrame};
  context.server_anchor = RtpTimestamp(kTimestampB) + stated;
  return context;
}
constexpr int64_t kTruth = kAsked * int64_t{kFrame};

TEST_CASE("cut: a stated timestamp that B's first packet contradicts is not believed") {
  struct Row {
    const char* what;
    int64_t stated;
  };
  for (const Row row : {
           Row{"the truth", kTruth},
           Row{"that of NPT 0", 0},
           Row{"none, so 0", -int64_t{kTimestampB}},
           Row{"just out of tolerance, early", kTruth - kTolerance - 1},
           Row{"just out of tolerance, late", kTruth + kTolerance + 1},
           Row{"a quarter of the circle ahead", int64_t{1} << 30},
           Row{"nearly half the circle off", kTruth - 0x7fff'ffff},
           Row{"just half the circle off", kTruth - (int64_t{1} << 31)},
       }) {
    INFO(row.what);
    const Packets b = from_b(otherwise(big_frames(kAsked, 120, 4)));
    const auto result = find(last_of_a(), b, stating(row.stated));
    CHECK(result.cut.method == CutMethod::kTimestamp);
    CHECK(result.first == "110/0 otherwise");
    CHECK(result.sequence == kNextOfA);
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: a stated timestamp holds if B begins up to two seconds off, at a key frame") {
  static_assert(kTolerance == 50 * kFrame);
  for (const int first : {kAsked - 50, kAsked - 12, kAsked - 1, kAsked}) {
    INFO(first);
    const Packets b = from_b(otherwise(big_frames(first, 120, 4)));
    const auto result = find(last_of_a(), b, stating(kTruth));
    CHECK(result.cut.method == CutMethod::kTimestamp);
    CHECK(result.first == "110/0 otherwise");
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: only B's first packet may contradict") {
  // Four seconds pass between the first packet and the cut; the anchor stays what it was.
  const LastPackets last = remember(from_a(big_frames(kAsked, kAsked + 100, 3)));
  const Packets b = from_b(otherwise(big_frames(kAsked, kAsked + 110, 4)));
  const auto result = find(last, b, stating(0));
  CHECK(result.first == "208/0 otherwise");
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

TEST_CASE("cut: content that matches does not care what B stated") {
  for (const int64_t stated : {kTruth, int64_t{0}, int64_t{1} << 30}) {
    INFO(stated);
    const Packets b = from_b(big_frames(kAsked, 120, 3));
    const auto result = find(last_of_a(), b, stating(stated));
    CHECK(result.cut.method == CutMethod::kContent);
    CHECK(result.first == "110/0");
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: without a packet of A's, B's first is the position, whatever B stated") {
  for (const int64_t stated : {kTruth, int64_t{0}, int64_t{1} << 30}) {
    INFO(stated);
    CutContext context = stating(stated);
    context.first_sequence = RtpSequence(65535);
    const auto result = find({}, from_b(plain(kAsked, 120)), context);
    CHECK(result.cut.method == CutMethod::kTimestamp);
    CHECK(result.first == std::to_string(kAsked));
    CHECK(result.sequence == 65535);
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE("cut: a server that states no timestamp begins at the client's") {
  CutContext context = stating(kTruth + kFrame);  // near enough to be believed, were it stated
  context.server_anchor_known = false;
  const Packets b = from_b(plain(kAsked, 120));
  const auto result = find({}, b, context);
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

TEST_CASE("cut: what an accurate seek clamps has the timestamp of the place, whatever B stated") {
  for (const int64_t stated : {kTruth, kTruth - 20 * kFrame, kTruth + 20 * kFrame}) {
    INFO(stated);
    Packets b = from_b(otherwise(big_frames(kAsked - 10, 120, 4)));
    const RtpTimestamp place = RtpTimestamp(kTimestampB) + kTruth;
    for (Packet& p : b) p.header.timestamp = later(p.header.timestamp, place);
    const auto result = find(last_of_a(), b, stating(stated));
    CHECK(result.cut.method == CutMethod::kTimestamp);
    CHECK(result.first == "110/0 otherwise");
    CHECK(result.cut.timestamp_offset == kExactOffset);
  }
}

TEST_CASE(
    "cut: a proposal is in doubt if B's place is but an echo, and nothing shows an accurate seek") {
  for (const bool echoed : {false, true})
    for (const bool clamps : {false, true}) {
      CutContext context = stating(kTruth);
      context.position_echoed = echoed;
      Packets b = from_b(otherwise(big_frames(kAsked - 10, 120, 4)));
      if (clamps)
        for (Packet& p : b)
          p.header.timestamp = later(p.header.timestamp, RtpTimestamp(kTimestampB) + kTruth);
      CutFinder finder;
      finder.reset(last_of_a(), context);
      for (const Packet& p : b) (void)finder.is_first_new(p.header, as_bytes(p.payload));
      REQUIRE(finder.holding());
      CHECK(finder.proposal_in_doubt() == (echoed && !clamps));
    }
}

TEST_CASE("cut: a stated timestamp of NPT 0 is known by its distance") {
  constexpr int kPlace = 20;  // frames: less than the tolerance
  const LastPackets last = remember(from_a(big_frames(0, kPlace + 2, 3)));
  CutContext context = stating(0);
  context.client_anchor = RtpTimestamp(kTimestampA) + kPlace * int64_t{kFrame};
  context.ticks_since_beginning = kPlace * int64_t{kFrame};
  const auto result = find(last, from_b(otherwise(big_frames(kPlace, 40, 4))), context);
  CHECK(result.first == "22/0 otherwise");
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

TEST_CASE("cut: what B repeats of A was lost; its timestamps tell what is new") {
  const LastPackets last = remember(from_a({{"0", 0}}));
  const Packets b = from_b(plain(0, 10), {"0"});
  const auto result = find(last, b, with_position());
  CHECK(result.first == "1");
  CHECK(result.cut.timestamp_offset == kExactOffset);
  for (const bool stated : {true, false}) {  // a clock that B's first packet must tell is in doubt
    CutContext context = with_position();
    context.server_anchor_known = stated;
    context.client_anchor = RtpTimestamp(kTimestampA) + int64_t{kFrame};
    CutFinder finder;
    finder.reset(last, context);
    for (const Packet& p : b) CHECK_FALSE(finder.is_first_new(p.header, as_bytes(p.payload)));
    CHECK(finder.holding());
    CHECK(finder.proposal_in_doubt() == !stated);
  }
}

TEST_CASE("cut: what another stream's content has shown of B's place is taken at once") {
  CutContext context = stating(kTruth - 10 * kFrame);  // B begins there and says that it is kAsked
  context.position_echoed = true;
  const Packets b = from_b(otherwise(big_frames(kAsked - 10, 120, 4)));
  CutFinder finder;
  finder.reset(last_of_a(), context);
  std::vector<Packet> kept;
  for (const Packet& p : b) {
    REQUIRE_FALSE(finder.is_first_new(p.header, as_bytes(p.payload)));
    if (finder.holding()) kept.push_back(p);
  }
  REQUIRE(kept.front().payload == "100/0 otherwise");  // ten frames too early, and it does not know
  finder.correct_anchors(RtpTimestamp(kTimestampA) + 77 * int64_t{kFrame},
                         RtpTimestamp(kTimestampB) + 77 * int64_t{kFrame});
  CHECK_FALSE(finder.holding());
  const auto first = std::ranges::find_if(
      kept, [&](const Packet& p) { return finder.is_first_new(p.header, as_bytes(p.payload)); });
  REQUIRE(first != kept.end());
  CHECK(first->payload == "110/0 otherwise");
  CHECK(finder.result().timestamp_offset == kExactOffset);
}

// Reports count whole ticks, of the other stream's clock too: they confirm the place, no more.
TEST_CASE("cut: what another stream's content says but for rounding leaves the exact timestamps") {
  for (const int32_t ticks : {-5, 0, 5}) {
    for (const int frames_early : {0, 10}) {
      CutContext context = stating(kTruth - frames_early * int64_t{kFrame});
      context.position_echoed = true;
      const Packets b = from_b(otherwise(big_frames(kAsked - frames_early, 120, 4)));
      CutFinder finder;
      finder.reset(last_of_a(), context);
      std::vector<Packet> kept;
      for (const Packet& p : b) {
        REQUIRE_FALSE(finder.is_first_new(p.header, as_bytes(p.payload)));
        if (finder.holding()) kept.push_back(p);
      }
      finder.correct_anchors(RtpTimestamp(kTimestampA) + 77 * int64_t{kFrame} + ticks,
                             RtpTimestamp(kTimestampB) + 77 * int64_t{kFrame});
      const auto first = std::ranges::find_if(
          kept, [&](const Packet& p) { return finder.is_first_new(p.header, as_bytes(p.payload)); });
      REQUIRE(first != kept.end());
      CHECK(first->payload == "110/0 otherwise");
      CHECK(finder.result().timestamp_offset == kExactOffset);
    }
  }
}

}  // namespace
}  // namespace midstream::rtp
