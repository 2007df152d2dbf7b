// JSON numbers that count something.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

namespace midstream {

// A whole number from 0 on. Comparing the json values themselves would take numbers above 2^63 for
// negative ones when the other side is signed (nlohmann-json 3.11).
inline std::optional<uint64_t> whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_number_integer() || value.get<int64_t>() < 0) return std::nullopt;
  return value.get<uint64_t>();
}

}  // namespace midstream
