#include "control/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <iterator>

namespace midstream {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (c >= ' ' && c <= '~')
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string print_utc(int64_t unix_ns) {
  using std::chrono::floor, std::chrono::microseconds, std::chrono::nanoseconds, std::chrono::seconds;
  const nanoseconds since_epoch(unix_ns);
  const auto whole = floor<seconds>(since_epoch);
  const auto rest = floor<microseconds>(since_epoch - whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::time_t{whole.count()}),
                     rest.count());
}

}  // namespace midstream
