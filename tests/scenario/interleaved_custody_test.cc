// What the client has not acknowledged of media inside its connection is kept, shown, and bounded: by
// connection and in total. Behind the bound the oldest goes; a client that misses what went is told
// when its server dies, and one that has acknowledged it is protected again.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "control/control_loop.h"
#include "tests/scenario/interleaved_world.h"

namespace midstream::scenario {
namespace {

constexpr size_t kFrame = 50'000;

WorldOptions wide() {
  WorldOptions options = inside();
  options.client.tcp.receive_window = 4 << 20;
  options.client.tcp.window_scale = 7;
  return options;
}

nlohmann::json rows(SwitchedWorld& world, const char* command) {
  return world.dut.control()
      .answer({{"command", command}, {"after", nullptr}, {"limit", 100}})
      .at("rows");
}

size_t shown(SwitchedWorld& world) { return rows(world, "sessions").at(0).at("custody_bytes"); }

size_t counter(SwitchedWorld& world, const std::string& name) {
  for (const auto& row : rows(world, "counters"))
    if (row.at("name") == name) return row.at("count");
  FAIL("no counter " << name);
  return 0;
}

// So many bytes more, on a channel of nobody's, which the client does not acknowledge.
void pile_up(Playing& world, size_t bytes) {
  world.client_host().lose_sent([](const Frame&) { return true; });
  for (size_t sent = 0; sent < bytes; sent += kFrame) {
    world.a().newest_session()->sender->tracks()[0].connection->send(write_frame(200, Payload(kFrame)));
    world.run_for(2ms);
    CHECK(shown(world) <= kMaxCustodyBytes);
  }
}

void acknowledge(Playing& world) {
  world.client_host().lose_sent({});
  world.run_for(2s);
}

void check_protected(Playing& world) {
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  world.check_resumed();
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
}

void check_told(Playing& world) {
  world.a().die(Death::kFin);
  world.client_host().lose_sent({});
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 12s));
  CHECK(
      world.dut.events().newest().outcome.ends_with("more unacknowledged bytes than the switch keeps"));
  CHECK(world.run_until([&] { return world.client().connection_events().back() == TcpEvent::kReset; },
                        1s));
}

TEST_CASE("interleaved custody: its memory is shown, by session and in total, and goes again") {
  Playing world(wide());
  pile_up(world, 10 * kFrame);
  CHECK(shown(world) > 10 * kFrame);
  CHECK(counter(world, "custody bytes") == shown(world));
  CHECK(counter(world, "custody buffers") > 10 * kFrame / 1460);
  acknowledge(world);
  CHECK(shown(world) < 10'000);
  CHECK(counter(world, "custody bytes") == shown(world));
  CHECK(counter(world, "custody let go at its bound") == 0);
  check_protected(world);
}

TEST_CASE("interleaved custody: what is kept arrives after the server's death, up to the bound") {
  Playing world(wide());
  pile_up(world, 20 * kFrame);
  CHECK(counter(world, "custody let go at its bound") == 0);
  world.client_host().lose_sent({});
  check_protected(world);
}

TEST_CASE("interleaved custody: beyond the bound of a connection the client is told") {
  Playing world(wide());
  pile_up(world, 30 * kFrame);
  CHECK(counter(world, "custody let go at its bound") > 0);
  check_told(world);
}

TEST_CASE("interleaved custody: beyond the bound of all connections the client is told") {
  SwitchOptions switch_options;
  switch_options.max_kept = 200;
  Playing world(wide(), switch_options);
  pile_up(world, 10 * kFrame);
  CHECK(counter(world, "custody let go at its bound") > 0);
  CHECK(counter(world, "custody buffers") <= 200);
  check_told(world);
}

TEST_CASE("interleaved custody: a client that has acknowledged what was let go is protected again") {
  Playing world(wide());
  pile_up(world, 30 * kFrame);
  CHECK(counter(world, "custody let go at its bound") > 0);
  acknowledge(world);
  CHECK(shown(world) < 10'000);
  check_protected(world);
}

}  // namespace
}  // namespace midstream::scenario
