#include "dataplane/table_memory.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace midstream {
namespace {

struct Row {
  uint64_t key = 7;
  uint64_t value = 0;
};

const std::vector<int> kTwoWorkers = {0, -1};

TEST_CASE("a table has room for all workers, each thing as if made new") {
  const Table<Row> table("rows", 1000, kTwoWorkers, Pages::kAtStart);
  CHECK(table.all().size() == 2000);
  CHECK(std::ranges::all_of(table.all(), [](const Row& row) { return row.key == 7; }));
}

TEST_CASE("what is used by few is promised, zeroed, and not taken") {
  constexpr size_t kMuch = size_t{1} << 36;  // twice, for two workers: more than there is
  const Table<Row> table("rows", kMuch / sizeof(Row), kTwoWorkers, Pages::kWhenUsed);
  table.all().back().value = 1;
  CHECK(table.all().back().key == 0);
}

TEST_CASE("memory that is not there is asked for in one sentence") {
  CHECK_THROWS_WITH(TableMemory("rows", size_t{1} << 50, kTwoWorkers, Pages::kAtStart),
                    Catch::StartsWith("no memory for rows (") &&
                        Catch::EndsWith("2147483649 MB are needed; see [limits] in the configuration"));
}

}  // namespace
}  // namespace midstream
