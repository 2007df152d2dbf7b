// Servers that write their own address into everything they say: a client gets back what it has
// dialled, in the words that it dialled it with, before a failover and after.
#include <catch2/catch.hpp>

#include "tests/scenario/contract.h"
#include "tests/scenario/seeds.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

WorldOptions own_addresses(ServiceMode service) {
  WorldOptions options;
  options.service = service;
  options.a.personality = options.b.personality = live555();
  return options;
}

// What names a server in any answer that the client has got.
std::vector<std::string> server_names(World& world) {
  std::vector<std::string> found;
  for (const auto& [cseq, exchange] : world.client().exchanges()) {
    for (const RtspMessage& answer : exchange.answers) {
      std::string text = answer.body;
      for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\n";
      for (size_t i = 0; i < world.server_count(); ++i) {
        const Address address = world.server(i).host().address();
        if (address != world.dialled().address && text.find(to_string(address)) != std::string::npos)
          found.push_back(exchange.method + " names " + world.server(i).host().name());
      }
    }
  }
  return found;
}

bool describe_again(RtspClient& client) {
  return client.await(client.request("DESCRIBE", "Accept: application/sdp\r\n", client.url()));
}

TEST_CASE("a virtual service whose servers write their own address everywhere") {
  WorldOptions options = own_addresses(ServiceMode::kVirtual);
  options.client.host_name = GENERATE("", "movies.example");
  const std::string host = options.client.host_name.empty() ? "10.99.0.100" : "movies.example";
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  for (const ClientTrack& track : world.client().tracks())
    CHECK(track.control.starts_with("rtsp://" + host + ":554/movie/"));
  for (const auto& [cseq, exchange] : world.client().exchanges()) {
    const RtspMessage& answer = exchange.answers.front();
    if (exchange.method == "DESCRIBE") {
      CHECK(answer.header("Content-Base").starts_with("rtsp://" + host + ":554/"));
      CHECK(answer.body.find("o=- ") != std::string::npos);
      CHECK(answer.body.find("IN IP4 10.99.0.100\r\n") != std::string::npos);
    }
    if (exchange.method == "SETUP")
      CHECK(parameter(answer.header("Transport"), "source") == "10.99.0.100");
    if (exchange.method == "PLAY")
      CHECK(answer.header("RTP-Info").starts_with("url=rtsp://" + host + ":554/movie/"));
  }
  REQUIRE(world.client().await_packets(0, 150));
  if (GENERATE(false, true)) world.a().die(Death::kFin);
  world.run_for(500ms);
  CHECK(describe_again(world.client()));
  CHECK(world.run_to_the_end());
  CHECK(server_names(world) == std::vector<std::string>{});
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_old_server_fenced(world, {}) == Findings{});
}

TEST_CASE("a transparent service whose second server writes its own address everywhere") {
  WorldOptions options = own_addresses(ServiceMode::kTransparent);
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, 150));
  world.a().die(Death::kReset);
  world.run_for(500ms);
  CHECK(describe_again(world.client()));
  const RtspMessage& again = *world.client().answer(world.client().exchanges().rbegin()->first);
  CHECK(again.header("Content-Base").starts_with("rtsp://10.99.0.2:554/"));
  CHECK(world.client().await(world.client().request("PAUSE")));
  CHECK(world.client().await(world.client().request("PLAY")));
  CHECK(world.run_to_the_end());
  CHECK(server_names(world) == std::vector<std::string>{});
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
}

TEST_CASE("text with edits survives loss, doubles and any cutting") {
  WorldOptions options = own_addresses(ServiceMode::kVirtual);
  const uint32_t seed = GENERATE(from_range(seeds(15)));
  INFO("seed " << seed);
  options.seed = seed;
  options.client.cut_requests = true;
  for (TcpOptions* tcp : {&options.client.tcp, &options.a.tcp, &options.b.tcp}) {
    tcp->network_reorders = tcp->recut_retransmissions = true;
    tcp->mss = seed % 3 == 0 ? 536 : 1460;
  }
  options.client_link = options.server_link = {.loss = 0.03, .duplication = 0.03, .reorder = 0.03};
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  for (int i = 0; i < 5; ++i) REQUIRE(describe_again(world.client()));
  if (seed % 2 == 0) world.a().die(Death::kFin);
  for (int i = 0; i < 3; ++i) REQUIRE(describe_again(world.client()));
  CHECK(server_names(world) == std::vector<std::string>{});
  CHECK(world.violations.all() == std::vector<std::string>{});
  CHECK(check_responses(world, {}) == Findings{});
}

}  // namespace
}  // namespace midstream::scenario
