// An object begun anew.
#include "lib/base/renew.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

namespace midstream {
namespace {

struct Flat {
  int counted = 3;
  std::string text = "begin";
  std::array<char, 4> buffer;
};

class Made {
 public:
  explicit Made(std::string name) : name_(std::move(name)) {}
  std::string name_;
  int used_ = 0;
};

TEST_CASE("what has an initial value has it again, whatever it was", "[renew]") {
  Flat flat;
  flat.counted = 9;
  flat.text.assign(100, 'x');
  renew(flat);
  CHECK(flat.counted == 3);
  CHECK(flat.text == "begin");
}

TEST_CASE("an object may be made anew of what it held", "[renew]") {
  Made made("one");
  made.used_ = 5;
  renew(made, std::string(std::move(made.name_)));
  CHECK(made.name_ == "one");
  CHECK(made.used_ == 0);
}

}  // namespace
}  // namespace midstream
