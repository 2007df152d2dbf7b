#include "control/table.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace midstream {

TEST_CASE("Columns are as wide as what is in them; numbers stand to the right") {
  Table table({"name", "sessions", "rtt_ms"});
  table.add({{"name", "a"}, {"sessions", 12}, {"rtt_ms", 0.25}});
  table.add({{"rtt_ms", nullptr}, {"sessions", 3}, {"name", "a-long-one"}, {"other", 1}});
  CHECK(table.print() ==
        "name        sessions  rtt_ms\n"
        "a                 12    0.25\n"
        "a-long-one         3  -\n");
}

TEST_CASE("What follows later has no headings, and the columns stay where they are") {
  Table table({"id", "cause"});
  table.add({{"id", 1}, {"cause", "server stalled"}});
  CHECK(table.print() == "id  cause\n 1  server stalled\n");
  CHECK(table.print() == "");
  table.add({{"id", 100}, {"cause", "x"}});
  table.add({{"id", 2}, {"cause", "y"}});
  CHECK(table.print() == "100  x\n  2  y\n");
}

TEST_CASE("Every kind of value has a cell, and a peer's bytes do no harm") {
  struct Row {
    nlohmann::json value;
    const char* cell;
  };
  const Row rows[] = {
      {nullptr, "-"},
      {"", "-"},
      {true, "yes"},
      {false, "no"},
      {-5, "-5"},
      {18446744073709551615u, "18446744073709551615"},
      {12.0, "12"},
      {12.3456, "12.346"},
      {1200.0, "1200"},
      {0.0, "0"},
      {nlohmann::json::array({"movies", "news"}), "movies,news"},
      {nlohmann::json::array(), "-"},
      {nlohmann::json::object(), "{}"},
      {"\x1b[2J\n", "\\x1b[2J\\x0a"},
  };
  for (const Row& row : rows) {
    Table table({"k"});
    table.print();
    table.add({{"k", row.value}});
    CHECK(table.print() == std::string(row.cell) + "\n");
  }
}

TEST_CASE("A row that is not an object is a line of dashes") {
  Table table({"a", "b"});
  table.add(7);
  CHECK(table.print() == "a  b\n-  -\n");
}

TEST_CASE("Every command has columns") {
  for (const char* command : {"servers", "sessions", "streams", "events"})
    CHECK(table_columns(command).size() > 4);
  CHECK(table_columns("reboot").empty());
}

}  // namespace midstream
