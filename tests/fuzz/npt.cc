// Any text as a time or a range: what is taken is bounded and survives printing.
#include "lib/npt/npt.h"

#include "tests/fuzz/check.h"

namespace midstream {
namespace {

using fuzz::check;

void check_time(Npt npt) {
  check(npt.ns >= 0 && npt.ns / 1'000'000'000 <= kMaxNptSeconds, "a time is bounded");
  check(parse_npt(print_npt(npt)) == npt, "a printed time is the same time");
}

void run(std::string_view text) {
  if (const auto npt = parse_npt(text)) check_time(*npt);
  const auto range = parse_npt_range(text);
  if (!range) return;
  check(range->from_now || range->start || range->end, "a range has a side");
  check(!range->from_now || !range->start, "now is no start");
  std::string printed = "npt=";
  if (range->from_now) printed += "now";
  if (range->start) check_time(*range->start), printed += print_npt(*range->start);
  printed += '-';
  if (range->end) check_time(*range->end), printed += print_npt(*range->end);
  const auto again = parse_npt_range(printed);
  check(again && again->from_now == range->from_now && again->start == range->start &&
            again->end == range->end,
        "a printed range is the same range");
}

}  // namespace
}  // namespace midstream

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  midstream::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
