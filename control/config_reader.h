// Reads one TOML table key by key, and turns every mistake into the sentence of config.h.
//
// The first mistake ends the reading: it is thrown as a ConfigError, which only parse_config()
// catches. Example: a reader of path "server" on the table at line 10 whose `vlan` stands at line 13:
//   server.integer("vlan", 1, 4094)   throws "movies.toml:13: server.vlan: 5000 is not in 1..4094"
//   server.required_text("address")   throws "movies.toml:10: server.address: is missing"
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config.h"

namespace midstream {

// A text value and the node to blame for it.
struct ConfigText {
  std::string value;
  const toml::node* node = nullptr;
};

class ConfigReader {
 public:
  // `path` is what stands before the table's keys in a message: "server", or "" for the root.
  ConfigReader(const std::string& file, std::string path, const toml::table& table)
      : file_(file), path_(std::move(path)), table_(table) {}

  void allow_only(std::initializer_list<std::string_view> keys) const;

  // Absent values are nullopt or empty; present ones of another type are mistakes.
  std::optional<ConfigText> text(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key, int64_t smallest, int64_t largest) const;
  std::optional<ConfigReader> table(std::string_view key) const;
  std::vector<ConfigReader> tables(std::string_view key) const;  // [[key]]

  ConfigText required_text(std::string_view key) const;
  std::vector<ConfigText> required_texts(std::string_view key) const;  // an array, not empty

  bool has(std::string_view key) const { return table_.contains(key); }
  bool is_array(std::string_view key) const { return table_.get_as<toml::array>(key) != nullptr; }

  // The value at `key` stands for one of the choices; `otherwise` if there is none.
  template <typename T>
  T choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices,
           T otherwise) const {
    auto found = text(key);
    if (!found) return otherwise;
    std::string known;
    for (const auto& [word, meaning] : choices) {
      if (found->value == word) return meaning;
      known += (known.empty() ? "" : ", ") + quoted(word);
    }
    fail(key, quoted(found->value) + " is not one of " + known, found->node);
  }

  // At the line of `node`; without one at the line of the key's value, or of the table.
  [[noreturn]] void fail(std::string_view key, std::string_view what,
                         const toml::node* node = nullptr) const;

  static std::string quoted(std::string_view text);

 private:
  std::string path_of(std::string_view key) const;
  const toml::node& required(std::string_view key) const;
  ConfigText text_of(std::string_view key, const toml::node& node) const;

  const std::string& file_;
  std::string path_;
  const toml::table& table_;
};

}  // namespace midstream
