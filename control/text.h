// Text for people: times of day, and bytes of peers made harmless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace midstream {

// All but printable ASCII becomes \xNN: what a peer sent (a Session id, a URL) can neither begin a
// new log line nor steer the operator's terminal. "a\nb" -> "a\x0ab".
std::string printable(std::string_view text);

// Of the system clock, in UTC (ISO 8601): 1'500'000'000 -> "1970-01-01T00:00:01.500000Z".
std::string print_utc(int64_t unix_ns);

}  // namespace midstream
