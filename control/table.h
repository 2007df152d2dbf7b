// Rows of JSON as an aligned text table, for people.
//   name  address    state
//   a     10.99.0.2  up
// Numbers stand to the right. Columns widen with what comes; they never shrink, so that a table that
// is printed bit by bit (events --follow) stays readable.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace midstream {

class Table {
 public:
  explicit Table(std::vector<std::string> columns);  // keys of the rows

  void add(const nlohmann::json& row);
  // The lines that were added since the last call; the first call has the headings in front.
  std::string print();

 private:
  struct Cell {
    std::string text;
    bool to_the_right = false;
  };
  using Line = std::vector<Cell>;

  static Cell cell(const nlohmann::json& value);
  void widen(const Line& line);
  void print_line(const Line& line, std::string& out) const;

  std::vector<std::string> columns_;
  std::vector<size_t> widths_;
  std::vector<Line> lines_;
};

// The columns of a command's table; empty if there is no such command.
std::vector<std::string> table_columns(std::string_view command);

}  // namespace midstream
