#include "lib/base/fixed_string.h"

#include <catch2/catch.hpp>
#include <type_traits>

namespace midstream {

static_assert(std::is_trivially_copyable_v<FixedString<16>>);

TEST_CASE("a fixed string holds up to its capacity") {
  FixedString<4> text;
  CHECK(text.empty());
  CHECK(text.view().empty());
  CHECK(text.assign("abcd"));
  CHECK(text.view() == "abcd");
  CHECK(text.assign("x"));
  CHECK(text.view() == "x");
  text.clear();
  CHECK(text.empty());
}

TEST_CASE("what does not fit leaves a fixed string as it was") {
  FixedString<4> text;
  REQUIRE(text.assign("abc"));
  CHECK_FALSE(text.assign("abcde"));
  CHECK(text.view() == "abc");
}

TEST_CASE("a fixed string takes the empty text, with and without data") {
  FixedString<4> text;
  REQUIRE(text.assign("abc"));
  CHECK(text.assign(std::string_view{}));
  CHECK(text.empty());
  CHECK(text.assign(""));
  CHECK(text.empty());
}

TEST_CASE("a copy of a fixed string is its own") {
  FixedString<8> a;
  REQUIRE(a.assign("session"));
  const FixedString<8> b = a;
  REQUIRE(a.assign("other"));
  CHECK(b.view() == "session");
}

}  // namespace midstream
