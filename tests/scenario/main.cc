// The scenario tests' main: EAL once, then Catch. When an assertion fails, the packets that the test
// has seen so far are printed, once per test.
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <rte_eal.h>

#include <array>
#include <catch2/catch.hpp>
#include <iostream>

#include "tests/scenario/packet_log.h"

namespace {

struct PacketLogPrinter : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo&) override { printed_ = false; }
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const auto* log = midstream::scenario::PacketLog::current();
    if (stats.assertionResult.isOk() || printed_ || log == nullptr) return false;
    printed_ = true;
    std::cerr << "--- packets of the failed test ---\n" << log->print(true) << "---\n";
    return false;
  }

 private:
  bool printed_ = false;
};
CATCH_REGISTER_LISTENER(PacketLogPrinter)

}  // namespace

int main(int argc, char** argv) {
  std::array<const char*, 10> eal{"scenario",       "--no-huge",   "-m", "256", "--no-pci",
                                  "--no-telemetry", "--no-shconf", "-l", "0",   "--log-level=4"};
  if (rte_eal_init(static_cast<int>(eal.size()), const_cast<char**>(eal.data())) < 0) {
    std::cerr << "scenario: EAL does not start\n";
    return 1;
  }
  const int failed = Catch::Session().run(argc, argv);
  rte_eal_cleanup();
  return failed;
}
