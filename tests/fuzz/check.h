// What fuzz targets assert. Unlike assert() it also holds in a release build.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace midstream::fuzz {

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken invariant: %s\n", what);
  std::abort();
}

// An empty view may point anywhere.
inline bool inside(std::string_view view, std::string_view input) {
  const std::less_equal<const char*> not_after;
  return view.empty() || (not_after(input.data(), view.data()) &&
                          not_after(view.data() + view.size(), input.data() + input.size()));
}

}  // namespace midstream::fuzz
