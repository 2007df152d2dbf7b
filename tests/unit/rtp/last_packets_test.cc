#include "tests/unit/rtp/cut_media.h"

namespace midstream::rtp {
namespace {

TEST_CASE("last packets: the highest sequence number is the newest, late ones find their place") {
  LastPackets last;
  const auto add = [&](uint16_t sequence) {
    last.add(RtpSequence(sequence), RtpTimestamp(sequence), sequence, false);
  };
  for (const int sequence : {65533, 65535, 65534, 2, 1, 0, 1}) add(static_cast<uint16_t>(sequence));
  REQUIRE(last.size() == kLastPackets);
  const std::vector<uint16_t> expected = {2, 1, 0, 65535, 65534};
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(last.newest(i).sequence == RtpSequence(expected[i]));
    CHECK(last.newest(i).timestamp == RtpTimestamp(expected[i]));
    CHECK(last.newest(i).hash == expected[i]);
  }
  add(65530);  // older than all
  CHECK(last.newest(4).sequence == RtpSequence(65534));

  add(60000);  // no lateness explains this: the sequence starts anew
  CHECK(last.size() == 1);
  CHECK(last.newest(0).sequence == RtpSequence(60000));
}

TEST_CASE("payload hash: every bit and the length count") {
  std::vector<uint8_t> payload(100, 0);
  const uint32_t hash = payload_hash(payload);
  for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
    payload[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    CHECK(payload_hash(payload) != hash);
    payload[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  for (size_t size = 0; size < 100; ++size) CHECK(payload_hash(Bytes(payload).first(size)) != hash);
}

}  // namespace
}  // namespace midstream::rtp
