#include "lib/npt/npt.h"

#include "lib/base/text.h"

namespace midstream {
namespace {

using std::string_view;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kDecimals = 9;

// "021333" is 21'333'000; digits beyond the ninth are cut off.
std::optional<int64_t> parse_fraction(string_view digits) {
  if (leading_digits(digits) != digits) return std::nullopt;
  int64_t ns = 0;
  for (size_t i = 0; i < kDecimals; ++i) ns = ns * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return ns;
}

std::optional<int64_t> parse_whole(string_view digits) {
  const auto number = parse_number<uint64_t>(digits);
  if (!number || *number > uint64_t{kMaxNptSeconds}) return std::nullopt;
  return static_cast<int64_t>(*number);
}

// "s" or "h:m:s", minutes and seconds below 60 (RFC 2326 3.6).
std::optional<int64_t> parse_seconds(string_view text) {
  if (text.find(':') == string_view::npos) return parse_whole(text);
  const auto hours = parse_whole(take_until(text, ':'));
  const auto minutes = parse_whole(take_until(text, ':'));
  const auto seconds = parse_whole(text);
  if (!hours || !minutes || !seconds || *minutes >= 60 || *seconds >= 60) return std::nullopt;
  return *hours * 3600 + *minutes * 60 + *seconds;
}

bool is_now(string_view text) { return equal_ignoring_case(trim(text), "now"); }

}  // namespace

std::optional<Npt> parse_npt(std::string_view text) {
  string_view fraction = trim(text);
  const string_view whole = take_until(fraction, '.');
  const auto seconds = parse_seconds(whole);
  const auto ns = parse_fraction(fraction);
  if (!seconds || !ns || *seconds > kMaxNptSeconds) return std::nullopt;
  return Npt{*seconds * kNsPerSecond + *ns};
}

std::optional<NptRange> parse_npt_range(std::string_view text) {
  string_view end = take_until(text, ';');
  if (!equal_ignoring_case(trim(take_until(end, '=')), "npt")) return std::nullopt;
  const string_view start = trim(take_until(end, '-'));
  end = trim(end);
  if (start.empty() && end.empty()) return std::nullopt;

  NptRange range;
  range.from_now = is_now(start);
  if (!start.empty() && !range.from_now) {
    range.start = parse_npt(start);
    if (!range.start) return std::nullopt;
  }
  if (!end.empty()) {
    range.end = parse_npt(end);
    if (!range.end) return std::nullopt;
  }
  return range;
}

std::string print_npt(Npt npt) {
  if (npt.ns <= 0) return "0";
  std::string text = std::to_string(npt.ns / kNsPerSecond);
  const int64_t fraction = npt.ns % kNsPerSecond;
  if (fraction == 0) return text;
  const std::string digits = std::to_string(kNsPerSecond + fraction).substr(1);
  return text + '.' + digits.substr(0, digits.find_last_not_of('0') + 1);
}

}  // namespace midstream
