// The establishment dialogue, against servers as they are.
#include "lib/rtsp/replay.h"

#include "tests/unit/rtsp/establishment.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("a playing film is led to its position, step by step", "[replay]") {
  Establishment b(playing_film().conversation, {Npt{12'480'000'000}});
  CHECK(b.replay.take_output() ==
        "DESCRIBE rtsp://10.0.0.2/film RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n");
  CHECK(b.replay.take_output().empty());
  CHECK(b.replay.step() == "DESCRIBE");

  CHECK(b.describe() == ReplayProgress::kContinue);
  CHECK(b.replay.step() == "SETUP 1");
  CHECK(b.replay.take_output() ==
        "SETUP rtsp://10.0.0.3/film/stream=0 RTSP/1.0\r\nCSeq: 2\r\n"
        "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n");

  CHECK(b.setup(2, "RTP/AVP;unicast;client_port=5000-5001;server_port=40000-40001;ssrc=0000000A") ==
        ReplayProgress::kContinue);
  CHECK_FALSE(b.replay.setups_done(0));
  CHECK(b.replay.step() == "SETUP 2");
  CHECK(b.replay.take_output() ==
        "SETUP rtsp://10.0.0.3/film/stream=1 RTSP/1.0\r\nCSeq: 3\r\n"
        "Transport: RTP/AVP;unicast;client_port=5002-5003\r\nSession: B-id\r\n\r\n");

  CHECK(b.setup(3, "RTP/AVP;unicast;client_port=5002-5003;server_port=40002-40003") ==
        ReplayProgress::kContinue);
  CHECK(b.replay.setups_done(0));
  CHECK(b.replay.step() == "PLAY");
  CHECK(b.replay.take_output() ==
        "PLAY rtsp://10.0.0.3/film/ RTSP/1.0\r\nCSeq: 4\r\nSession: B-id\r\n"
        "Range: npt=12.48-\r\nSeek-Style: RAP\r\n\r\n");

  CHECK(b.server("RTSP/1.0 200 OK\nCSeq: 4\nSession: B-id\nRange: npt=12.48-60\n"
                 "RTP-Info: url=rtsp://10.0.0.3/film/stream=1;seq=2;rtptime=20,"
                 "url=rtsp://10.0.0.3/film/stream=0;seq=1;rtptime=10") == ReplayProgress::kDone);
  CHECK(b.replay.take_output().empty());
  CHECK(b.replay.step().empty());
  CHECK(b.replay.failure().empty());

  const ReplaySession& result = b.replay.result(0);
  CHECK(result.id.view() == "B-id");
  CHECK(result.timeout_s == 55);
  CHECK(result.url.view() == "rtsp://10.0.0.3/film/");
  CHECK(result.play_start == Npt{12'480'000'000});
  CHECK(result.streams[0].url.view() == "rtsp://10.0.0.3/film/stream=0");
  CHECK(result.streams[0].server_port.rtp == 40000);
  CHECK(result.streams[0].server_port.rtcp == 40001);
  CHECK(result.streams[0].ssrc == 10u);
  CHECK(result.streams[0].info_sequence == RtpSequence(1));
  CHECK(result.streams[0].info_timestamp == RtpTimestamp(10));
  CHECK(result.streams[0].payload_type == 96);
  CHECK(result.streams[0].clock_rate == 90000);
  CHECK(result.streams[1].clock_rate == 48000);
  CHECK(result.streams[1].info_sequence == RtpSequence(2));
  CHECK_FALSE(result.streams[1].ssrc);
  CHECK_FALSE(b.replay.setups_done(1));
}

TEST_CASE("all SETUPs after the first leave together; PLAY waits for the last answer", "[replay]") {
  const std::string three = kFilm + "m=audio 0 RTP/AVP 8\r\na=control:stream=2\r\n";
  Dialogue d;
  describe(d, three);
  for (int i = 0; i < 3; ++i) setup(d, i);
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 9\nSession: abc");
  d.server("RTSP/1.0 200 OK\nCSeq: 9");

  Establishment b(d.conversation);
  b.describe(three);
  b.replay.take_output();
  b.setup(2, "RTP/AVP;unicast;server_port=8000-8001");
  const std::string out = b.replay.take_output();
  CHECK(out.find("SETUP rtsp://10.0.0.3/film/stream=1 RTSP/1.0\r\nCSeq: 3\r\n") == 0);
  CHECK(out.find("SETUP rtsp://10.0.0.3/film/stream=2 RTSP/1.0\r\nCSeq: 4\r\n") != std::string::npos);
  CHECK(out.find("PLAY") == std::string::npos);

  INFO("answers in the other order");
  b.setup(4, "RTP/AVP;unicast;server_port=8000-8001");
  CHECK(b.replay.take_output().empty());
  CHECK(b.replay.step() == "SETUP 2");
  b.setup(3, "RTP/AVP;unicast;server_port=8000-8001");
  CHECK(b.replay.take_output().find("PLAY ") == 0);
}

TEST_CASE("PLAY asks for what the client had asked for", "[replay]") {
  struct Row {
    const char *request, *answer, *asked;
  };
  const auto row = GENERATE(values<Row>({
      {"Range: npt=5-20", "Range: npt=5-20", "Range: npt=7-20\r\nSeek-Style: RAP\r\n\r\n"},
      {"Range: npt=5-", "Range: npt=5-60\nScale: 2",
       "Range: npt=7-\r\nSeek-Style: RAP\r\nScale: 2\r\n\r\n"},
      {"Range: npt=5-", "Range: npt=5-60\nScale: 0.5",
       "Range: npt=7-\r\nSeek-Style: RAP\r\nScale: 0.5\r\n\r\n"},
      {"Range: npt=0-", "Range: npt=now-", "Session: B-id\r\nRange: npt=now-\r\n\r\n"},
  }));
  INFO(row.request);
  Establishment b(playing_film(row.request, row.answer).conversation, {Npt::from_seconds(7)});
  b.describe();
  b.setup(2, "RTP/AVP;unicast;server_port=8000-8001");
  b.replay.take_output();
  b.setup(3, "RTP/AVP;unicast;server_port=8000-8001");
  const std::string play = b.replay.take_output();
  INFO(play);
  CHECK(play.ends_with(row.asked));
}

TEST_CASE("B's own control names and addresses are used", "[replay]") {
  const std::string other =
      "v=0\r\no=- 9 9 IN IP4 192.168.0.9\r\ns=other\r\nt=0 "
      "0\r\na=control:rtsp://192.168.0.9/film/all\r\n"
      "m=video 0 RTP/AVP 100\r\na=rtpmap:100 H264/90000\r\n"
      "a=fmtp:100 profile-level-id=42c01e; packetization-mode=1\r\na=control:track1\r\n"
      "m=audio 0 RTP/AVP 101\r\na=rtpmap:101 mpeg4-generic/48000/2\r\na=control:track2\r\n";
  Establishment b(playing_film().conversation);
  b.describe(other);
  REQUIRE(b.replay.failure().empty());
  b.replay.take_output();
  b.setup(2, "RTP/AVP;unicast;source=192.168.0.9;client_port=5000-5001;server_port=6970-6971");
  CHECK(b.replay.take_output().find("SETUP rtsp://192.168.0.9/film/all/track2 RTSP/1.0\r\n") == 0);
  b.setup(3, "RTP/AVP;unicast;source=192.168.0.9;client_port=5002-5003;server_port=6972-6973");
  CHECK(b.replay.take_output().find("PLAY rtsp://192.168.0.9/film/all RTSP/1.0\r\n") == 0);
  CHECK(b.replay.result(0).streams[1].payload_type == 101);

  INFO("RTP-Info with other urls, as many as streams: by order; no Range");
  CHECK(b.server("RTSP/1.0 200 OK\nCSeq: 4\nRTP-Info: url=rtsp://x/1;seq=1,url=rtsp://x/2;seq=2") ==
        ReplayProgress::kDone);
  CHECK(b.replay.result(0).streams[1].info_sequence == RtpSequence(2));
  CHECK_FALSE(b.replay.result(0).play_start);
}

TEST_CASE("a session that does not play gets its SETUPs only", "[replay]") {
  Dialogue d = ready_film();
  SECTION("ready") {}
  SECTION("paused") {
    d = playing_film();
    d.client("PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 8\nSession: abc");
    d.server("RTSP/1.0 200 OK\nCSeq: 8");
    REQUIRE(d.session().state == PlayState::kPaused);
  }
  Establishment b(d.conversation);
  b.describe();
  b.setup(2, "RTP/AVP;unicast;server_port=8000-8001");
  b.replay.take_output();
  CHECK(b.setup(3, "RTP/AVP;unicast;server_port=8000-8001") == ReplayProgress::kDone);
  CHECK(b.replay.take_output().empty());
  CHECK(b.replay.setups_done(0));
}

TEST_CASE("several sessions are led one after the other", "[replay]") {
  Dialogue d;
  describe(d);
  setup(d, 0, "Session: gone");
  d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 3\nSession: gone");
  setup(d, 0, "Session: one");
  setup(d, 0, "Session: two");
  for (const char* id : {"one", "two"}) {
    d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: " + std::string(id));
    d.server("RTSP/1.0 200 OK\nCSeq: 4");
  }
  Establishment b(d.conversation, {Npt{}, Npt::from_seconds(1), Npt::from_seconds(2)});
  b.describe();
  b.replay.take_output();
  CHECK(b.setup(2, "RTP/AVP;unicast;server_port=8000-8001") == ReplayProgress::kContinue);
  CHECK(b.replay.take_output().find("Range: npt=1-\r\n") != std::string::npos);
  CHECK(b.replay.setups_done(1));
  CHECK(b.server("RTSP/1.0 200 OK\nCSeq: 3\nRange: npt=1-60") == ReplayProgress::kContinue);
  INFO("the second has no Session id yet");
  CHECK(b.replay.take_output() ==
        "SETUP rtsp://10.0.0.3/film/stream=0 RTSP/1.0\r\nCSeq: 4\r\n"
        "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n");
  b.setup(4, "RTP/AVP;unicast;server_port=8002-8003");
  CHECK(b.replay.take_output().find("Range: npt=2-\r\n") != std::string::npos);
  SECTION("done") {
    CHECK(b.server("RTSP/1.0 200 OK\nCSeq: 5\nRange: npt=2-60") == ReplayProgress::kDone);
    CHECK_FALSE(b.replay.setups_done(0));
    CHECK(b.replay.result(1).streams[0].server_port.rtp == 8000);
    CHECK(b.replay.result(2).streams[0].server_port.rtp == 8002);
    CHECK(b.replay.result(2).play_start == Npt::from_seconds(2));
  }
  SECTION("a failure names the session") {
    CHECK(b.server("RTSP/1.0 454 Session Not Found\nCSeq: 5") == ReplayProgress::kFailed);
    CHECK(b.replay.failure() == "PLAY (session 3): 454 Session Not Found");
  }
}

TEST_CASE("nothing to replay", "[replay]") {
  Dialogue d;
  SECTION("only OPTIONS so far: done at once") {
    d.client("OPTIONS * RTSP/1.0\nCSeq: 1");
    Establishment b(d.conversation);
    CHECK(b.replay.progress() == ReplayProgress::kDone);
    CHECK(b.replay.take_output().empty());
  }
  SECTION("only described: the content is compared") {
    describe(d);
    Establishment b(d.conversation);
    CHECK(b.replay.progress() == ReplayProgress::kContinue);
    CHECK(b.describe() == ReplayProgress::kDone);
    CHECK(b.replay.take_output().find("SETUP") == std::string::npos);
  }
  SECTION("a session without a description cannot be compared") {
    Conversation conversation = ready_film().conversation;
    conversation.has_description = false;
    Establishment b(conversation);
    CHECK(b.replay.progress() == ReplayProgress::kFailed);
    CHECK(b.replay.failure() == "no description to compare with");
  }
}

}  // namespace
}  // namespace midstream::rtsp
