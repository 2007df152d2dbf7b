// Normal play time (RFC 2326 3.6): nanoseconds from the start of the presentation, and the npt
// ranges of the Range header and SDP's a=range.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace midstream {

struct Npt {
  int64_t ns = 0;

  static constexpr Npt from_seconds(double s) { return {static_cast<int64_t>(s * 1e9)}; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }
  auto operator<=>(const Npt&) const = default;
  friend constexpr Npt operator+(Npt a, int64_t ns) { return {a.ns + ns}; }
  friend constexpr Npt operator-(Npt a, int64_t ns) { return {a.ns - ns}; }
  friend constexpr int64_t operator-(Npt a, Npt b) { return a.ns - b.ns; }
};

// "npt=10.5-20", "npt=-20", "npt=now-", "npt=0:01:30.5-"; blanks where servers put them.
struct NptRange {
  bool from_now = false;  // "now": live
  std::optional<Npt> start;
  std::optional<Npt> end;
};

std::optional<Npt> parse_npt(std::string_view text);  // npt-sec or npt-hhmmss; exact decimal
std::optional<NptRange> parse_npt_range(
    std::string_view text);      // the header's whole value, with ";time=" or not
std::string print_npt(Npt npt);  // "10.02": shortest exact decimal seconds

}  // namespace midstream
