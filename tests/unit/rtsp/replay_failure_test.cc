// Everything that a second server can get wrong, and what does not count.
#include "tests/unit/rtsp/establishment.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("DESCRIBE fails", "[replay]") {
  Establishment b(playing_film().conversation);
  std::string failure;
  SECTION("not there") {
    b.server("RTSP/1.0 404 Stream Not Found\nCSeq: 1");
    failure = "DESCRIBE: 404 Not Found";
  }
  SECTION("redirected") {
    b.server("RTSP/1.0 302 Found\nCSeq: 1\nLocation: rtsp://10.0.0.4/film");
    failure = "DESCRIBE: 302 Moved Temporarily";
  }
  SECTION("a status that nobody knows") {
    b.server("RTSP/1.0 599 What\nCSeq: 1");
    failure = "DESCRIBE: 599";
  }
  SECTION("no SDP") {
    b.describe("<html>");
    failure = "DESCRIBE: no usable description";
  }
  SECTION("other content") {
    std::string other = kFilm;
    other.replace(other.find("H264"), 4, "H265");
    b.describe(other);
    CHECK(b.replay.failure().starts_with("content differs: "));
    CHECK(b.replay.failure().find("H265") != std::string::npos);
    failure = b.replay.failure();
  }
  SECTION("a control that is too long") {
    std::string other = kFilm;
    other.replace(other.find("stream=0"), 8, std::string(kMaxUrl - 10, 'x'));
    b.describe(other);
    failure = "SETUP 1: URL too long";
  }
  SECTION("a base that is too long") {
    b.server("RTSP/1.0 200 OK\nCSeq: 1\nContent-Base: rtsp://h/" + std::string(kMaxUrl, 'x'), kFilm);
    failure = "DESCRIBE: URL too long";
  }
  CHECK(b.replay.progress() == ReplayProgress::kFailed);
  CHECK(b.replay.failure() == failure);
  CHECK(b.replay.take_output().empty());
  INFO("and stays failed");
  CHECK(b.describe() == ReplayProgress::kFailed);
  CHECK(b.replay.take_output().empty());
}

TEST_CASE("SETUP fails", "[replay]") {
  struct Row {
    const char *answer, *failure;
  };
  const auto row = GENERATE(values<Row>({
      {"400 Bad Request\nCSeq: ", "400 Bad Request"},
      {"454 Whatever\nCSeq: ", "454 Session Not Found"},
      {"201 Created\nSession: B\nTransport: RTP/AVP;server_port=1-2\nCSeq: ", "201"},
      {"200 OK\nTransport: RTP/AVP;unicast;server_port=1-2\nCSeq: ", "no Session"},
      {"200 OK\nSession: B\nCSeq: ", "no Transport"},
      {"200 OK\nSession: B\nTransport: RTP/AVP;unicast\nCSeq: ", "no server ports"},
      {"200 OK\nSession: B\nTransport: RTP/AVP;unicast;server_port=0-1\nCSeq: ", "no server ports"},
      {"200 OK\nSession: B\nTransport: RTP/AVP/TCP;interleaved=0-1\nCSeq: ", "other transport"},
      {"200 OK\nSession: B\nTransport: RTP/AVP;multicast;server_port=1-2\nCSeq: ", "other transport"},
      {"200 OK\nSession: B\nTransport: RTP/SAVP;unicast;server_port=1-2\nCSeq: ", "other transport"},
      {"200 OK\nSession: B\nTransport: RTP/AVP;client_port=7-8;server_port=1-2\nCSeq: ",
       "other client ports"},
  }));
  INFO(row.answer);
  Establishment b(playing_film().conversation);
  b.describe();
  int cseq = 2;
  std::string step = "SETUP 1";
  SECTION("the first") {}
  SECTION("the second") {
    b.setup(2, "RTP/AVP;unicast;server_port=8000-8001");
    cseq = 3;
    step = "SETUP 2";
  }
  b.replay.take_output();
  CHECK(b.server("RTSP/1.0 " + std::string(row.answer) + std::to_string(cseq)) ==
        ReplayProgress::kFailed);
  CHECK(b.replay.failure() == step + ": " + row.failure);
  CHECK_FALSE(b.replay.setups_done(0));
  CHECK(b.replay.take_output().empty());
}

TEST_CASE("PLAY fails", "[replay]") {
  Establishment b(playing_film().conversation);
  b.setups();
  CHECK(b.server("RTSP/1.0 457 Invalid Range\nCSeq: 4") == ReplayProgress::kFailed);
  CHECK(b.replay.failure() == "PLAY: 457 Invalid Range");
}

TEST_CASE("answers without CSeq answer in order", "[replay]") {
  Establishment b(playing_film().conversation);
  b.server("RTSP/1.0 200 OK\nContent-Base: rtsp://10.0.0.3/film/", kFilm);
  b.server("RTSP/1.0 200 OK\nSession: B\nTransport: RTP/AVP;unicast;server_port=1-2");
  CHECK(b.replay.step() == "SETUP 2");
}

TEST_CASE("what is not ours does not move the dialogue", "[replay]") {
  Establishment b(playing_film().conversation);
  CHECK(b.server("RTSP/1.0 404 Not Found\nCSeq: 99") == ReplayProgress::kContinue);
  CHECK(b.server("RTSP/1.0 100 Continue\nCSeq: 1") == ReplayProgress::kContinue);
  CHECK(b.replay.step() == "DESCRIBE");
  b.describe();
  CHECK(b.server("RTSP/1.0 404 Not Found\nCSeq: 1") == ReplayProgress::kContinue);  // answered already
  CHECK(b.replay.step() == "SETUP 1");
}

TEST_CASE("B's own requests are answered", "[replay]") {
  struct Row {
    const char *request, *answer;
  };
  const auto row = GENERATE(values<Row>({
      {"OPTIONS * RTSP/1.0\nCSeq: 7", "RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"},
      {"GET_PARAMETER * RTSP/1.0\nCSeq: 8", "RTSP/1.0 200 OK\r\nCSeq: 8\r\n\r\n"},
      {"GET_PARAMETER * RTSP/1.0", "RTSP/1.0 200 OK\r\n\r\n"},
      {"REDIRECT * RTSP/1.0\nCSeq: 9", "RTSP/1.0 501 Not Implemented\r\nCSeq: 9\r\n\r\n"},
      {"JUMP * RTSP/1.0\nCSeq: 10", "RTSP/1.0 501 Not Implemented\r\nCSeq: 10\r\n\r\n"},
  }));
  Establishment b(playing_film().conversation);
  b.replay.take_output();
  CHECK(b.server(row.request) == ReplayProgress::kContinue);
  CHECK(b.replay.take_output() == row.answer);
  CHECK(b.replay.step() == "DESCRIBE");
}

TEST_CASE("a replay can be started anew", "[replay]") {
  Establishment b(playing_film().conversation);
  b.setups();
  b.server("RTSP/1.0 500 Error\nCSeq: 4");
  const Dialogue ready = ready_film();
  b.replay.start(ready.conversation, {}, 50);
  CHECK(b.replay.progress() == ReplayProgress::kContinue);
  CHECK(b.replay.failure().empty());
  CHECK_FALSE(b.replay.setups_done(0));
  CHECK(b.replay.take_output().find("CSeq: 50\r\n") != std::string::npos);
}

}  // namespace
}  // namespace midstream::rtsp
