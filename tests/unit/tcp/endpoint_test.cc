// The life of a connection: handshake and options, dialogue, and every way to end.
#include "lib/tcp/endpoint.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/tcp/dialogue.h"

namespace midstream::tcp {
namespace {

using State = EndpointState;
using Error = EndpointError;

TEST_CASE("a request, an answer in two segments, and a close", "[tcp][endpoint]") {
  for (const auto& [ours, theirs] : kBeginnings) {
    CAPTURE(ours, theirs);
    Dialogue d{TcpSequence(ours), TcpSequence(theirs)};
    d.open();
    d.expect({"S 0 mss 1460"});
    CHECK(d.endpoint->state() == State::kSynSent);
    CHECK_FALSE(d.endpoint->all_acknowledged());

    d.receive("S.", 0, 1);
    d.expect({". 1 ack 1"});
    CHECK(d.endpoint->established());
    CHECK(d.endpoint->next_timer() == Time::max());

    CHECK(d.send("hello"));
    d.expect({"P. 1 ack 1 'hello'"});
    CHECK_FALSE(d.endpoint->all_acknowledged());
    d.receive(".", 1, 6);
    CHECK(d.endpoint->all_acknowledged());
    d.receive(".", 1, 6, "RTSP/1.0 ");
    d.receive("P.", 10, 6, "200 OK");
    d.expect({". 6 ack 10", ". 6 ack 16"});
    CHECK(d.read() == "RTSP/1.0 200 OK");
    CHECK(d.endpoint->send_next() == d.ours + 6);
    CHECK(d.endpoint->receive_next() == d.theirs + 16);

    d.endpoint->close(d.now);
    d.expect({"F. 6 ack 16"});
    CHECK(d.endpoint->state() == State::kFinSent);
    d.receive(".", 16, 7);
    CHECK(d.endpoint->state() == State::kFinSent);
    d.receive("F.", 16, 7);
    d.expect({". 7 ack 17"});
    CHECK(d.endpoint->state() == State::kClosed);
    CHECK(d.endpoint->error() == Error::kNone);
    CHECK(d.endpoint->next_timer() == Time::max());
  }
}

TEST_CASE("what is sent and closed before the handshake goes with its last ACK", "[tcp][endpoint]") {
  Dialogue d;
  d.open();
  CHECK(d.send("hel"));
  CHECK(d.send("lo"));
  d.endpoint->close(d.now);
  CHECK_FALSE(d.send("more"));
  d.expect({"S 0 mss 1460"});
  d.receive("S.", 0, 1);
  d.expect({"FP. 1 ack 1 'hello'"});
  CHECK_FALSE(d.send("more"));
}

TEST_CASE("an option exists only if both SYNs have it", "[tcp][endpoint]") {
  Dialogue d;
  d.options.mss = 1400;
  d.options.window_scale = 7;
  d.options.sack_permitted = true;
  d.options.timestamp_value = TcpTimestamp(111);

  SECTION("the peer has all of them") {
    d.open();
    d.expect({"S 0 mss 1400 wscale 7 sack ts 111:0"});
    Segment syn_ack = d.segment("S.", 0, 1);
    syn_ack.mss = 1300;
    syn_ack.window_scale = 5;
    syn_ack.sack_permitted = true;
    syn_ack.timestamps = Timestamps{TcpTimestamp(900), TcpTimestamp(111)};
    d.receive(syn_ack);
    d.expect({". 1 ack 1 ts 111:900"});
    CHECK(d.endpoint->peer_mss() == 1300);
    CHECK(d.endpoint->peer_window_scale() == std::optional<uint8_t>(5));
    CHECK(d.endpoint->peer_window() == 60000 >> 5);  // a SYN's window is not scaled
    CHECK(d.endpoint->peer_sack_permitted());
    CHECK(d.endpoint->timestamps_agreed());
  }
  SECTION("the peer has none") {
    d.open();
    d.sent.clear();
    d.receive("S.", 0, 1);
    d.expect({". 1 ack 1"});
    CHECK(d.endpoint->peer_mss() == 536);
    CHECK(d.endpoint->peer_window_scale() == std::nullopt);
    CHECK(d.endpoint->peer_window() == 60000);
    CHECK_FALSE(d.endpoint->peer_sack_permitted());
    CHECK_FALSE(d.endpoint->timestamps_agreed());
  }
  SECTION("the peer offers what we did not") {
    d.options = {};
    d.open();
    Segment syn_ack = d.segment("S.", 0, 1);
    syn_ack.window_scale = 5;
    syn_ack.sack_permitted = true;
    syn_ack.timestamps = Timestamps{TcpTimestamp(900), TcpTimestamp(0)};
    d.receive(syn_ack);
    d.expect({"S 0 mss 1460", ". 1 ack 1"});
    CHECK(d.endpoint->peer_window_scale() == std::nullopt);
    CHECK_FALSE(d.endpoint->peer_sack_permitted());
    CHECK_FALSE(d.endpoint->timestamps_agreed());
  }
}

TEST_CASE("the echo is the newest TSval of what arrived in order", "[tcp][endpoint]") {
  Dialogue d;
  d.options.timestamp_value = TcpTimestamp(5);
  d.open();
  const auto receive = [&](std::string_view flags, uint32_t sequence, uint32_t value,
                           std::string_view text) {
    Segment segment = d.segment(flags, sequence, 1, text);
    segment.timestamps = Timestamps{TcpTimestamp(value), TcpTimestamp(5)};
    d.receive(segment);
  };
  receive("S.", 0, 0xffff'fff0, "");
  receive("P.", 1, 0xffff'fff5, "ab");
  receive("P.", 5, 0xffff'fff9, "ef");  // early: its value is not taken
  receive("P.", 3, 2, "cd");            // wrapped, and newer
  receive("P.", 7, 1, "gh");            // older
  d.expect({"S 0 mss 1460 ts 5:0", ". 1 ack 1 ts 5:4294967280", ". 1 ack 3 ts 5:4294967285",
            ". 1 ack 3 ts 5:4294967285", ". 1 ack 7 ts 5:2", ". 1 ack 9 ts 5:2"});
  CHECK(d.endpoint->peer_timestamp() == TcpTimestamp(2));
  d.endpoint->reset();
  d.expect({"R. 1 ack 9"});  // RST carries none
}

TEST_CASE("a challenge ACK is answered with RST at its number and a new SYN", "[tcp][endpoint]") {
  for (const auto& [ours, theirs] : kBeginnings) {
    Dialogue d{TcpSequence(ours), TcpSequence(theirs)};
    d.options.timestamp_value = TcpTimestamp(5);
    d.open();
    d.receive(".", 400'000, 77'000);  // the old connection on this 4-tuple still lives there
    d.expect({"S 0 mss 1460 ts 5:0", "R 77000", "S 0 mss 1460 ts 5:0"});
    CHECK(d.endpoint->state() == State::kSynSent);
    d.receive("S.", 0, 1);
    d.expect({". 1 ack 1"});
    CHECK(d.endpoint->established());
  }
}

TEST_CASE("a peer that challenges for ever gets no storm of SYNs", "[tcp][endpoint]") {
  Dialogue d;
  d.open();
  for (int i = 0; i < 20; ++i) d.receive(".", 5, 9);
  CHECK(std::count(d.sent.begin(), d.sent.end(), "R 9") == 20);
  CHECK(std::count(d.sent.begin(), d.sent.end(), "S 0 mss 1460") == 4);
}

TEST_CASE("a SYN is refused only by a RST that acknowledges it", "[tcp][endpoint]") {
  Dialogue d;
  d.open();
  d.receive("R", 0, 1);
  d.receive("R.", 0, 0);
  d.receive("R.", 0, 2);
  CHECK(d.endpoint->state() == State::kSynSent);
  d.receive("R.", 0, 1);
  CHECK(d.endpoint->state() == State::kFailed);
  CHECK(d.endpoint->error() == Error::kRefused);
  d.expect({"S 0 mss 1460"});
  d.endpoint->reset();
  d.receive("S.", 0, 1);
  CHECK_FALSE(d.send("x"));
  d.after(10s);
  d.expect({});
}

TEST_CASE("a RST counts at exactly RCV.NXT, elsewhere in the window it is challenged",
          "[tcp][endpoint]") {
  Dialogue d{TcpSequence(0xffff'fff0), TcpSequence(0xffff'fff0)};
  d.establish();
  d.receive("P.", 1, 1, "abc");
  d.sent.clear();
  d.receive("R", 3, 1);       // below the window
  d.receive("R", 70'004, 1);  // above it
  d.expect({});
  d.receive("R", 5, 1);
  d.receive("S", 0, 0);  // nor may a SYN do it (RFC 5961 4)
  d.receive("S", 5, 0);
  d.receive("S.", 3, 1, "evil");
  d.expect({". 1 ack 4", ". 1 ack 4", ". 1 ack 4", ". 1 ack 4"});
  CHECK(d.endpoint->established());
  d.receive("R", 4, 1);
  CHECK(d.endpoint->state() == State::kFailed);
  CHECK(d.endpoint->error() == Error::kReset);
  CHECK(d.read() == "abc");
  d.expect({});
}

TEST_CASE("what the peer cannot mean is acknowledged and ignored", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  CHECK(d.send("hello"));
  d.sent.clear();
  d.receive(".", 1, 7);                   // acknowledges what was not sent
  d.receive(".", 1, -70'000u, "evil");    // acknowledges what is long past
  d.receive("P.", 1 + 65535, 6, "evil");  // beyond the window
  d.receive(".", 0, 6);                   // a keep-alive
  d.expect({". 6 ack 1", ". 6 ack 1", ". 6 ack 1", ". 6 ack 1"});
  d.receive("P", 1, 6, "evil");  // no ACK: dropped
  d.expect({});
  CHECK(d.endpoint->readable().empty());
  CHECK(d.endpoint->send_unacknowledged() == d.ours + 1);
}

TEST_CASE("the peer closes: its last bytes stay readable", "[tcp][endpoint]") {
  const auto [ours, theirs] = GENERATE(from_range(std::begin(kBeginnings), std::end(kBeginnings)));
  CAPTURE(ours, theirs);
  Dialogue d{TcpSequence(ours), TcpSequence(theirs)};
  d.establish();
  SECTION("in one segment") {
    d.receive("FP.", 1, 1, "bye");
    d.expect({". 1 ack 5"});
  }
  SECTION("the FIN before the data") {
    d.receive("F.", 4, 1);
    d.receive("F.", 9, 1);  // the first end that it named stands
    d.expect({". 1 ack 1", ". 1 ack 1"});
    CHECK(d.endpoint->established());
    d.receive("P.", 1, 1, "bye");
    d.expect({". 1 ack 5"});
  }
  CHECK(d.endpoint->state() == State::kClosed);
  CHECK(d.endpoint->error() == Error::kClosedByPeer);
  CHECK(d.endpoint->receive_next() == d.theirs + 5);
  CHECK(d.read() == "bye");
  d.receive("F.", 4, 1);
  d.expect({});
  d.endpoint->reset();
  d.expect({"R. 1 ack 5"});
}

TEST_CASE("both close at once", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  d.endpoint->close(d.now);
  d.receive("F.", 1, 1);  // it has not seen ours
  d.expect({"F. 1 ack 1", ". 2 ack 2"});
  CHECK(d.endpoint->state() == State::kFinSent);
  d.after(100ms);
  d.expect({"F. 1 ack 2"});
  d.receive(".", 2, 2);
  CHECK(d.endpoint->state() == State::kClosed);
  CHECK(d.endpoint->error() == Error::kNone);
}

TEST_CASE("after our close the peer may still finish its answer", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  CHECK(d.send("TEARDOWN"));
  d.endpoint->close(d.now);
  d.receive("P.", 1, 9, "20");
  d.receive("FP.", 3, 10, "0");
  d.expect({"P. 1 ack 1 'TEARDOWN'", "F. 9 ack 1", ". 10 ack 3", ". 10 ack 5"});
  CHECK(d.read() == "200");
  CHECK(d.endpoint->state() == State::kClosed);
}

TEST_CASE("an endpoint can be opened again", "[tcp][endpoint]") {
  Dialogue d;
  d.establish();
  d.receive("P.", 1, 1, "old");
  CHECK(d.send("unsent"));
  d.endpoint->reset();
  CHECK(d.endpoint->state() == State::kClosed);
  d.sent.clear();
  d.open();
  d.receive("S.", 0, 1);
  d.expect({"S 0 mss 1460", ". 1 ack 1"});
  CHECK(d.endpoint->established());
  CHECK(d.endpoint->error() == Error::kNone);
  CHECK(d.endpoint->readable().empty());
}

}  // namespace
}  // namespace midstream::tcp
