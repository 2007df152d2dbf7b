// The stream control monitor: whole dialogues of servers as they are, and whose session is whose.
#include "lib/rtsp/session.h"

#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("a gst dialogue, from OPTIONS to TEARDOWN", "[session]") {
  Dialogue d;
  d.client("OPTIONS rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 0\nUser-Agent: Lavf59");
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 0\nPublic: DESCRIBE, SETUP, PLAY") == kNothing);

  describe(d);
  CHECK(d.conversation.has_description);
  CHECK(d.conversation.describe_url.view() == "rtsp://10.0.0.2/film");
  CHECK(d.conversation.base.view() == "rtsp://10.0.0.2/film/");
  CHECK(d.conversation.description.media_count == 2);

  CHECK(setup(d, 0, "Session: abc;timeout=90") == kStreamsChanged);
  CHECK(d.session().id.view() == "abc");
  CHECK(d.session().timeout_s == 90);
  CHECK(d.session().state == PlayState::kReady);
  CHECK(d.session().url.view() == "rtsp://10.0.0.2/film/");
  CHECK(d.session().duration == Npt::from_seconds(60));
  CHECK_FALSE(d.session().live);
  CHECK(setup(d, 1) == kStreamsChanged);
  REQUIRE(d.session().stream_count == 2);
  CHECK(d.session().timeout_s == 90);  // an answer without a timeout does not set it back

  const Stream& audio = d.stream(1);
  CHECK(audio.url.view() == "rtsp://10.0.0.2/film/stream=1");
  CHECK(audio.media == 1);
  CHECK(audio.payload_type == 97);
  CHECK(audio.clock_rate == 48000);
  CHECK(audio.client_port.rtp == 5002);
  CHECK(audio.client_port.rtcp == 5003);
  CHECK(audio.server_port.rtp == 6972);
  CHECK(audio.server_port.rtcp == 6973);
  CHECK(audio.ssrc == 2u);

  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: abc\nRange: npt=0-");
  CHECK_FALSE(d.conversation.any_playing());
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 4\nSession: abc;timeout=60\nRange: npt=0-60\n"
                 "RTP-Info: url=rtsp://10.0.0.2/film/stream=0;seq=100;rtptime=7, "
                 "url=rtsp://10.0.0.2/film/stream=1;seq=65535;rtptime=4294967295") == kPlayChanged);
  CHECK(d.conversation.any_playing());
  CHECK(d.session().timeout_s == 60);
  CHECK(d.session().play_count == 1);
  CHECK(d.session().play_start == Npt{0});
  CHECK_FALSE(d.session().play_end);
  CHECK(d.stream(0).info_sequence == RtpSequence(100));
  CHECK(d.stream(0).info_timestamp == RtpTimestamp(7));
  CHECK(d.stream(1).info_sequence == RtpSequence(65535));
  CHECK(d.stream(1).info_timestamp == RtpTimestamp(4294967295));

  d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc");
  CHECK(d.session().teardown_requested);
  CHECK(d.session().state == PlayState::kPlaying);
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 5\nConnection: close") == kTornDown);
  CHECK(d.session().state == PlayState::kTornDown);
  CHECK_FALSE(d.conversation.any_playing());
  CHECK(d.conversation.pending_count == 0);
  CHECK(d.conversation.pending_used == 0);
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

