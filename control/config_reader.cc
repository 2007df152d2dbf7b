#include "control/config_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/text.h"

namespace midstream {

std::string ConfigReader::quoted(std::string_view text) { return '"' + printable(text) + '"'; }

std::string ConfigReader::path_of(std::string_view key) const {
  return path_.empty() ? printable(key) : path_ + '.' + printable(key);
}

void ConfigReader::fail(std::string_view key, std::string_view what, const toml::node* node) const {
  if (node == nullptr) node = table_.get(key);
  if (node == nullptr) node = &table_;
  throw ConfigError{fmt::format("{}:{}: {}: {}", file_, node->source().begin.line, path_of(key), what)};
}

void ConfigReader::allow_only(std::initializer_list<std::string_view> keys) const {
  // The table is ordered by key; the operator reads the file by line: name the first in the file.
  const toml::key* first = nullptr;
  for (const auto& [key, value] : table_) {
    if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
    if (first == nullptr || key.source().begin < first->source().begin) first = &key;
  }
  if (first != nullptr) fail(first->str(), "is not a known key", table_.get(first->str()));
}

ConfigText ConfigReader::text_of(std::string_view key, const toml::node& node) const {
  auto value = node.value_exact<std::string>();
  if (!value) fail(key, "must be text in quotes", &node);
  return {*value, &node};
}

std::optional<ConfigText> ConfigReader::text(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  return text_of(key, *node);
}

std::optional<int64_t> ConfigReader::integer(std::string_view key, int64_t smallest,
                                             int64_t largest) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  auto value = node->value_exact<int64_t>();
  if (!value) fail(key, "must be a whole number");
  if (*value < smallest || *value > largest)
    fail(key, fmt::format("{} is not in {}..{}", *value, smallest, largest));
  return value;
}

std::optional<ConfigReader> ConfigReader::table(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_table()) fail(key, "must be a table");
  return ConfigReader(file_, path_of(key), *node->as_table());
}

std::vector<ConfigReader> ConfigReader::tables(std::string_view key) const {
  std::vector<ConfigReader> readers;
  const toml::node* node = table_.get(key);
  if (node == nullptr) return readers;
  const toml::array* array = node->as_array();
  if (array == nullptr) fail(key, fmt::format("must be written as [[{}]]", key));
  for (const toml::node& element : *array) {
    if (!element.is_table()) fail(key, fmt::format("must be written as [[{}]]", key), &element);
    readers.emplace_back(file_, path_of(key), *element.as_table());
  }
  return readers;
}

const toml::node& ConfigReader::required(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) fail(key, "is missing");
  return *node;
}

ConfigText ConfigReader::required_text(std::string_view key) const {
  return text_of(key, required(key));
}

std::vector<ConfigText> ConfigReader::required_texts(std::string_view key) const {
  const toml::array* array = required(key).as_array();
  if (array == nullptr) fail(key, "must be a list");
  if (array->empty()) fail(key, "is empty");
  std::vector<ConfigText> texts;
  for (const toml::node& element : *array) texts.push_back(text_of(key, element));
  return texts;
}

}  // namespace midstream
