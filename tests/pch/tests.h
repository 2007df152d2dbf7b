// Precompiled: the test framework takes longer to compile than most tests.
#include <catch2/catch.hpp>
