// A string of bounded length that lives inside flat structs: no pointer, trivially copyable.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace midstream {

template <size_t Capacity>
class FixedString {
  static_assert(Capacity <= UINT16_MAX);

 public:
  // False, and unchanged, if the text does not fit.
  [[nodiscard]] bool assign(std::string_view text) {
    if (text.size() > Capacity) return false;
    std::memcpy(text_.data(), text.data(), text.size());
    size_ = static_cast<uint16_t>(text.size());
    return true;
  }
  void clear() { size_ = 0; }

  std::string_view view() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  uint16_t size_ = 0;
  std::array<char, Capacity> text_;
};

}  // namespace midstream
