// What the endpoint does when segments are lost, late, twice, or not wanted.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "lib/tcp/endpoint.h"
#include "tests/unit/tcp/dialogue.h"

namespace midstream::tcp {
namespace {

using State = EndpointState;
using Error = EndpointError;

TEST_CASE("a SYN is repeated with back-off until the endpoint gives up", "[tcp][endpoint]") {
  Dialogue d;
  d.open();
  std::vector<int64_t> sent_at_ms = {0};
  while (d.endpoint->state() == State::kSynSent) {
    const Time due = d.endpoint->next_timer();
    d.endpoint->poll(due - 1ns);
    REQUIRE(d.sent.size() == sent_at_ms.size());  // never early
    d.after(due - d.now);
    if (d.sent.size() > sent_at_ms.size()) sent_at_ms.push_back(d.now.time_since_epoch() / 1ms);
  }
  CHECK(sent_at_ms == std::vector<int64_t>{0, 100, 300, 700, 1500});
  CHECK(d.now == Time(3s));
  CHECK(d.endpoint->state() == State::kFailed);
  CHECK(d.endpoint->error() == Error::kTimeout);
  d.sent.clear();
  d.endpoint->reset();  // the peer may hold half a connection
  d.expect({"R 1"});
}

TEST_CASE("the timeout grows to 3 s and no further", "[tcp][endpoint]") {
  Dialogue d;
  d.options.give_up = 60s;
  d.establish();
  CHECK(d.send("x"));
  for (const Duration rto : {Duration(100ms), Duration(200ms), Duration(400ms), Duration(800ms),
                             Duration(1600ms), Duration(3s), Duration(3s)}) {
    CHECK(d.endpoint->next_timer() == d.now + rto);
    d.after(rto);
  }
  d.receive(".", 1, 2);
  d.send("y");
  CHECK(d.endpoint->next_timer() == d.now + 100ms);
}

TEST_CASE("a lost SYN-ACK's successor and a lost ACK change nothing", "[tcp][endpoint]") {
  Dialogue d;
  d.open();
  d.after(100ms);
  d.receive("S.", 0, 1);
  d.receive("S.", 0, 1);  // the peer has not seen our ACK
  d.expect({"S 0 mss 1460", "S 0 mss 1460", ". 1 ack 1", ". 1 ack 1"});
  CHECK(d.endpoint->established());
}

TEST_CASE("all that is in flight is repeated, from what was acknowledged", "[tcp][endpoint]") {
  for (const auto& [ours, theirs] : kBeginnings) {
    CAPTURE(ours, theirs);
    Dialogue d{TcpSequence(ours), TcpSequence(theirs)};
    d.establish();
    CHECK(d.send("abc"));
    CHECK(d.send("defg"));
    d.endpoint->close(d.now);
    d.expect({"P. 1 ack 1 'abc'", "P. 4 ack 1 'defg'", "F. 8 ack 1"});
    d.receive(".", 1, 3);
    d.after(99ms);
    d.expect({});
    d.after(1ms);
    d.expect({"FP. 3 ack 1 'cdefg'"});
    d.receive(".", 1, 8);
    d.after(100ms);
    d.expect({"F. 8 ack 1"});
    d.receive(".", 1, 9);
    CHECK(d.endpoint->all_acknowledged());
    d.after(1s);
    d.expect({});
  }
}

TEST_CASE("every segment in flight is repeated, timed from the first", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  const std::string first(536, 'a');
  CHECK(d.send(first));
  d.after(60ms);
  CHECK(d.send("b"));
  d.sent.clear();
  d.after(40ms);
  d.expect({". 1 ack 1 '" + first + "'", "P. 537 ack 1 'b'"});
}

TEST_CASE("three duplicate ACKs bring the first segment at once", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  for (const char* text : {"one", "two", "six", "ten"}) CHECK(d.send(text));
  d.sent.clear();
  for (int i = 0; i < 2; ++i) d.receive(".", 1, 1);
  d.receive(".", 1, 4);
  for (int i = 0; i < 2; ++i) d.receive(".", 1, 4);  // two and two are not three
  d.expect({});
  d.window = 50000;
  d.receive(".", 1, 4);           // a window update is no duplicate
  d.receive("P.", 1, 4, "data");  // nor is data
  d.expect({". 13 ack 5"});
  d.receive(".", 5, 4);
  d.expect({"P. 4 ack 5 'twosixten'"});
  d.receive(".", 5, 4);
  d.expect({});
  d.receive(".", 5, 13);
  CHECK(d.endpoint->all_acknowledged());
}

TEST_CASE("a hole is answered with duplicate ACKs at once", "[tcp][endpoint]") {
  for (const auto& [ours, theirs] : kBeginnings) {
    Dialogue d{TcpSequence(ours), TcpSequence(theirs)};
    d.establish();
    d.receive(".", 4, 1, "def");
    d.receive(".", 7, 1, "ghi");
    d.expect({". 1 ack 1", ". 1 ack 1"});
    CHECK(d.endpoint->readable().empty());
    d.receive(".", 1, 1, "abcd");
    d.expect({". 1 ack 10"});
    d.receive(".", 1, 1, "abcd");
    d.expect({". 1 ack 10"});
    CHECK(d.read() == "abcdefghi");
  }
}

TEST_CASE("a hole is answered with a pure ACK also when data goes out", "[tcp][endpoint]") {
  Dialogue d;
  d.window = 2;
  d.establish();
  CHECK(d.send("abcd"));
  d.receive("P.", 5, 3, "data");
  d.expect({". 1 ack 1 'ab'", "P. 3 ack 1 'cd'", ". 5 ack 1"});
}

TEST_CASE("no progress for too long is a failure, any progress is not", "[tcp][endpoint]") {
  Dialogue d;
  d.options.give_up = 1s;
  d.establish();
  d.after(3600s);  // idle
  CHECK(d.send("abcdef"));
  for (uint32_t acknowledged = 2; acknowledged < 7; ++acknowledged) {
    d.after(999ms);
    REQUIRE(d.endpoint->established());
    d.receive(".", 1, acknowledged);
  }
  d.after(999ms);
  d.receive(".", 1, 6);  // acknowledges nothing new
  CHECK(d.endpoint->established());
  d.after(1ms);
  CHECK(d.endpoint->state() == State::kFailed);
  CHECK(d.endpoint->error() == Error::kTimeout);
  CHECK(d.endpoint->next_timer() == Time::max());
}

TEST_CASE("a peer that never closes its half is given up", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  d.after(3600s);  // idle
  d.endpoint->close(d.now);
  d.after(99ms);
  CHECK(d.endpoint->state() == State::kFinSent);
  d.receive(".", 1, 2);
  d.sent.clear();
  CHECK(d.endpoint->next_timer() == d.now + 3s);
  d.after(3s);
  CHECK(d.endpoint->error() == Error::kTimeout);
  d.expect({});
}

TEST_CASE("the peer's window holds data back", "[tcp][endpoint]") {
  Dialogue d{TcpSequence(0xffff'fffa), TcpSequence(0)};
  d.window = 4;
  d.establish();
  CHECK(d.send("abcdefghi"));
  d.endpoint->close(d.now);
  d.expect({". 1 ack 1 'abcd'"});
  d.receive(".", 1, 3);
  d.expect({". 5 ack 1 'ef'"});
  d.window = 0;
  d.receive(".", 1, 7);
  d.expect({});
  CHECK_FALSE(d.endpoint->all_acknowledged());

  d.after(100ms);
  d.expect({". 7 ack 1 'g'"});  // a probe
  d.receive(".", 1, 7);
  d.window = 100;
  d.receive(".", 1, 7);
  d.expect({". 7 ack 1 'g'", "FP. 8 ack 1 'hi'"});  // the probe was not kept
  d.receive(".", 1, 11);
  CHECK(d.endpoint->all_acknowledged());
}

TEST_CASE("a window that shrinks below what is in flight holds back all but the FIN",
          "[tcp][endpoint]") {
  Dialogue d;
  d.window = 10;
  d.establish();
  CHECK(d.send("abcdef"));
  d.window = 2;
  d.receive(".", 1, 1);
  d.endpoint->close(d.now);
  d.expect({"P. 1 ack 1 'abcdef'", "F. 7 ack 1"});
}

TEST_CASE("an old segment does not bring back an old window", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  Segment late = d.segment("P.", 1, 1, "abc");
  late.window = 0;
  d.receive("P.", 4, 1, "def");
  d.sent.clear();
  d.receive(late);
  CHECK(d.send("x"));
  d.expect({". 1 ack 7", "P. 1 ack 7 'x'"});
}

TEST_CASE("windows are scaled when both sides said so", "[tcp][endpoint]") {
  Dialogue d;
  d.options.window_scale = 0;
  d.window = 2;
  d.open();
  Segment syn_ack = d.segment("S.", 0, 1);
  syn_ack.window_scale = 2;
  d.receive(syn_ack);
  d.sent.clear();
  CHECK(d.send("abcdefghijklm"));
  d.expect({". 1 ack 1 'ab'"});
  d.receive(".", 1, 3);
  d.expect({". 3 ack 1 'cdefghij'"});
}

TEST_CASE("a segment is never larger than the smaller MSS, less the timestamps", "[tcp][endpoint]") {
  struct Row {
    uint16_t ours;
    std::optional<uint16_t> theirs;
    bool timestamps;
    size_t largest;
  };
  for (const Row& row :
       {Row{1460, 1400, false, 1400}, Row{1200, 1400, false, 1200}, Row{1460, std::nullopt, false, 536},
        Row{1460, 1460, true, 1448}, Row{1460, 0, false, 48}, Row{1460, 0, true, 48}}) {
    CAPTURE(row.ours, row.theirs.value_or(0), row.timestamps);
    Dialogue d;
    d.options.mss = row.ours;
    if (row.timestamps) d.options.timestamp_value = TcpTimestamp(1);
    std::vector<size_t> sizes;
    d.endpoint =
        std::make_unique<Endpoint>([&](const Segment& s) { sizes.push_back(s.payload.size()); });
    d.open();
    Segment syn_ack = d.segment("S.", 0, 1);
    syn_ack.mss = row.theirs;
    if (row.timestamps) syn_ack.timestamps = Timestamps{};
    d.receive(syn_ack);
    CHECK(d.send(std::string(4000, 'x')));
    CHECK(*std::max_element(sizes.begin(), sizes.end()) == row.largest);
    CHECK(std::accumulate(sizes.begin(), sizes.end(), size_t{0}) == 4000);
  }
}

TEST_CASE("a full send buffer takes nothing", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  CHECK(d.send(std::string(Endpoint::kSendBytes - 1, 'x')));
  CHECK_FALSE(d.send("ab"));
  CHECK(d.send("a"));
  CHECK_FALSE(d.send("b"));
  CHECK(d.endpoint->send_next() == d.ours + 1 + Endpoint::kSendBytes);
  d.receive(".", 1, 1 + 5);
  CHECK(d.send("bcdef"));
  CHECK_FALSE(d.send("g"));
}

}  // namespace
}  // namespace midstream::tcp
