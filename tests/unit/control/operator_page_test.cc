#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/operator.h"

namespace midstream {
namespace {

nlohmann::json echo(const nlohmann::json& request) {
  return {{"rows", {request["command"]}}, {"next", request["after"]}};
}

}  // namespace

TEST_CASE("A request that is none gets an error, and the handler never sees it") {
  struct Row {
    const char* line;
    const char* error;
  };
  const Row rows[] = {
      {"", "a request is one line with one JSON object"},
      {"servers", "a request is one line with one JSON object"},
      {"[]", "a request is one line with one JSON object"},
      {"{}", "\"command\" is missing or not text"},
      {"{\"command\":1}", "\"command\" is missing or not text"},
      {"{\"command\":\"a\",\"limit\":0}", "\"limit\" must be a whole number from 1 on"},
      {"{\"command\":\"a\",\"limit\":-1}", "\"limit\" must be a whole number from 1 on"},
      {"{\"command\":\"a\",\"limit\":1.5}", "\"limit\" must be a whole number from 1 on"},
      {"{\"command\":\"a\",\"limit\":\"1\"}", "\"limit\" must be a whole number from 1 on"},
  };
  auto never = [](const nlohmann::json& request) {
    FAIL(request.dump());
    return request;
  };
  for (const Row& row : rows) {
    const auto answer = nlohmann::json::parse(answer_line(row.line, never));
    CHECK(answer == nlohmann::json{{"error", row.error}});
  }
  const std::string whole = "{\"command\":\"a\",\"after\":null}";
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK(answer_line(whole.substr(0, size), never).rfind("{\"error\":", 0) == 0);
}

TEST_CASE("The handler finds command, after and a bounded limit in every request") {
  nlohmann::json seen;
  auto handler = [&seen](const nlohmann::json& request) { return echo(seen = request); };
  answer_line("{\"command\":\"a\"}", handler);
  CHECK(seen == nlohmann::json::parse(R"({"command":"a","after":null,"limit":500})"));
  answer_line("{\"command\":\"a\",\"after\":7,\"limit\":3,\"name\":\"x\"}", handler);
  CHECK(seen == nlohmann::json::parse(R"({"command":"a","after":7,"limit":3,"name":"x"})"));
  answer_line("{\"command\":\"a\",\"limit\":18446744073709551615}", handler);
  CHECK(seen["limit"] == kLargestPage);
}

TEST_CASE("A peer's bytes, a handler's surprise and a huge answer still make one line of JSON") {
  auto answer_of = [](const Operator::Handler& handler) {
    const std::string line = answer_line("{\"command\":\"a\"}", handler);
    CHECK(line.find('\n') == line.size() - 1);
    return nlohmann::json::parse(line);
  };
  CHECK(answer_of([](const auto&) {
          return nlohmann::json{{"rows", {"\xff\n"}}};
        }) == nlohmann::json{{"rows", {"\xef\xbf\xbd\n"}}});
  CHECK(answer_of([](const auto& request) {
          return nlohmann::json(request["command"].template get<int>());
        }).contains("error"));
  CHECK(answer_of([](const auto&) { return nlohmann::json(std::string(kLargestAnswerBytes, 'x')); }) ==
        nlohmann::json{{"error", "the answer is too long: ask for fewer rows with \"limit\""}});
}

TEST_CASE("Pages by count go through a list that does not change") {
  const nlohmann::json rows = {"a", "b", "c"};
  CHECK(page(rows, nullptr, 2) == nlohmann::json::parse(R"({"rows":["a","b"],"next":2})"));
  CHECK(page(rows, 2, 2) == nlohmann::json::parse(R"({"rows":["c"],"next":null})"));
  CHECK(page(rows, nullptr, 3)["next"].is_null());
  CHECK(page(rows, 99, 3) == nlohmann::json::parse(R"({"rows":[],"next":null})"));
  CHECK(page(nlohmann::json::array(), nullptr, 3) ==
        nlohmann::json::parse(R"({"rows":[],"next":null})"));
  CHECK(page(rows, UINT64_MAX, SIZE_MAX)["rows"].empty());
  CHECK(page(rows, "x", 3).contains("error"));
  CHECK(page(rows, -1, 3).contains("error"));
}

TEST_CASE("Pages by id neither lose nor repeat a row when rows come and go in between") {
  auto row_of = [](uint64_t id, nlohmann::json& rows) { rows.push_back({{"id", id}}); };
  auto rows = [&row_of](std::vector<uint64_t> ids) {
    nlohmann::json made = nlohmann::json::array();
    for (uint64_t id : ids) row_of(id, made);
    return made;
  };
  nlohmann::json answer = page({9, 3, 7, 0}, nullptr, 3, row_of);
  CHECK(answer["rows"] == rows({0, 3, 7}));
  CHECK(answer["next"] == 7);
  answer = page({12, 9, 8}, answer["next"], 2, row_of);  // 0, 3 and 7 went, 8 and 12 came
  CHECK(answer["rows"] == rows({8, 9}));
  CHECK(answer["next"] == 9);
  answer = page({12}, answer["next"], 2, row_of);
  CHECK(answer["rows"] == rows({12}));
  CHECK(answer["next"].is_null());
  CHECK(page({5, UINT64_MAX}, UINT64_MAX, 2, row_of)["rows"].empty());
  CHECK(page({5}, "5", 2, row_of).contains("error"));
}

TEST_CASE("All rows of one id are on one page, and only the page's rows are made") {
  std::vector<uint64_t> made;
  auto streams_of = [&made](uint64_t session, nlohmann::json& rows) {
    made.push_back(session);
    for (uint64_t i = 0; i < session; ++i) rows.push_back({{"session", session}, {"stream", i}});
  };
  const nlohmann::json first = page({0, 1, 2, 3, 4}, nullptr, 2, streams_of);
  CHECK(first["rows"].size() == 3);  // none of session 0, one of 1, two of 2
  CHECK(first["next"] == 2);
  CHECK(made == std::vector<uint64_t>{0, 1, 2});
  const nlohmann::json second = page({0, 1, 2, 3, 4}, first["next"], 7, streams_of);
  CHECK(second["rows"].size() == 7);
  CHECK(second["next"].is_null());
}

}  // namespace midstream