TEST_CASE("a live555 dialogue: own addresses, no ssrc, timeout in SETUP only", "[session]") {
  Dialogue d;
  const std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 192.168.0.9\r\ns=x\r\nt=0 0\r\na=control:*\r\na=range:npt=0-12.5\r\n"
      "m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 H264/90000 \r\na=control:track1\r\n"
      "m=audio 0 RTP/AVP 0\r\na=control:track2\r\n";
  describe(d, sdp, "rtsp://10.0.0.2:554/a.mkv", "rtsp://192.168.0.9/a.mkv/");
  d.client(
      "SETUP rtsp://192.168.0.9/a.mkv/track2 RTSP/1.0\nCSeq: 2\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001");
  d.server(
      "RTSP/1.0 200 OK\nCSeq: 2\nDate: now\nTransport: RTP/AVP;unicast;destination=10.0.0.1;"
      "source=192.168.0.9;client_port=5000-5001;server_port=6970-6971\n"
      "Session:   0F3D51C2;timeout=65");
  REQUIRE(d.session().stream_count == 1);
  CHECK(d.session().id.view() == "0F3D51C2");
  CHECK(d.session().timeout_s == 65);
  CHECK(d.stream().media == 1);
  CHECK(d.stream().clock_rate == 8000);
  CHECK_FALSE(d.stream().ssrc);

  d.client("PLAY rtsp://192.168.0.9/a.mkv/ RTSP/1.0\nCSeq: 3\nSession: 0F3D51C2\nRange: npt=3-");
  d.server(
      "RTSP/1.0 200 OK\nCSeq: 3\nRange: npt=2.48-\nSession: 0F3D51C2\n"
      "RTP-Info: url=rtsp://192.168.0.9/a.mkv/track2;seq=5;rtptime=6");
  CHECK(d.session().play_start == Npt{2'480'000'000});
  CHECK(d.session().duration == Npt{12'500'000'000});
  CHECK(d.stream().info_sequence == RtpSequence(5));
}

TEST_CASE("a gortsplib dialogue: live, no Range in the answer", "[session]") {
  Dialogue d;
  describe(d, kLive, "rtsp://10.0.0.2/cam", "rtsp://10.0.0.2/cam/");
  CHECK(d.conversation.description.media_count == 1);
  d.client(
      "SETUP rtsp://10.0.0.2/cam/trackID=0 RTSP/1.0\nCSeq: 2\n"
      "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001");
  d.server(
      "RTSP/1.0 200 OK\nCSeq: 2\nSession: c6b0aebe5f6c4b0f96ad5d1d3b2b60f0;timeout=55\n"
      "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=d6d6627");
  CHECK(d.session().live);
  CHECK(d.session().timeout_s == 55);
  CHECK(d.stream().ssrc == 0x0d6d6627u);
  d.client(
      "PLAY rtsp://10.0.0.2/cam/ RTSP/1.0\nCSeq: 3\nRange: npt=7.500-\n"
      "Session: c6b0aebe5f6c4b0f96ad5d1d3b2b60f0");
  d.server(
      "RTSP/1.0 200 OK\nCSeq: 3\nSession: c6b0aebe5f6c4b0f96ad5d1d3b2b60f0;timeout=55\n"
      "RTP-Info: url=rtsp://10.0.0.2/cam/trackID=0;seq=1;rtptime=2");
  CHECK(d.session().state == PlayState::kPlaying);
  CHECK(d.session().live);
  CHECK(d.session().play_start == Npt{0});  // what is on air is not what was asked for
  CHECK_FALSE(d.session().duration);
}

TEST_CASE("several sessions on one connection keep apart", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, 0, "Session: one");
  setup(d, 0, "Session: two");
  REQUIRE(d.session(1).id.view() == "two");
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: two");
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: one");
  d.server("RTSP/1.0 200 OK\nCSeq: 4\nRange: npt=7-");  // no Session: the request's
  CHECK(d.session(0).state == PlayState::kReady);
  CHECK(d.session(1).state == PlayState::kPlaying);
  CHECK(d.session(1).play_start == Npt::from_seconds(7));
  d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 6\nSession: two");
  CHECK_FALSE(d.session(0).teardown_requested);
  CHECK(d.session(1).teardown_requested);
  d.server("RTSP/1.0 200 OK\nCSeq: 6");
  d.server("RTSP/1.0 200 OK\nCSeq: 5\nSession: one");
  CHECK(d.session(0).state == PlayState::kPlaying);
  CHECK(d.session(1).state == PlayState::kTornDown);

  INFO("a session that is gone leaves its place");
  for (const char* id : {"three", "four", "five"}) setup(d, 0, std::string("Session: ") + id);
  CHECK(d.conversation.find_session("five") == &d.conversation.sessions[1]);
  CHECK(d.session(1).state == PlayState::kReady);
  CHECK_FALSE(d.session(1).teardown_requested);
  CHECK(d.conversation.unprotected == Unprotected::kNone);
  CHECK(setup(d, 0, "Session: six") == kUnprotectedChanged);
  CHECK(d.conversation.unprotected == Unprotected::kTooManySessions);
}

TEST_CASE("an unknown Session id is nobody's", "[session]") {
  Dialogue d = playing_film();
  d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: other");
  CHECK_FALSE(d.session().teardown_requested);
  d.server("RTSP/1.0 454 Session Not Found\nCSeq: 5");
  CHECK(d.session().state == PlayState::kPlaying);
}

TEST_CASE("TEARDOWN of one stream takes that stream only", "[session]") {
  Dialogue d = playing_film();
  d.client("TEARDOWN rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 5\nSession: abc");
  CHECK_FALSE(d.session().teardown_requested);
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 5\nSession: abc") == kStreamsChanged);
  CHECK(d.session().state == PlayState::kPlaying);
  REQUIRE(d.session().stream_count == 1);
  CHECK(d.stream().media == 1);

  d.client("TEARDOWN rtsp://10.0.0.2/film/stream=1 RTSP/1.0\nCSeq: 6\nSession: abc");
  CHECK(d.session().teardown_requested);
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 6\nSession: abc") == kTornDown);
}

}  // namespace
}  // namespace midstream::rtsp
