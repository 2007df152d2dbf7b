#include "control/log.h"

#include <fmt/format.h>

#include "control/text.h"

namespace midstream {

const char* to_string(Log::Level level) {
  switch (level) {
    case Log::Level::kInfo:
      return "info";
    case Log::Level::kWarning:
      return "warning";
    case Log::Level::kError:
      return "error";
  }
  return "";
}

void Log::line(int64_t unix_ns, Level level, std::string_view text) {
  const std::string whole =
      fmt::format("{} {} {}\n", print_utc(unix_ns), to_string(level), printable(text));
  // One write, so that lines of two processes on one terminal do not mix.
  std::fwrite(whole.data(), 1, whole.size(), out_);
  std::fflush(out_);
}

}  // namespace midstream
