// What cannot be protected, and the reason that is shown.
#include <algorithm>
#include <vector>

#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("a transport that cannot be protected says why", "[session]") {
  struct Row {
    const char* transport;
    Unprotected reason;
  };
  const auto row = GENERATE(values<Row>({
      {"Transport: RTP/AVP/TCP;unicast", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;interleaved=x", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;client_port=5000-5001;server_port=1-2",
       Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;interleaved=0-0", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;interleaved=256-0", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;interleaved=255-256", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP/TCP;unicast;interleaved=255", Unprotected::kUnknownTransport},
      {"Transport: RTP/SAVP/TCP;unicast;interleaved=0-1", Unprotected::kSecureRtp},
      {"Transport: RTP/AVP/TCP;multicast;interleaved=0-1", Unprotected::kMulticast},
      {"Transport: RAW/RAW/TCP;unicast;interleaved=0-1", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001", Unprotected::kMulticast},
      {"Transport: RTP/SAVP;unicast;client_port=5000-5001;server_port=1-2", Unprotected::kSecureRtp},
      {"Transport: RAW/RAW/UDP;unicast;client_port=5000-5001;server_port=1-2",
       Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP;unicast;client_port=5000-5001", Unprotected::kUnknownTransport},
      {"Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=0-1",
       Unprotected::kUnknownTransport},
      {"Server: says nothing", Unprotected::kUnknownTransport},
  }));
  INFO(row.transport);
  Dialogue d;
  describe(d);
  d.client(
      "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 2\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001");
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 2\nSession: abc\n" + std::string(row.transport)) ==
        kUnprotectedChanged);
  CHECK(d.conversation.unprotected == row.reason);
  CHECK(d.session().stream_count == 0);

  INFO("the first reason stays, also when things get better");
  setup(d, 1);
  CHECK(d.conversation.unprotected == row.reason);
}

TEST_CASE("no client ports anywhere, or no Session: nothing to protect", "[session]") {
  Dialogue d;
  describe(d);
  SECTION("ports") {
    d.client("SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 2");
    d.server("RTSP/1.0 200 OK\nCSeq: 2\nSession: a\nTransport: RTP/AVP;unicast;server_port=1-2");
  }
  SECTION("session") { setup(d, 0, "Server: x"); }
  CHECK(d.conversation.unprotected == Unprotected::kUnknownTransport);
}

TEST_CASE("secure media in the description", "[session]") {
  Dialogue d;
  describe(d, kFilm + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n");
  CHECK(d.conversation.unprotected == Unprotected::kNone);
  setup(d, 0);
  CHECK(d.conversation.unprotected == Unprotected::kSecureRtp);
}

TEST_CASE("SETUP without a description", "[session]") {
  Dialogue d;
  SECTION("none asked for") {}
  SECTION("not SDP") { describe(d, "<html>"); }
  SECTION("refused") {
    d.client("DESCRIBE rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1");
    d.server("RTSP/1.0 406 Not Acceptable\nCSeq: 1");
  }
  CHECK(setup(d, 0) == kUnprotectedChanged);
  CHECK(d.conversation.unprotected == Unprotected::kNoDescription);
}

TEST_CASE("a second presentation is not taken for the first", "[session]") {
  Dialogue d = playing_film();
  describe(d, kLive, "rtsp://10.0.0.2/cam", "rtsp://10.0.0.2/cam/");
  CHECK(d.conversation.describe_url.view() == "rtsp://10.0.0.2/film");
  CHECK(d.conversation.unprotected == Unprotected::kNone);
  d.client(
      "SETUP rtsp://10.0.0.2/cam/trackID=0 RTSP/1.0\nCSeq: 9\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001");
  d.server("RTSP/1.0 200 OK\nCSeq: 9\nSession: new\nTransport: RTP/AVP;unicast;server_port=1-2");
  CHECK(d.conversation.unprotected == Unprotected::kNoDescription);
}

TEST_CASE("requests that cannot be protected say why", "[session]") {
  struct Row {
    std::string request;
    Unprotected reason;
  };
  const std::string far = "rtsp://10.0.0.2/" + std::string(kMaxUrl, 'x');
  const Row row = GENERATE_COPY(values<Row>({
      {"ANNOUNCE rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1", Unprotected::kRecord},
      {"RECORD rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1", Unprotected::kRecord},
      {"OPTIONS * RTSP/2.0\nCSeq: 1", Unprotected::kRtsp2},
      {"DESCRIBE " + far + " RTSP/1.0\nCSeq: 1", Unprotected::kMessageTooLarge},
  }));
  INFO(row.request);
  Dialogue d;
  CHECK(d.client(row.request) == kUnprotectedChanged);
  CHECK(d.conversation.unprotected == row.reason);
  CHECK(d.client(row.request) == kNothing);  // no news
}

TEST_CASE("limits of what a server answers", "[session]") {
  Dialogue d;
  SECTION("RTSP 2.0") {
    d.server("RTSP/2.0 200 OK\nCSeq: 1");
    CHECK(d.conversation.unprotected == Unprotected::kRtsp2);
  }
  SECTION("a base too long") {
    describe(d, kFilm, "rtsp://10.0.0.2/film", "rtsp://h/" + std::string(kMaxUrl, 'x'));
    CHECK(d.conversation.unprotected == Unprotected::kMessageTooLarge);
    CHECK_FALSE(d.conversation.has_description);
  }
  SECTION("a Session id too long") {
    describe(d);
    setup(d, 0, "Session: " + std::string(129, 'x'));
    CHECK(d.conversation.unprotected == Unprotected::kMessageTooLarge);
    CHECK(d.session().id.empty());
  }
}

TEST_CASE("every reason and state has a name of its own", "[session]") {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Unprotected::kMessageTooLarge); ++i)
    names.emplace_back(to_string(static_cast<Unprotected>(i)));
  for (int i = 0; i <= static_cast<int>(PlayState::kTornDown); ++i)
    names.emplace_back(to_string(static_cast<PlayState>(i)));
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(std::find(names.begin(), names.end(), "?") == names.end());
}

}  // namespace
}  // namespace midstream::rtsp
