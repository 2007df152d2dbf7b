// A string of bounded length that lives inside flat structs: no pointer, trivially copyable.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace midstream {

template <size_t Capacity>
class FixedString {
  static_assert(Capacity <= UINT16_MAX);

 public:
  // False, and unchanged, if the text does not fit.
  [[nodiscard]] bool assign(std::string_view text) {
    if (text.size() > Capacity) return false;
    std::copy(text.begin(), text.end(), text_.begin());  // an empty view may have no data at all
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
