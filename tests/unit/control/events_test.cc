#include "control/events.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace midstream {
namespace {

Event resumed() {
  Event event;
  event.id = 7;
  event.unix_ns = 1'500'000'000;
  event.service = "movies";
  event.client = {*parse_address("10.98.0.1"), 40312};
  event.session = "12345678";
  event.cause = "server stalled";
  event.server_from = "a";
  event.server_to = "b";
  event.outcome = "resumed";
  event.detection = 203500us;
  event.establishment = 4200us;
  event.catch_up = 1100us;
  event.media_gap = 208800us;
  event.lag = 90ms;
  event.refusals = {"c: SETUP 1: 453 Not Enough Bandwidth"};
  event.streams.push_back(
      {0, "H264", Npt{12'340'000'000}, "rtp-timestamp", "content", 41, false, Npt{12'300'000'000}});
  return event;
}

Event failed() {
  Event event;
  event.client = {*parse_address("fd00::1"), 554};
  event.cause = "connection reset";
  event.server_from = "a";
  event.outcome = "failed: no other server";
  event.detection = 0ms;
  event.streams.push_back({});
  return event;
}

std::vector<uint64_t> ids(const nlohmann::json& answer) {
  std::vector<uint64_t> list;
  for (const auto& row : answer["rows"]) list.push_back(row["id"]);
  return list;
}

}  // namespace

TEST_CASE("An event in JSON has all of the record, with units") {
  CHECK(to_json(resumed()) == nlohmann::json::parse(R"({
    "id": 7, "time": "1970-01-01T00:00:01.500000Z", "unix_ns": 1500000000,
    "service": "movies", "client": "10.98.0.1:40312", "session": "12345678",
    "cause": "server stalled", "server_from": "a", "server_to": "b", "outcome": "resumed",
    "detection_ms": 203.5, "establishment_ms": 4.2, "catch_up_ms": 1.1, "media_gap_ms": 208.8,
    "lag_ms": 90.0, "refusals": ["c: SETUP 1: 453 Not Enough Bandwidth"],
    "streams": [{"stream": 0, "encoding": "H264", "position_s": 12.34,
                 "position_source": "rtp-timestamp", "cut": "content", "dropped_packets": 41, "padded": false,
                 "resume_s": 12.3}]})"));
}

TEST_CASE("Times and positions that were never reached are null, not zero") {
  const nlohmann::json json = to_json(failed());
  CHECK(json["detection_ms"] == 0.0);
  CHECK(json["establishment_ms"].is_null());
  CHECK(json["catch_up_ms"].is_null());
  CHECK(json["media_gap_ms"].is_null());
  CHECK(json["streams"][0]["position_s"].is_null());
  CHECK(json["streams"][0]["resume_s"].is_null());
}

TEST_CASE("An event in the log is one line that tells the whole failover") {
  CHECK(to_text(resumed()) ==
        "event 7: service movies, client 10.98.0.1:40312, session 12345678: server stalled: a -> b: "
        "resumed; detection 203.5 ms, establishment 4.2 ms, catch-up 1.1 ms, media gap 208.8 ms, lag "
        "90.0 ms; in vain c: SETUP 1: 453 Not Enough Bandwidth; stream 0 H264 at 12.340 s by "
        "rtp-timestamp, cut by content, 41 packets dropped, "
        "resumed from 12.300 s");
  CHECK(to_text(failed()) ==
        "event 0: service -, client [fd00::1]:554, session -: connection reset: a -> -: failed: no "
        "other server; detection 0.0 ms, establishment -, catch-up -, media gap -, lag 0.0 ms; stream "
        "0 - at - by -, cut by -, 0 packets dropped, resumed from -");
}

TEST_CASE("A reader that follows gets every event once") {
  EventLog log;
  CHECK(log.page(nullptr, 10) == nlohmann::json::parse(R"({"rows":[],"next":null})"));
  CHECK(log.add(resumed()) == 1);
  CHECK(log.add(resumed()) == 2);
  CHECK(log.add(failed()) == 3);

  nlohmann::json answer = log.page(nullptr, 2);
  CHECK(ids(answer) == std::vector<uint64_t>{1, 2});
  CHECK(answer["next"] == 2);
  answer = log.page(answer["next"], 2);
  CHECK(ids(answer) == std::vector<uint64_t>{3});
  CHECK(answer["next"].is_null());

  CHECK(ids(log.page(3, 2)).empty());
  log.add(resumed());
  CHECK(ids(log.page(3, 2)) == std::vector<uint64_t>{4});
}

TEST_CASE("The newest 10000 events are kept, and a reader that was away goes on with the oldest") {
  EventLog log;
  for (size_t i = 0; i < kKeptEvents + 3; ++i) log.add(Event{});
  CHECK(log.size() == kKeptEvents);
  CHECK(log.newest().id == kKeptEvents + 3);
  CHECK(ids(log.page(nullptr, 2)) == std::vector<uint64_t>{4, 5});
  CHECK(ids(log.page(1, 2)) == std::vector<uint64_t>{4, 5});
  CHECK(ids(log.page(3, 2)) == std::vector<uint64_t>{4, 5});
  CHECK(ids(log.page(4, 2)) == std::vector<uint64_t>{5, 6});
  CHECK(ids(log.page(kKeptEvents + 2, 2)) == std::vector<uint64_t>{kKeptEvents + 3});
  CHECK(log.page(kKeptEvents + 2, 1)["next"].is_null());
}

TEST_CASE("A cursor that no event had yields nothing or an error, never a crash") {
  EventLog log;
  log.add(Event{});
  CHECK(ids(log.page(0, 5)) == std::vector<uint64_t>{1});
  CHECK(ids(log.page(1000, 5)).empty());
  CHECK(ids(log.page(UINT64_MAX, 5)).empty());
  for (const char* after : {"-1", "\"1\"", "1.5", "[]", "{}", "true"})
    CHECK(log.page(nlohmann::json::parse(after), 5)["error"] == "\"after\" must be an event's id");
}

}  // namespace midstream
