// Which answer belongs to which request.
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("an error answer changes nothing but the list", "[session]") {
  const auto status = GENERATE(values<std::string>(
      {"301 Moved Permanently", "401 Unauthorized", "454 Session Not Found", "500 Error"}));
  Dialogue d = playing_film();
  const auto before = d.session();
  const char* requests[] = {
      "PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: abc\nRange: npt=3-4\nScale: 3",
      "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: abc",
      "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 7\nTransport: RTP/AVP;client_port=1-2",
      "DESCRIBE rtsp://10.0.0.2/other RTSP/1.0\nCSeq: 7",
      "TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: abc"};
  for (const char* request : requests) {
    d.client(request);
    CHECK(d.conversation.pending_count == 1);
    CHECK(d.server("RTSP/1.0 " + status +
                   "\nCSeq: 7\nSession: abc;timeout=9\nScale: 3\n"
                   "Range: npt=3-4\nTransport: RTP/AVP;server_port=1-2") == kNothing);
    CHECK(d.conversation.pending_count == 0);
  }
  CHECK(d.session().state == before.state);
  CHECK(d.session().play_count == before.play_count);
  CHECK(d.session().play_start == before.play_start);
  CHECK(d.session().scale == before.scale);
  CHECK(d.session().timeout_s == before.timeout_s);
  CHECK(d.session().stream_count == before.stream_count);
  CHECK(d.stream(0).server_port.rtp == before.streams[0].server_port.rtp);
  CHECK(d.conversation.describe_url.view() == "rtsp://10.0.0.2/film");
}

TEST_CASE("100 Continue answers nothing", "[session]") {
  Dialogue d = playing_film();
  d.client("PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc");
  CHECK(d.server("RTSP/1.0 100 Continue\nCSeq: 5") == kNothing);
  CHECK(d.conversation.pending_count == 1);
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 5") == kPlayChanged);
}

TEST_CASE("pipelined requests are matched by CSeq, else by order", "[session]") {
  Dialogue d = ready_film();
  const std::string play = "PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: abc";
  const std::string option = "OPTIONS * RTSP/1.0\nCSeq: 5";
  const std::string pause = "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 6\nSession: abc";
  d.client(play), d.client(option), d.client(pause);
  REQUIRE(d.conversation.pending_count == 3);
  CHECK(d.conversation.pending[1].method == Method::kOptions);
  CHECK(d.pending_text() == wire(play) + wire(option) + wire(pause));

  SECTION("in any order by CSeq") {
    CHECK(d.server("RTSP/1.0 200 OK\nCseq: 5") == kNothing);
    CHECK(d.pending_text() == wire(play) + wire(pause));
    CHECK(d.server("RTSP/1.0 200 OK\nCSeq : 4") == kPlayChanged);
    CHECK(d.pending_text() == wire(pause));
    CHECK(d.session().state == PlayState::kPlaying);
    CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 6 ") == kPlayChanged);
    CHECK(d.session().state == PlayState::kPaused);
  }
  SECTION("without CSeq the oldest") {
    CHECK(d.server("RTSP/1.0 200 OK\nSession: abc") == kPlayChanged);
    CHECK(d.pending_text() == wire(option) + wire(pause));
  }
  SECTION("an unknown CSeq: the oldest") {
    CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 77") == kPlayChanged);
    CHECK(d.pending_text() == wire(option) + wire(pause));
  }
}

TEST_CASE("pipelined SETUPs without a Session, and a PLAY behind them", "[session]") {
  Dialogue d;
  describe(d, kLive, "rtsp://10.0.0.2/cam", "rtsp://10.0.0.2/cam/");
  d.client(
      "SETUP rtsp://10.0.0.2/cam/trackID=0 RTSP/1.0\nCSeq: 2\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001");
  d.client("PLAY rtsp://10.0.0.2/cam/ RTSP/1.0\nCSeq: 3");
  d.server("RTSP/1.0 200 OK\nCSeq: 2\nSession: s\nTransport: RTP/AVP;unicast;server_port=8000-8001");
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 3\nSession: s") == kPlayChanged);
  CHECK(d.session().state == PlayState::kPlaying);
}

TEST_CASE("an answer to nothing is nothing", "[session]") {
  Dialogue d;
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 1\nSession: x\nTransport: RTP/AVP;server_port=1-2") ==
        kNothing);
  CHECK(d.client("RTSP/1.0 200 OK\nCSeq: 1") == kNothing);
  CHECK(d.session().id.empty());
}

TEST_CASE("a request that does not fit is known, but not kept", "[session]") {
  Dialogue d = playing_film();
  const std::string body(kMaxPendingBytes, 'x');
  const std::string pause = "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 6\nSession: abc";
  d.client("SET_PARAMETER rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc", body);
  d.client(pause);
  REQUIRE(d.conversation.pending_count == 2);
  CHECK(d.conversation.pending[0].bytes == 0);
  CHECK(d.conversation.pending[1].bytes == wire(pause).size());
  CHECK(d.pending_text() == wire(pause));
  d.server("RTSP/1.0 200 OK\nCSeq: 5");
  CHECK(d.pending_text() == wire(pause));
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

TEST_CASE("a 17th unanswered request pushes the first out", "[session]") {
  Dialogue d;
  for (int i = 0; i < 16; ++i)
    CHECK(d.client("OPTIONS * RTSP/1.0\nCSeq: " + std::to_string(i)) == kNothing);
  CHECK(d.client("OPTIONS * RTSP/1.0\nCSeq: 16") == kUnprotectedChanged);
  CHECK(d.conversation.pending_count == kMaxPending);
  CHECK(d.conversation.pending[0].cseq == 1);
  CHECK(d.conversation.pending[15].cseq == 16);
  CHECK(d.pending_text().starts_with(wire("OPTIONS * RTSP/1.0\nCSeq: 1")));
  CHECK(d.conversation.unprotected == Unprotected::kMessageTooLarge);
}

TEST_CASE("the server's own requests are answered by the client, not by the server", "[session]") {
  Dialogue d = playing_film();
  d.client("PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc");
  CHECK(d.server("OPTIONS rtsp://10.0.0.1/ RTSP/1.0\nCSeq: 5") == kNothing);
  CHECK(d.server("GET_PARAMETER rtsp://10.0.0.1/ RTSP/1.0\nCSeq: 6") == kNothing);
  CHECK(d.conversation.server_pending_count == 2);
  CHECK(d.conversation.pending_count == 1);

  CHECK(d.client("RTSP/1.0 200 OK\nCSeq: 6") == kNothing);
  CHECK(d.conversation.server_pending_count == 1);
  CHECK(d.conversation.server_pending[0] == 5);
  d.client("RTSP/1.0 501 Not Implemented");  // FFmpeg's, without CSeq
  CHECK(d.conversation.server_pending_count == 0);
  CHECK(d.conversation.pending_count == 1);
  CHECK(d.session().state == PlayState::kPlaying);

  INFO("an answer whose CSeq is wrong still answers one");
  d.server("OPTIONS * RTSP/1.0\nCSeq: 7");
  d.client("RTSP/1.0 200 OK\nCSeq: 70");
  CHECK(d.conversation.server_pending_count == 0);

  INFO("unanswered ones are bounded");
  for (int i = 0; i < 20; ++i) d.server("OPTIONS * RTSP/1.0\nCSeq: " + std::to_string(100 + i));
  CHECK(d.conversation.server_pending_count == kMaxPending);
  CHECK(d.conversation.server_pending[kMaxPending - 1] == 119);
}

}  // namespace
}  // namespace midstream::rtsp
