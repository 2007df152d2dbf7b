// What DESCRIBE and SETUP answers make of a session and its streams.
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("the base is completed from the request", "[session]") {
  struct Row {
    const char *headers, *base;
  };
  const auto row = GENERATE(
      values<Row>({{"Content-Base: rtsp://10.0.0.9/film/", "rtsp://10.0.0.9/film/"},
                   {"Content-Base: rtsp://10.0.0.9/film", "rtsp://10.0.0.9/film"},
                   {"Content-Location: rtsp://10.0.0.9/loc/", "rtsp://10.0.0.9/loc/"},
                   {"Content-Location: rtsp://h/loc/\nContent-Base: rtsp://h/base/", "rtsp://h/base/"},
                   {"Content-Base: /film/", "rtsp://10.0.0.2:8554/film/"},
                   {"Content-Base: //10.0.0.9/film/", "rtsp://10.0.0.9/film/"},
                   {"Content-Base: 10.0.0.2:8554/film/", "rtsp://10.0.0.2:8554/film/"},
                   {"Content-Base: film/", "rtsp://10.0.0.2:8554/film"},
                   {"Content-Base:", "rtsp://10.0.0.2:8554/film"},
                   {"Server: x", "rtsp://10.0.0.2:8554/film"}}));
  Dialogue d;
  d.client("DESCRIBE rtsp://10.0.0.2:8554/film RTSP/1.0\nCSeq: 1");
  d.server("RTSP/1.0 200 OK\nCSeq: 1\n" + std::string(row.headers), kFilm);
  CHECK(d.conversation.base.view() == row.base);

  INFO("whatever it is, the control is found");
  setup(d, 1);
  REQUIRE(d.session().stream_count == 1);
  CHECK(d.stream().media == 1);
}

TEST_CASE("a SETUP's medium is found by its control, else by order", "[session]") {
  Dialogue d;
  describe(d);
  const auto setup_url = [&](const std::string& url, int cseq) {
    const std::string n = "\nCSeq: " + std::to_string(cseq);
    d.client("SETUP " + url + " RTSP/1.0" + n +
             "\nSession: abc\nTransport: RTP/AVP;unicast;client_port=5000-5001");
    return d.server("RTSP/1.0 200 OK" + n +
                    "\nSession: abc\nTransport: RTP/AVP;unicast;server_port=6970-6971");
  };

  SECTION("audio first") {
    setup_url("rtsp://10.0.0.2/film/stream=1", 2);
    setup_url("rtsp://10.0.0.2/film/stream=0", 3);
    CHECK(d.stream(0).media == 1);
    CHECK(d.stream(1).media == 0);
  }
  SECTION("another host") {
    setup_url("rtsp://other:8554/film/stream=1", 2);
    CHECK(d.stream(0).media == 1);
  }
  SECTION("joined to something that we do not know") {
    setup_url("rtsp://10.0.0.2/proxy/stream=1", 2);
    CHECK(d.stream(0).media == 1);
  }
  SECTION("unknown names take the media that are left") {
    setup_url("rtsp://10.0.0.2/film/stream=0", 2);
    setup_url("rtsp://10.0.0.2/film/sound", 3);
    CHECK(d.stream(1).media == 1);
    CHECK(d.conversation.unprotected == Unprotected::kNone);
    INFO("nothing is left for a third");
    CHECK(setup_url("rtsp://10.0.0.2/film/more", 4) == kUnprotectedChanged);
    CHECK(d.session().stream_count == 2);
    CHECK(d.conversation.unprotected == Unprotected::kTooManyStreams);
  }
}

TEST_CASE("ports come from the answer, else from the request", "[session]") {
  Dialogue d;
  describe(d);
  d.client(
      "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 2\n"
      "Transport: RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=5000-5001");
  const auto answer = [&](const std::string& transport) {
    d.server("RTSP/1.0 200 OK\nCSeq: 2\nSession: abc\nTransport: " + transport);
    REQUIRE(d.session().stream_count == 1);
    return d.stream().client_port.rtp;
  };
  SECTION("answer") { CHECK(answer("RTP/AVP;client_port=5010-5011;server_port=1-2") == 5010); }
  SECTION("request") { CHECK(answer("RTP/AVP;unicast;server_port=6970-6971") == 5000); }
}

TEST_CASE("the same SETUP again replaces the stream", "[session]") {
  Dialogue d = playing_film("Range: npt=0-", "RTP-Info: url=stream=0;seq=1;rtptime=2");
  REQUIRE(d.stream(0).info_sequence);
  d.client(
      "SETUP rtsp://10.0.0.2/film/stream=0/ RTSP/1.0\nCSeq: 9\nSession: abc\n"
      "Transport: RTP/AVP;unicast;client_port=7000-7001");
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 9\nSession: abc\n"
                 "Transport: RTP/AVP;unicast;client_port=7000-7001;server_port=6990-6991") ==
        kStreamsChanged);
  CHECK(d.session().stream_count == 2);
  CHECK(d.stream(0).client_port.rtp == 7000);
  CHECK(d.stream(0).server_port.rtp == 6990);
  CHECK(d.stream(0).media == 0);
  CHECK_FALSE(d.stream(0).ssrc);
  CHECK_FALSE(d.stream(0).info_sequence);
  CHECK_FALSE(d.stream(0).info_timestamp);
  CHECK(d.stream(1).client_port.rtp == 5002);
}

TEST_CASE("a Session id that changes between SETUPs renames the session", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, 0);
  setup(d, 1, "Session: xyz");
  CHECK(d.session().id.view() == "xyz");
  CHECK(d.session().stream_count == 2);
  CHECK(d.session(1).id.empty());
}

TEST_CASE("a playing session is not renamed: another id is another session", "[session]") {
  Dialogue d = playing_film();
  setup(d, 1, "Session: xyz");
  CHECK(d.session().id.view() == "abc");
  CHECK(d.session().stream_count == 2);
  CHECK(d.session(1).id.view() == "xyz");
  CHECK(d.session(1).stream_count == 1);
}

TEST_CASE("an id that a server gives out again is a new session", "[session]") {
  Dialogue d = playing_film();
  d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc");
  d.server("RTSP/1.0 200 OK\nCSeq: 5");
  setup(d, 0);
  CHECK(d.conversation.find_session("abc") == &d.conversation.sessions[0]);
  CHECK(d.session().state == PlayState::kReady);
  CHECK(d.session().stream_count == 1);
  CHECK(d.session().play_count == 0);
  CHECK_FALSE(d.session().teardown_requested);
}

}  // namespace
}  // namespace midstream::rtsp
