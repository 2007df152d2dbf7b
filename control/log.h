// One line per event: time of day, level, text.
//   2026-07-01T12:00:00.250000Z warning server a is down: 3 heartbeats unanswered
// The time comes in with the call, like every time; the text may hold a peer's bytes, which cannot
// begin a new line.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace midstream {

class Log {
 public:
  enum class Level : uint8_t { kInfo, kWarning, kError };

  explicit Log(std::FILE* out) : out_(out) {}  // stays open for as long as the log lives

  void line(int64_t unix_ns, Level level, std::string_view text);
  void info(int64_t unix_ns, std::string_view text) { line(unix_ns, Level::kInfo, text); }
  void warning(int64_t unix_ns, std::string_view text) { line(unix_ns, Level::kWarning, text); }
  void error(int64_t unix_ns, std::string_view text) { line(unix_ns, Level::kError, text); }

 private:
  std::FILE* out_;
};

const char* to_string(Log::Level level);

}  // namespace midstream
