// Seconds in decimal, exact to the nanosecond, apart from the product's code.
#pragma once

#include <fmt/format.h>

#include <string>

#include "lib/base/time.h"

namespace midstream::scenario {

// "3.48" -> 3480 ms. Digits and at most one dot; anything else ends the number.
inline Duration read_seconds(const std::string& text) {
  int64_t ns = 0, unit = 1'000'000'000;
  bool fraction = false;
  for (char c : text) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c < '0' || c > '9') {
      break;
    } else if (!fraction) {
      ns = ns * 10 + (c - '0') * unit;
    } else if ((unit /= 10) > 0) {
      ns += (c - '0') * unit;
    }
  }
  return Duration(ns);
}

inline std::string write_seconds(Duration d) {
  std::string text = fmt::format("{}.{:09}", d.count() / 1'000'000'000, d.count() % 1'000'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace midstream::scenario
