#include "control/log.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "control/text.h"

namespace midstream {
namespace {

std::string logged(int64_t unix_ns, Log::Level level, std::string_view text) {
  char* bytes = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&bytes, &size);
  Log(file).line(unix_ns, level, text);
  std::fclose(file);
  std::string line(bytes, size);
  std::free(bytes);
  return line;
}

}  // namespace

TEST_CASE("Times of day are printed in UTC, to the microsecond, on both sides of 1970") {
  CHECK(print_utc(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(print_utc(1'500'000'000) == "1970-01-01T00:00:01.500000Z");
  CHECK(print_utc(1'709'210'096'000'001'999) == "2024-02-29T12:34:56.000001Z");
  CHECK(print_utc(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK(print_utc(INT64_MAX) == "2262-04-11T23:47:16.854775Z");
}

TEST_CASE("All but printable ASCII is written as its number") {
  CHECK(printable("") == "");
  CHECK(printable(" az~\\") == " az~\\");
  CHECK(printable("a\r\n\x1b[2J\x7f") == "a\\x0d\\x0a\\x1b[2J\\x7f");
  CHECK(printable("\xc3\xa9\xff") == "\\xc3\\xa9\\xff");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("An event is one line: time, level, text") {
  CHECK(logged(0, Log::Level::kInfo, "started") == "1970-01-01T00:00:00.000000Z info started\n");
  CHECK(logged(0, Log::Level::kWarning, "a is down") ==
        "1970-01-01T00:00:00.000000Z warning a is down\n");
  CHECK(logged(0, Log::Level::kError, "gave up") == "1970-01-01T00:00:00.000000Z error gave up\n");
}

TEST_CASE("A peer's newline does not begin a line of its own in the log") {
  CHECK(logged(0, Log::Level::kInfo, "session 12\n1970-01-01T00:00:00.000000Z error forged") ==
        "1970-01-01T00:00:00.000000Z info session 12\\x0a1970-01-01T00:00:00.000000Z error forged\n");
}

}  // namespace midstream
