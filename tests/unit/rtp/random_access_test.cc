#include "lib/rtp/random_access.h"

#include <catch2/catch.hpp>
#include <vector>

namespace midstream::rtp {
namespace {

using Payload = std::vector<uint8_t>;

TEST_CASE("a decoder of H.264 can begin with parameter sets or an IDR picture's first slice") {
  struct {
    const char* what;
    Payload payload;
    bool begins;
  } const cases[] = {
      {"sequence parameter set", {0x67, 0x42}, true},
      {"picture parameter set", {0x68, 0xce}, true},
      {"IDR slice, the first", {0x65, 0x88}, true},
      {"IDR slice, not the first", {0x65, 0x40}, false},
      {"other slice", {0x41, 0x9a}, false},
      {"supplemental information", {0x06, 0x05}, false},
      {"aggregate of parameter sets", {0x78, 0x00, 0x02, 0x67, 0x42, 0x00, 0x02, 0x68, 0xce}, true},
      {"aggregate of other slices", {0x78, 0x00, 0x02, 0x41, 0x9a}, false},
      {"first fragment of an IDR slice", {0x7c, 0x85, 0x88}, true},
      {"first fragment of a later IDR slice", {0x7c, 0x85, 0x40}, false},
      {"middle fragment of an IDR slice", {0x7c, 0x05, 0x88}, false},
      {"last fragment of an IDR slice", {0x7c, 0x45, 0x88}, false},
      {"first fragment of another slice", {0x7c, 0x81, 0x9a}, false},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(begins_random_access(Codec::kH264, c.payload) == c.begins);
  }
}

TEST_CASE("a decoder of H.265 can begin with parameter sets or an IRAP picture's first slice") {
  struct {
    const char* what;
    Payload payload;
    bool begins;
  } const cases[] = {
      {"video parameter set", {0x40, 0x01, 0x0c}, true},
      {"sequence parameter set", {0x42, 0x01, 0x01}, true},
      {"picture parameter set", {0x44, 0x01, 0xc0}, true},
      {"IDR slice, the first", {0x26, 0x01, 0xaf}, true},
      {"clean random access, the first slice", {0x2a, 0x01, 0x80}, true},
      {"IDR slice, not the first", {0x26, 0x01, 0x2f}, false},
      {"trailing picture", {0x02, 0x01, 0xd0}, false},
      {"access unit delimiter", {0x46, 0x01, 0x50}, false},
      {"aggregate of parameter sets", {0x60, 0x01, 0x00, 0x03, 0x40, 0x01, 0x0c}, true},
      {"aggregate of trailing pictures", {0x60, 0x01, 0x00, 0x03, 0x02, 0x01, 0xd0}, false},
      {"first fragment of an IDR slice", {0x62, 0x01, 0x93, 0xaf}, true},
      {"middle fragment of an IDR slice", {0x62, 0x01, 0x13, 0xaf}, false},
      {"first fragment of a trailing picture", {0x62, 0x01, 0x81, 0xd0}, false},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(begins_random_access(Codec::kH265, c.payload) == c.begins);
  }
}

TEST_CASE("a decoder of JPEG can begin with any frame, but at its beginning") {
  CHECK(begins_random_access(Codec::kJpeg, Payload{0, 0, 0, 0, 1, 80, 40, 30}));
  CHECK_FALSE(begins_random_access(Codec::kJpeg, Payload{0, 0, 5, 0x78, 1, 80, 40, 30}));
}

TEST_CASE("of an unknown codec every packet will do") {
  CHECK(begins_random_access(Codec::kOther, Payload{}));
  CHECK(codec_of("MPEG4-GENERIC") == Codec::kOther);
  CHECK(codec_of("H264") == Codec::kH264);
  CHECK(codec_of("H265") == Codec::kH265);
  CHECK(codec_of("JPEG") == Codec::kJpeg);
}

TEST_CASE("what is cut short begins nothing") {
  const Payload whole[] = {{0x65, 0x88}, {0x7c, 0x85, 0x88}};
  for (const Payload& payload : whole) {
    for (size_t n = 0; n < payload.size(); ++n)
      CHECK_FALSE(begins_random_access(Codec::kH264, Bytes(payload).first(n)));
  }
  const Payload h265[] = {{0x26, 0x01, 0xaf}, {0x62, 0x01, 0x93, 0xaf}};
  for (const Payload& payload : h265) {
    for (size_t n = 0; n < payload.size(); ++n)
      CHECK_FALSE(begins_random_access(Codec::kH265, Bytes(payload).first(n)));
  }
  for (size_t n = 0; n < 8; ++n) CHECK_FALSE(begins_random_access(Codec::kJpeg, Payload(n)));
}

TEST_CASE("what precedes a picture and is none of it") {
  const auto precedes = [](Codec codec, std::vector<uint8_t> payload) {
    return precedes_picture(codec, payload);
  };
  for (const int type : {0x06, 0x67, 0x68, 0x09})
    CHECK(precedes(Codec::kH264, {static_cast<uint8_t>(type), 0}));
  for (const int type : {0x41, 0x65, 0x7c, 0x78})
    CHECK_FALSE(precedes(Codec::kH264, {static_cast<uint8_t>(type), 0x80}));
  for (const int type : {32, 33, 34, 35, 39})
    CHECK(precedes(Codec::kH265, {static_cast<uint8_t>(type << 1), 1}));
  for (const int type : {1, 19, 40, 48, 49})
    CHECK_FALSE(precedes(Codec::kH265, {static_cast<uint8_t>(type << 1), 1}));
  CHECK_FALSE(precedes(Codec::kOther, {0x67}));
  CHECK_FALSE(precedes(Codec::kH264, {}));
}

}  // namespace
}  // namespace midstream::rtp
