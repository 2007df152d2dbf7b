#include "lib/base/bytes.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

namespace midstream {

TEST_CASE("numbers are stored most significant byte first and load again") {
  std::array<uint8_t, 8> bytes;
  store_be64(bytes.data(), 0xf1e2d3c4b5a69788);
  CHECK(bytes == std::array<uint8_t, 8>{0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0x88});
  CHECK(load_be64(bytes.data()) == 0xf1e2d3c4b5a69788);
  CHECK(load_be32(bytes.data()) == 0xf1e2d3c4);
  CHECK(load_be16(bytes.data()) == 0xf1e2);
}

TEST_CASE("a reader walks its span in network order") {
  const std::vector<uint8_t> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
  ByteReader reader(bytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  reader.skip(1);
  CHECK(reader.remaining() == 2);
  CHECK(as_text(reader.bytes(2)) == "\x11\x12");
  CHECK(reader.position() == bytes.size());
  CHECK(reader.ok());
}

TEST_CASE("a reader that runs past its end yields zeros from then on") {
  for (size_t size = 0; size < 8; ++size) {
    INFO("bytes there: " << size);
    const std::vector<uint8_t> bytes(size, 0xff);
    ByteReader reader(bytes);
    CHECK(reader.u64() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK(reader.bytes(0).empty());
    CHECK(reader.remaining() == size);
  }
}

TEST_CASE("a length that would wrap around does not pass") {
  const std::vector<uint8_t> bytes(4, 0xff);
  ByteReader reader(bytes);
  reader.u8();
  CHECK(reader.bytes(SIZE_MAX).empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a writer writes what a reader reads") {
  std::array<uint8_t, 18> out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.bytes(as_bytes("abc"));
  CHECK(writer.ok());
  CHECK(writer.position() == 18);
  CHECK(as_text(writer.written()) ==
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
        "abc");
}

TEST_CASE("a writer that runs past its end drops the bytes and says so") {
  std::array<uint8_t, 4> out{0xee, 0xee, 0xee, 0xee};
  ByteWriter writer(MutableBytes(out).first(3));
  writer.u16(0x0102);
  writer.u16(0x0304);
  writer.u8(0x05);  // would fit, but what came before is missing
  CHECK_FALSE(writer.ok());
  CHECK(writer.written().size() == 2);
  CHECK(out == std::array<uint8_t, 4>{0x01, 0x02, 0xee, 0xee});
}

TEST_CASE("nothing fits into nothing") {
  ByteWriter writer(MutableBytes{});
  writer.bytes({});
  CHECK(writer.ok());
  writer.u8(1);
  CHECK_FALSE(writer.ok());
}

}  // namespace midstream
