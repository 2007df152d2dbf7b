#include "tests/unit/rtp/cut_media.h"

namespace midstream::rtp {
namespace {

// After an accurate seek to frame `x` what lies before has its timestamp.
Packets clamped(Packets packets, int x) {
  const RtpTimestamp start = RtpTimestamp(kTimestampB) + x * int64_t{kFrame};
  for (Packet& p : packets) p.header.timestamp = later(p.header.timestamp, start);
  return packets;
}

// The answer to that seek names the place, frame `x`.
CutContext with_position_at(int x) {
  CutContext context = with_position();
  context.client_anchor = context.client_anchor + x * int64_t{kFrame};
  context.server_anchor = context.server_anchor + x * int64_t{kFrame};
  return context;
}

TEST_CASE("cut: clamped timestamps give no offset") {
  const Media a = plain(0, 10);
  const LastPackets last = remember(from_a(a));
  struct Row {
    const char* what;
    int x;  // B was asked for this frame
    std::vector<std::string> lost;
    uint32_t offset_with_position, offset_without;
  };
  for (const Row& row : {
           Row{"the newest is not clamped", 8, {}, kExactOffset, kExactOffset},
           Row{"the newest is at X", 9, {}, kExactOffset, kExactOffset},
           Row{"the newest but one is the newest match", 8, {"9"}, kExactOffset, kExactOffset},
           Row{"only clamped ones matched", 9, {"9"}, kExactOffset, kExactOffset},
           Row{"one matched, and that is clamped", 9, {"5", "6", "7", "9"}, kExactOffset, kExactOffset},
           Row{"all of A's are clamped", 10, {}, kExactOffset, kExactOffset},
       }) {
    INFO(row.what);
    const Packets b = clamped(from_b(plain(2, 20), row.lost), row.x);
    const auto with = find(last, b, with_position_at(row.x)),
               without = find(last, b, without_position());
    CHECK(with.first == "10");
    CHECK(with.sequence == next_of(a));
    CHECK(with.cut.timestamp_offset == row.offset_with_position);
    CHECK(without.first == "10");
    CHECK(without.cut.timestamp_offset == row.offset_without);
  }
}

TEST_CASE("cut: clamped frames of several packets") {
  for (size_t sent = 1; sent <= 3; ++sent) {
    INFO(sent);
    Media a = big_frames(0, 6, 3);
    a.resize(5 * 3 + sent);
    const Packets b = clamped(from_b(big_frames(0, 9, 3)), 5);  // A's newest frame has X's timestamp
    for (const auto& context : {without_position(), with_position_at(5)}) {
      const auto result = find(remember(from_a(a)), b, context);
      CHECK(result.first == (sent == 3 ? "6/0" : "5/" + std::to_string(sent)));
      CHECK(result.sequence == next_of(a));
      CHECK(result.cut.timestamp_offset == kExactOffset);
    }
  }
}

TEST_CASE("cut: a marker that overtakes its frame does not make it look clamped") {
  const Media a = big_frames(0, 10, 8);
  Packets b = from_b(big_frames(9, 15, 8));
  std::swap(b[6], b[7]);
  b.erase(b.begin() + 8, b.begin() + 16);  // frame 10 is lost: only the match tells the offset
  const auto result = find(remember(from_a(a)), b, without_position());
  CHECK(result.first == "11/0");
  CHECK(result.sequence == static_cast<uint16_t>(next_of(a) + 8));
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

TEST_CASE("cut: B-frames, in decode order") {
  // I0 P3 B1 B2 P6 B4 B5 P9 B7 B8 ...
  Media gop = {{"f0", 0}};
  for (int p = 3; p < 40; p += 3) {
    for (const int f : {p, p - 2, p - 1}) gop.push_back({"f" + std::to_string(f), f});
  }
  for (size_t sent = 6; sent < 20; ++sent) {
    INFO(sent);
    const Media a(gop.begin(), gop.begin() + sent);
    const auto same = find(remember(from_a(a)), from_b(gop), with_position());
    CHECK(same.first == gop[sent].payload);
    CHECK(same.cut.timestamp_offset == kExactOffset);

    Media repacked = gop;
    for (Unit& unit : repacked) unit.payload += "'";
    const auto other = find(remember(from_a(a)), from_b(repacked), with_position(1000));
    CHECK(other.cut.method == CutMethod::kTimestamp);
    CHECK(other.first == gop[sent].payload + "'");
    CHECK(other.sequence == next_of(a));
  }
}

TEST_CASE("cut: other packetisation is cut by access unit") {
  const Media a = big_frames(0, 10, 3);
  Media b = big_frames(5, 20, 4);
  for (Unit& unit : b) unit.payload += " otherwise";
  struct Row {
    const char* what;
    std::vector<std::string> lost;
    int32_t error;
    std::string first;
  };
  for (const Row& row : {
           Row{"whole", {}, 0, "10/0 otherwise"},
           Row{"nearly half a frame early", {}, 1790, "10/0 otherwise"},
           Row{"nearly half a frame late", {}, -1790, "10/0 otherwise"},
           Row{"the unit's first is lost", {"9/0 otherwise"}, 0, "10/0 otherwise"},
           Row{"the marker is lost", {"9/3 otherwise"}, 0, "10/0 otherwise"},
           Row{"the unit itself is lost",
               {"9/0 otherwise", "9/1 otherwise", "9/2 otherwise", "9/3 otherwise"},
               0,
               "10/0 otherwise"},
       }) {
    INFO(row.what);
    const auto result = find(remember(from_a(a)), from_b(b, row.lost), with_position(row.error));
    CHECK(result.first == row.first);
    CHECK(result.cut.method == CutMethod::kTimestamp);
    CHECK(result.sequence == next_of(a));
    CHECK(result.cut.timestamp_offset == kExactOffset + row.error);
  }
  CHECK(find(remember(from_a(a)), from_b(b), without_position()).first == "none");
}

TEST_CASE("cut: B's anchor may come while it is being looked for") {
  const LastPackets last = remember(from_a(plain(0, 10)));
  CutFinder finder;
  finder.reset(last, without_position());
  Media b = plain(6, 20);
  for (Unit& unit : b) unit.payload += " otherwise";
  std::string first;
  for (const Packet& p : from_b(b)) {
    if (p.payload == "8 otherwise") finder.set_context(with_position());
    CHECK_FALSE(finder.is_first_new(p.header, as_bytes(p.payload)));
    if (first.empty() && finder.holding()) first = p.payload;
  }
  CHECK(finder.accept());
  CHECK(first == "10 otherwise");
}

TEST_CASE("cut: giving up goes on at once, one frame after the newest") {
  const Media gop = {{"f0", 0}, {"f3", 3}, {"f1", 1}};
  CutFinder finder;
  finder.reset(remember(from_a(gop)), without_position());
  const Packet key_frame = from_b({{"key frame", 77}})[0];
  CHECK_FALSE(finder.is_first_new(key_frame.header, as_bytes(key_frame.payload)));
  REQUIRE(finder.give_up(key_frame.header));
  const Cut cut = finder.result();
  CHECK(cut.method == CutMethod::kKeyframe);
  CHECK((key_frame.header.sequence_number + cut.sequence_offset).value() == next_of(gop));
  CHECK(key_frame.header.timestamp + cut.timestamp_offset ==
        RtpTimestamp(kTimestampA) + 4 * int64_t{kFrame});
  CHECK_FALSE(finder.give_up(key_frame.header));
}

TEST_CASE("cut: if A sent nothing all is new, as RTP-Info announced it") {
  CutContext context = with_position();
  context.first_sequence = RtpSequence(500);
  const auto result = find({}, from_b(plain(0, 3)), context);
  CHECK(result.first == "0");
  CHECK(result.sequence == 500);
  CHECK(result.cut.method == CutMethod::kTimestamp);
  CHECK(result.cut.timestamp_offset == kExactOffset);

  const auto unknown = find({}, from_b(plain(0, 3)), without_position());
  CHECK(unknown.first == "0");
  CHECK(unknown.cut.method == CutMethod::kKeyframe);
  CHECK(unknown.cut.sequence_offset == 0);
  CHECK(unknown.cut.timestamp_offset == 0);
}

TEST_CASE("cut: other packetisation: a packet that comes twice begins one unit") {
  Media b = plain(0, 20);
  for (Unit& unit : b) unit.payload += " otherwise";
  Packets packets = from_b(b);
  packets.insert(packets.begin() + 9, packets[9]);
  const auto result = find(remember(from_a(plain(0, 10))), packets, with_position());
  CHECK(result.first == "10 otherwise");
}

// Of P3 B1 B2 P6 B4 the client has got all but P6: its number is lost for good.
TEST_CASE("cut: other packetisation: the last of A's is a B-frame of a picture that was lost") {
  Media a, b;
  for (const int frame : {0, 3, 1, 2, 6, 4, 5, 9, 7, 8}) {
    a.push_back({std::to_string(frame), frame});
    b.push_back({std::to_string(frame) + "'", frame});
  }
  a.resize(6);
  const LastPackets last = remember(send(a, kSequenceA, kTimestampA, {"6"}));
  for (const bool proven : {false, true}) {
    CutContext context = with_position();
    context.anchors_proven = proven;
    const auto result = find(last, from_b(b), context);
    CHECK(result.first == "5'");
    CHECK(result.sequence == next_of(a));
  }
}

// A's RTP-Info promised 500, B's speaks of its packet 0.
TEST_CASE("cut: if A sent nothing what B lost at its start stays lost") {
  const auto number = [](int stated, const std::vector<std::string>& lost, int32_t error = 0) {
    CutContext context = with_position(error);
    context.first_sequence = RtpSequence(500);
    context.server_first_sequence = RtpSequence(kSequenceB) + stated;
    return find({}, from_b(plain(0, 40), lost), context).sequence;
  };
  CHECK(number(0, {}) == 500);
  CHECK(number(0, {"0"}) == 501);
  CHECK(number(0, {"0", "1", "2"}) == 503);
  CHECK(number(-1, {}) == 500);                // one less than it has, as gst says after a seek
  CHECK(number(1, {}) == 500);                 // more than it has, ...
  CHECK(number(-17, {}) == 500);               // ... or far less: no word to go by
  CHECK(number(-2, {}, 200 * kFrame) == 500);  // nor that of a server whose timestamp is none

  CutContext live = with_position();
  live.first_sequence = RtpSequence(500);
  live.server_first_sequence = RtpSequence(kSequenceB);
  CutFinder finder;
  finder.reset({}, live);
  const Packets b = from_b(plain(0, 4));
  for (size_t i = 0; i < 3; ++i) finder.pass_over();  // no access points
  finder.cut_live(b[3].header, std::nullopt);
  CHECK((b[3].header.sequence_number + finder.result().sequence_offset).value() == 500);
}

TEST_CASE("cut: a live stream of which nothing came begins where its session is") {
  const Packets b = from_b(plain(0, 1));
  CutFinder finder;
  finder.reset({}, with_position());
  finder.cut_live(b[0].header, 12345);
  CHECK(finder.result().method == CutMethod::kLive);
  CHECK(finder.result().timestamp_offset == 12345);
}

// The picture's first packet is a NAL unit so small that both send it alike.
TEST_CASE("cut: B-frames in other packets, though the first of A's newest picture is the same") {
  const auto picture = [](int frame, const std::vector<std::string>& parts) {
    Media media;
    for (size_t i = 0; i < parts.size(); ++i)
      media.push_back({std::to_string(frame) + parts[i], frame, i + 1 == parts.size()});
    return media;
  };
  Media a, b;
  for (const int frame : {0, 3, 1, 2, 6}) {
    a = a + picture(frame, {"small", "A big", "A rest"});
    b = b + picture(frame, {"small", "B big", "B more", "B rest"});
  }
  for (const int frame : {4, 5, 9, 7}) b = b + picture(frame, {"small", "B big", "B rest"});
  const auto result = find(remember(from_a(a)), from_b(b), with_position());
  CHECK(result.first == "4small");
  CHECK(result.sequence == next_of(a));
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

TEST_CASE("cut: other packetisation: a late packet begins no unit") {
  const LastPackets last = remember(from_a(big_frames(0, 10, 3)));
  Media b = big_frames(9, 20, 4);
  for (Unit& unit : b) unit.payload += " otherwise";
  Packets packets = from_b(b);
  std::rotate(packets.begin(), packets.begin() + 1,
              packets.begin() + 4);  // the first behind the marker
  const auto result = find(last, packets, with_position());
  CHECK(result.first == "10/0 otherwise");
}

TEST_CASE("cut: a picture of which only parameter sets were sent is new") {
  LastPackets last;
  last.add(RtpSequence(kSequenceA), RtpTimestamp(kTimestampA), 1, false, true);
  last.add(RtpSequence(kSequenceA) + 1, RtpTimestamp(kTimestampA), 2, false, true);
  const auto result = find(last, from_b(big_frames(0, 10, 3)), with_position());
  CHECK(result.first == "0/0");
  CHECK(result.sequence == static_cast<uint16_t>(kSequenceA + 2));
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

// They are alike at every key frame: that they match says little.
TEST_CASE("cut: a picture of which only parameter sets were sent is new behind the same sets") {
  const Media sets = {{"SPS", 0, false}, {"PPS", 0, false}};
  LastPackets last;
  for (const Packet& p : send(sets, kSequenceA, kTimestampA))
    last.add(p.header.sequence_number, p.header.timestamp, payload_hash(as_bytes(p.payload)), false,
             true);
  const auto result = find(last, from_b(sets + big_frames(0, 10, 3)), with_position());
  CHECK(result.first == "0/0");
  CHECK(result.sequence == static_cast<uint16_t>(kSequenceA + 2));
  CHECK(result.cut.timestamp_offset == kExactOffset);
}

}  // namespace
}  // namespace midstream::rtp
