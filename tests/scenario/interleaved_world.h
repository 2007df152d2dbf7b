// Worlds with RTP inside the RTSP connection, for the tests of what becomes of it.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <utility>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {

inline constexpr size_t kSomePackets = 120;  // of video: 2 seconds of the movie

inline WorldOptions inside() {
  WorldOptions options;
  options.client.interleaved = {true};
  return options;
}

struct Playing : SwitchedWorld {
  explicit Playing(const WorldOptions& options = inside(), const SwitchOptions& switch_options = {})
      : SwitchedWorld(options, switch_options) {
    REQUIRE(client().begin());
    REQUIRE(client().await_packets(0, kSomePackets));
  }
  void await_takeovers(size_t count) {
    REQUIRE(run_until([&] { return dut.events().size() >= count; }, 8s));
    CHECK(dut.events().newest().outcome == "resumed");
  }
  // Dies behind the first bytes of its next frame of that track.
  void die_in_frame(RtspServer& server, size_t track, size_t bytes, std::function<void()> how) {
    bool died = false;
    server.cut_next_frame(track, bytes, [&died, how = std::move(how)] {
      died = true;
      how();
    });
    REQUIRE(run_until([&] { return died; }, 2s));
  }
  void check_resumed(size_t takeovers = 1) {
    REQUIRE(dut.events().size() == takeovers);
    CHECK(dut.events().newest().outcome == "resumed");
    CHECK(dut.events().newest().streams.size() == client().tracks().size());
  }
};

}  // namespace midstream::scenario
