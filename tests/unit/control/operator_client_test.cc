#include "control/operator_client.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace midstream {

TEST_CASE("All pages are gone through, and the cursor behind the last row is kept") {
  std::vector<nlohmann::json> asked;
  const std::vector<nlohmann::json> answers = {
      nlohmann::json::parse(R"({"rows":[{"id":3},{"id":4}],"next":4})"),
      nlohmann::json::parse(R"({"rows":[{"id":9}],"next":null})"),
      nlohmann::json::parse(R"({"rows":[],"next":null})")};
  auto ask = [&](const nlohmann::json& request) {
    asked.push_back(request["after"]);
    CHECK(request["command"] == "events");
    return answers.at(asked.size() - 1);
  };
  std::vector<int> ids;
  auto take = [&ids](const nlohmann::json& row) { ids.push_back(row["id"]); };

  nlohmann::json after = for_each_row(ask, "events", nullptr, take);
  CHECK(after == 9);
  after = for_each_row(ask, "events", after, take);  // to follow: nothing new yet
  CHECK(after == 9);
  CHECK(ids == std::vector<int>{3, 4, 9});
  CHECK(asked == std::vector<nlohmann::json>{nullptr, 4, 9});
}

TEST_CASE("Without a switch the operator is told so in one sentence") {
  OperatorClient client;
  try {
    client.connect("/nonexistent/midstream.sock");
    FAIL("connected");
  } catch (const OperatorError& error) {
    CHECK(error.text ==
          "no switch is running at /nonexistent/midstream.sock; if it has another --file-prefix, name "
          "it");
  }
}

}  // namespace midstream
