// Spans of bytes, and a reader and a writer in network byte order that never leave their span.
//
// A reader that runs past its end yields zeros and remembers it; check ok() once, at the end.
// A writer that runs past its end drops the bytes and remembers it likewise.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace midstream {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline uint16_t load_be16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t load_be32(const uint8_t* p) {
  return static_cast<uint32_t>(load_be16(p)) << 16 | load_be16(p + 2);
}
inline uint64_t load_be64(const uint8_t* p) {
  return static_cast<uint64_t>(load_be32(p)) << 32 | load_be32(p + 4);
}
inline void store_be16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v >> 8);
  p[1] = static_cast<uint8_t>(v);
}
inline void store_be32(uint8_t* p, uint32_t v) {
  store_be16(p, static_cast<uint16_t>(v >> 16));
  store_be16(p + 2, static_cast<uint16_t>(v));
}
inline void store_be64(uint8_t* p, uint64_t v) {
  store_be32(p, static_cast<uint32_t>(v >> 32));
  store_be32(p + 4, static_cast<uint32_t>(v));
}

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  uint8_t u8() { return take(1) ? bytes_[position_ - 1] : uint8_t{0}; }
  uint16_t u16() { return take(2) ? load_be16(&bytes_[position_ - 2]) : uint16_t{0}; }
  uint32_t u32() { return take(4) ? load_be32(&bytes_[position_ - 4]) : 0; }
  uint64_t u64() { return take(8) ? load_be64(&bytes_[position_ - 8]) : 0; }
  Bytes bytes(size_t n) { return take(n) ? bytes_.subspan(position_ - n, n) : Bytes{}; }
  void skip(size_t n) { take(n); }

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool ok() const { return ok_; }

 private:
  bool take(size_t n) {
    if (!ok_ || n > remaining()) return ok_ = false;
    position_ += n;
    return true;
  }

  Bytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes bytes) : bytes_(bytes) {}

  void u8(uint8_t v) {
    if (uint8_t* p = take(1)) *p = v;
  }
  void u16(uint16_t v) {
    if (uint8_t* p = take(2)) store_be16(p, v);
  }
  void u32(uint32_t v) {
    if (uint8_t* p = take(4)) store_be32(p, v);
  }
  void u64(uint64_t v) {
    if (uint8_t* p = take(8)) store_be64(p, v);
  }
  void bytes(Bytes source) {
    uint8_t* p = take(source.size());
    if (p != nullptr && !source.empty()) std::memcpy(p, source.data(), source.size());
  }

  size_t position() const { return position_; }
  Bytes written() const { return Bytes(bytes_).first(position_); }
  bool ok() const { return ok_; }

 private:
  uint8_t* take(size_t n) {
    if (!ok_ || n > bytes_.size() - position_) {
      ok_ = false;
      return nullptr;
    }
    position_ += n;
    return bytes_.data() + position_ - n;
  }

  MutableBytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace midstream
