// The establishment dialogue of streams inside the RTSP connection.
#include "tests/unit/rtsp/establishment.h"

namespace midstream::rtsp {
namespace {

// The film with its streams on 0-1 and 2-3, or the second one by UDP.
Dialogue film_inside(bool second_by_udp = false) {
  Dialogue d;
  describe(d);
  for (int i = 0; i < 2; ++i) {
    const std::string head = "\nCSeq: " + std::to_string(i + 2) + "\nSession: abc\nTransport: ";
    const std::string pair = std::to_string(2 * i) + '-' + std::to_string(2 * i + 1);
    const std::string transport = i == 1 && second_by_udp
                                      ? "RTP/AVP;unicast;client_port=5002-5003;server_port=6972-6973"
                                      : "RTP/AVP/TCP;unicast;interleaved=" + pair;
    d.client("SETUP rtsp://10.0.0.2/film/stream=" + std::to_string(i) + " RTSP/1.0" + head + transport);
    d.server("RTSP/1.0 200 OK" + head + transport);
  }
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: abc");
  d.server("RTSP/1.0 200 OK\nCSeq: 4\nSession: abc\nRange: npt=0-60");
  REQUIRE(d.conversation.unprotected == Unprotected::kNone);
  REQUIRE(d.session().state == PlayState::kPlaying);
  return d;
}

TEST_CASE("a second server is asked for the client's channels, and may choose others", "[replay]") {
  struct Row {
    const char *first, *second;
    PortPair channels_1, channels_2;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=A",
       "RTP/AVP/TCP;unicast;interleaved=2-3",
       {0, 1},
       {2, 3}},
      {"RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=A",
       "RTP/AVP/TCP;unicast;interleaved=0-1",
       {2, 3},
       {0, 1}},
      {"RTP/AVP/TCP;unicast;interleaved=254;ssrc=A", "RTP/AVP/TCP;interleaved=9-4", {254, 255}, {9, 4}},
      {"RTP/AVP/TCP;unicast;ssrc=A", "RTP/AVP/TCP;unicast", {0, 1}, {2, 3}},
      {"RTP/AVP;unicast;interleaved=0-1;ssrc=A", "RTP/AVP;unicast;interleaved=2-3", {0, 1}, {2, 3}},
  }));
  INFO(row.first);
  Establishment b(film_inside().conversation);
  b.describe();
  CHECK(b.replay.take_output().ends_with("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"));
  b.setup(2, row.first);
  CHECK_FALSE(b.replay.setups_done(0));
  CHECK(b.replay.take_output().ends_with(
      "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\nSession: B-id\r\n\r\n"));
  CHECK(b.setup(3, row.second) == ReplayProgress::kContinue);
  CHECK(b.replay.setups_done(0));
  CHECK(b.replay.take_output().starts_with("PLAY "));
  const auto& streams = b.replay.result(0).streams;
  CHECK(streams[0].channels == row.channels_1);
  CHECK(streams[1].channels == row.channels_2);
  CHECK(streams[0].server_port == PortPair{});
  CHECK(streams[0].ssrc == 10u);
  CHECK(streams[1].clock_rate == 48000);
}

TEST_CASE("streams of both kinds are set up as they were", "[replay]") {
  Establishment b(film_inside(true).conversation);
  b.describe();
  b.replay.take_output();
  b.setup(2, "RTP/AVP/TCP;unicast;interleaved=0-1");
  CHECK(b.replay.take_output().find("Transport: RTP/AVP;unicast;client_port=5002-5003\r\n") !=
        std::string::npos);
  CHECK(b.setup(3, "RTP/AVP;unicast;server_port=8000-8001") == ReplayProgress::kContinue);
  CHECK(b.replay.setups_done(0));
  CHECK(b.replay.result(0).streams[0].channels == PortPair{0, 1});
  CHECK_FALSE(b.replay.result(0).streams[1].channels);
  CHECK(b.replay.result(0).streams[1].server_port.rtp == 8000);
}

TEST_CASE("SETUP of a stream inside the connection fails", "[replay]") {
  struct Row {
    const char *transport, *failure;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP;unicast;server_port=8000-8001", "other transport"},
      {"RTP/SAVP/TCP;unicast;interleaved=2-3", "other transport"},
      {"RTP/AVP/TCP;multicast;interleaved=2-3", "other transport"},
      {"RAW/RAW/TCP;unicast;interleaved=2-3", "other transport"},
      {"RTP/AVP/TCP;unicast;interleaved=x", "no usable channels"},
      {"RTP/AVP/TCP;unicast;interleaved=4-4", "no usable channels"},
      {"RTP/AVP/TCP;unicast;interleaved=4-256", "no usable channels"},
      {"RTP/AVP/TCP;unicast;interleaved=256-4", "no usable channels"},
  }));
  INFO(row.transport);
  Establishment b(film_inside().conversation);
  b.describe();
  int cseq = 2;
  SECTION("the first") {}
  SECTION("the second") {
    b.setup(2, "RTP/AVP/TCP;unicast;interleaved=0-1");
    cseq = 3;
  }
  CHECK(b.setup(cseq, row.transport) == ReplayProgress::kFailed);
  CHECK(b.replay.failure() == "SETUP " + std::to_string(cseq - 1) + ": " + row.failure);
  CHECK_FALSE(b.replay.setups_done(0));
}

TEST_CASE("two streams on one channel cannot be told apart", "[replay]") {
  const std::string first = "RTP/AVP/TCP;unicast;interleaved=2-3";
  const auto second =
      GENERATE(values<std::string>({"RTP/AVP/TCP;unicast;interleaved=2-3",
                                    "RTP/AVP/TCP;unicast;interleaved=1-2", "RTP/AVP/TCP;unicast"}));
  Establishment b(film_inside().conversation);
  b.describe();
  b.setup(2, first);
  CHECK(b.setup(3, second) == ReplayProgress::kFailed);
  CHECK(b.replay.failure() == "SETUP 2: channels of another stream");
}

TEST_CASE("the channels of one connection are those of all its sessions", "[replay]") {
  Dialogue d = film_inside();
  d.client(
      "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 5\n"
      "Transport: RTP/AVP/TCP;unicast;interleaved=4-5");
  d.server("RTSP/1.0 200 OK\nCSeq: 5\nSession: xyz\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5");
  Establishment b(d.conversation);
  b.describe();
  b.setup(2, "RTP/AVP/TCP;unicast;interleaved=0-1");
  b.setup(3, "RTP/AVP/TCP;unicast;interleaved=2-3");
  b.replay.take_output();
  b.server("RTSP/1.0 200 OK\nCSeq: 4");
  CHECK(b.replay.take_output().ends_with("Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n\r\n"));
  SECTION("others") {
    CHECK(b.setup(5, "RTP/AVP/TCP;unicast;interleaved=6-7") == ReplayProgress::kDone);
    CHECK(b.replay.result(1).streams[0].channels == PortPair{6, 7});
  }
  SECTION("the same") {
    CHECK(b.setup(5, "RTP/AVP/TCP;unicast;interleaved=0-1") == ReplayProgress::kFailed);
    CHECK(b.replay.failure() == "SETUP 1 (session 2): channels of another stream");
  }
}

}  // namespace
}  // namespace midstream::rtsp
