// A path as the address of a UNIX socket; nothing if it does not fit (107 bytes on Linux).
#pragma once

#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

namespace midstream {

inline std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace midstream
