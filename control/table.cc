#include "control/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "control/text.h"

namespace midstream {
namespace {

// Exact to a thousandth, which is more than any of our numbers means, and without empty zeros.
std::string print_number(double number) {
  std::string text = fmt::format("{:.3f}", number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string print_value(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return print_number(value.get<double>());
  if (!value.is_string())
    return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  const auto& text = value.get_ref<const std::string&>();
  return text.empty() ? "-" : printable(text);
}

std::string print_list(const nlohmann::json& list) {
  std::string text;
  for (const nlohmann::json& value : list) text += (text.empty() ? "" : ",") + print_value(value);
  return text.empty() ? "-" : text;
}

}  // namespace

Table::Table(std::vector<std::string> columns)
    : columns_(std::move(columns)), widths_(columns_.size()) {
  Line headings;
  for (const std::string& column : columns_) headings.push_back({column});
  widen(headings);
  lines_.push_back(std::move(headings));
}

Table::Cell Table::cell(const nlohmann::json& value) {
  return {value.is_array() ? print_list(value) : print_value(value), value.is_number()};
}

void Table::widen(const Line& line) {
  for (size_t i = 0; i < line.size(); ++i) widths_[i] = std::max(widths_[i], line[i].text.size());
}

void Table::add(const nlohmann::json& row) {
  Line line;
  for (const std::string& column : columns_) {
    const bool known = row.is_object() && row.contains(column);
    line.push_back(cell(known ? row[column] : nlohmann::json()));
  }
  widen(line);
  lines_.push_back(std::move(line));
}

void Table::print_line(const Line& line, std::string& out) const {
  for (size_t i = 0; i < line.size(); ++i) {
    const std::string padding(widths_[i] - line[i].text.size(), ' ');
    if (i > 0) out += "  ";
    out += line[i].to_the_right ? padding + line[i].text : line[i].text + padding;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
}

std::string Table::print() {
  std::string out;
  for (const Line& line : lines_) print_line(line, out);
  lines_.clear();
  return out;
}

std::vector<std::string> table_columns(std::string_view command) {
  if (command == "servers")
    return {"name", "address", "state", "since_s", "rtt_ms", "sessions", "host", "services"};
  if (command == "sessions")
    return {"id",      "service",   "client",    "server",        "state",
            "streams", "failovers", "protected", "custody_bytes", "url"};
  if (command == "streams")
    return {"session",         "stream",  "encoding", "state", "position_s",
            "position_source", "packets", "bytes",    "bps",   "ssrc"};
  if (command == "events")
    return {"id",          "time",         "service",   "client",       "session",
            "cause",       "server_from",  "server_to", "detection_ms", "establishment_ms",
            "catch_up_ms", "media_gap_ms", "lag_ms",    "outcome"};
  if (command == "workers")
    return {"worker", "received", "transmitted", "passed", "connections", "dropped"};
  if (command == "counters") return {"name", "count"};
  return {};
}

}  // namespace midstream
