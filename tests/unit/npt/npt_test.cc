#include "lib/npt/npt.h"

#include <catch2/catch.hpp>
#include <vector>

namespace midstream {
namespace {

std::string print(const std::optional<NptRange>& range) {
  if (!range) return "none";
  const std::string start = range->from_now ? "now" : range->start ? print_npt(*range->start) : "";
  return start + "-" + (range->end ? print_npt(*range->end) : "");
}

}  // namespace

TEST_CASE("a time is parsed exactly", "[npt]") {
  struct Row {
    const char* text;
    std::optional<int64_t> ns;
  };
  const std::vector<Row> rows{
      {"0", 0},
      {"10", 10'000'000'000},
      {"10.021333", 10'021'333'000},
      {"10.", 10'000'000'000},
      {" 10.5 ", 10'500'000'000},
      {"0.1", 100'000'000},
      {"0.000000001", 1},
      {"0.0000000019", 1},
      {"0.9999999999999999999999", 999'999'999},
      {"007.5", 7'500'000'000},
      {"123456789.123456789", 123'456'789'123'456'789},
      {"9000000000", 9'000'000'000'000'000'000},
      {"9000000000.999999999", 9'000'000'000'999'999'999},
      {"9000000001", std::nullopt},
      {"99999999999999999999", std::nullopt},
      {"0:01:30.5", 90'500'000'000},
      {"00:00:00", 0},
      {"1:00:01.5", 3'601'500'000'000},
      {"123:59:59", 446'399'000'000'000},
      {"2500000:00:00", 9'000'000'000'000'000'000},
      {"2500000:00:01", std::nullopt},
      {"0:60:00", std::nullopt},
      {"0:00:60", std::nullopt},
      {"01:30", std::nullopt},
      {"1:2:3:4", std::nullopt},
      {"::", std::nullopt},
      {"1:-2:3", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
      {".5", std::nullopt},
      {".", std::nullopt},
      {"", std::nullopt},
      {"1.5.5", std::nullopt},
      {"1e3", std::nullopt},
      {"1,5", std::nullopt},
      {"1 5", std::nullopt},
      {"now", std::nullopt},
      {"inf", std::nullopt},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto npt = parse_npt(row.text);
    CHECK(npt.has_value() == row.ns.has_value());
    if (npt && row.ns) CHECK(npt->ns == *row.ns);
  }
}

TEST_CASE("a time is printed as its shortest exact decimal", "[npt]") {
  struct Row {
    int64_t ns;
    const char* text;
  };
  const std::vector<Row> rows{
      {0, "0"},
      {1, "0.000000001"},
      {100'000'000, "0.1"},
      {999'999'999, "0.999999999"},
      {10'020'000'000, "10.02"},
      {10'021'333'000, "10.021333"},
      {3'601'500'000'000, "3601.5"},
      {60'000'000'000, "60"},
      {INT64_MAX, "9223372036.854775807"},
      {-1, "0"},
      {INT64_MIN, "0"},
  };
  for (const Row& row : rows) CHECK(print_npt({row.ns}) == row.text);
}

TEST_CASE("what is printed is parsed to the same time", "[npt]") {
  for (int64_t ns = 1; ns < 9'000'000'000'000'000'000 / 7; ns = ns * 7 + 3) {
    const auto npt = parse_npt(print_npt({ns}));
    INFO(ns);
    REQUIRE(npt);
    CHECK(npt->ns == ns);
  }
}

TEST_CASE("ranges as peers write them", "[npt]") {
  struct Row {
    const char *text, *range;
  };
  const std::vector<Row> rows{
      {"npt=10.5-20", "10.5-20"},
      {"npt=10.5-", "10.5-"},
      {"npt=-20", "-20"},
      {"npt=now-", "now-"},
      {"npt=now-20", "now-20"},
      {"npt=NOW-", "now-"},
      {"NPT=0-", "0-"},
      {"npt=0:01:30.5-", "90.5-"},
      {"npt=0:01:30.5-1:00:00", "90.5-3600"},
      {" npt = 10 - 20 ", "10-20"},
      {"npt= 10.000-20.000", "10-20"},
      {"npt=\r\n 10-", "10-"},
      {"npt=10-20;time=19970123T143720Z", "10-20"},
      {"npt=10- ;time=19970123T143720Z", "10-"},
      {"npt=20-10", "20-10"},
      {"npt=10", "10-"},
      {"npt=-", "none"},
      {"npt=", "none"},
      {"npt", "none"},
      {"", "none"},
      {"10-20", "none"},
      {"npt=a-20", "none"},
      {"npt=10-b", "none"},
      {"npt=10-20-30", "none"},
      {"npt=10-now", "none"},
      {"clock=19961108T142300Z-", "none"},
      {"smpte=10:12:33:20-", "none"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(print(parse_npt_range(row.text)) == row.range);
  }
}

TEST_CASE("now is no start", "[npt]") {
  const auto range = parse_npt_range("npt=now-");
  REQUIRE(range);
  CHECK(range->from_now);
  CHECK_FALSE(range->start);
  CHECK_FALSE(range->end);
}

}  // namespace midstream
