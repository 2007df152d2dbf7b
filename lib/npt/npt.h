// Normal play time (RFC 2326 3.6): nanoseconds from the start of the presentation, and the npt
// ranges of the Range header and SDP's a=range.
//
// Worked example: "npt=10.021333-0:01:30" is start 10'021'333'000 ns and end 90'000'000'000 ns, and
// prints again as "10.021333" and "90".
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
  friend constexpr Npt operator+(Npt a, int64_t by_ns) { return {a.ns + by_ns}; }
  friend constexpr Npt operator-(Npt a, int64_t by_ns) { return {a.ns - by_ns}; }
  friend constexpr int64_t operator-(Npt a, Npt b) { return a.ns - b.ns; }
};

// "npt=10.5-20", "npt=-20", "npt=now-", "npt=0:01:30.5-"; blanks where servers put them.
struct NptRange {
  bool from_now = false;  // "now": live
  std::optional<Npt> start;
  std::optional<Npt> end;
};

// npt-sec or npt-hhmmss, at most kMaxNptSeconds; "now" is none. Exact decimal arithmetic; what is
// finer than a nanosecond is cut off.
inline constexpr int64_t kMaxNptSeconds = 9'000'000'000;  // still fits 63 bits of nanoseconds
std::optional<Npt> parse_npt(std::string_view text);
// The header's whole value, with ";time=" or not. A range without a dash is a start. nullopt if the
// unit is another one (clock, smpte), either side is no time, or both are missing.
std::optional<NptRange> parse_npt_range(std::string_view text);
// "10.02": shortest exact decimal seconds. What lies before the start is "0", since a Range of
// "-5-" would not be read as a start.
std::string print_npt(Npt npt);

}  // namespace midstream
