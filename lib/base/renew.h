// Begins an object anew in its place, as `T value;` would: members have their initial values, buffers
// without one keep what is in them. `value = T{}` would clear every byte of a large flat struct, and
// copy it.
#pragma once

#include <memory>
#include <new>
#include <utility>

namespace midstream {

template <typename T, typename... Arguments>
void renew(T& value, Arguments&&... arguments) {
  std::destroy_at(&value);
  if constexpr (sizeof...(Arguments) == 0) {
    ::new (static_cast<void*>(&value)) T;
  } else {
    ::new (static_cast<void*>(&value)) T(std::forward<Arguments>(arguments)...);
  }
}

}  // namespace midstream
