#include "control/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "control/config_parts.h"
#include "control/text.h"

namespace midstream {
namespace {

// Far above any real file (1000 servers take 50 kB): catches a wrong path such as a capture.
constexpr size_t kLargestFileBytes = 1 << 20;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Config read_root(const ConfigReader& root) {
  root.allow_only({"device", "port", "server", "service", "heartbeat", "detect", "limits"});
  Config config;
  read_device(root, config);
  read_ports(root, config);
  read_detect(root, config);
  read_limits(root, config);
  read_servers(root, read_heartbeat(root, {}), config);
  read_services(root, config);
  return config;
}

}  // namespace

std::variant<Config, ConfigError> load_config(const std::string& path) {
  auto unreadable = [&path](const char* why) {
    return ConfigError{fmt::format("{}: cannot be read: {}", path, why)};
  };
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "r"));
  if (!file) return unreadable(std::strerror(errno));
  std::string text(kLargestFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) return unreadable(std::strerror(errno));
  if (text.size() > kLargestFileBytes) return unreadable("it is larger than 1 MB");
  return parse_config(text, path);
}

std::variant<Config, ConfigError> parse_config(std::string_view text, const std::string& name) {
  try {
    const toml::table table = toml::parse(text, name);
    return read_root(ConfigReader(name, "", table));
  } catch (const toml::parse_error& error) {
    return ConfigError{fmt::format("{}:{}: not valid TOML: {}", name, error.source().begin.line,
                                   printable(error.description()))};
  } catch (const ConfigError& error) {
    return error;
  }
}

}  // namespace midstream
