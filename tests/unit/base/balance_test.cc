#include "lib/base/balance.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

namespace midstream {
namespace {

std::vector<Candidate> pool(std::vector<uint32_t> connections) {
  std::vector<Candidate> candidates;
  for (uint16_t i = 0; i < connections.size(); ++i)
    candidates.push_back({i, connections[i], Address::v4(0x0a630002u + i)});
  return candidates;
}

Address client(uint32_t i) { return Address::v4(0x0a630100u + i); }

}  // namespace

TEST_CASE("nobody to choose from") {
  for (const Balance balance : {Balance::kFirst, Balance::kLeastSessions, Balance::kHash})
    CHECK_FALSE(choose_server(balance, client(0), {}));
}

TEST_CASE("first: the order of preference, whoever is busy") {
  CHECK(choose_server(Balance::kFirst, client(0), pool({7, 0, 0})) == 0);
}

TEST_CASE("least-sessions: who has the fewest connections, among equals the first") {
  CHECK(choose_server(Balance::kLeastSessions, client(0), pool({2, 1, 3})) == 1);
  CHECK(choose_server(Balance::kLeastSessions, client(0), pool({1, 1, 1})) == 0);
  CHECK(choose_server(Balance::kLeastSessions, client(0), pool({1, 0, 0})) == 1);
}

TEST_CASE("hash: a client's server is always the same, and all servers get their share") {
  std::map<uint16_t, int> share;
  for (uint32_t i = 0; i < 300; ++i) {
    const auto server = choose_server(Balance::kHash, client(i), pool({0, 0, 0}));
    CHECK(choose_server(Balance::kHash, client(i), pool({5, 9, 1})) == server);
    ++share[*server];
  }
  for (uint16_t server = 0; server < 3; ++server) {
    CHECK(share[server] > 70);
    CHECK(share[server] < 130);
  }
}

TEST_CASE("hash: a server that goes down moves only its own clients") {
  const auto all = pool({0, 0, 0});
  const std::vector<Candidate> without_b{all[0], all[2]};
  for (uint32_t i = 0; i < 100; ++i) {
    const auto before = choose_server(Balance::kHash, client(i), all);
    const auto after = choose_server(Balance::kHash, client(i), without_b);
    if (before != 1) CHECK(after == before);
    CHECK(after != 1);
  }
}

}  // namespace midstream
