// After a failover of streams inside the RTSP connection: each side keeps its channels.
#include "tests/unit/rtsp/translated.h"

namespace midstream::rtsp {
namespace {

// The client has the streams on 0-1 and 2-3, B on 4-5 and, crossed, 0-1; the third one is UDP.
Vocabulary words() {
  Vocabulary words;
  words.session_count = 2;
  SessionWords& session = words.sessions[0];
  REQUIRE(session.client_id.assign("A1"));
  REQUIRE(session.server_id.assign("B1"));
  session.stream_count = 3;
  for (size_t i = 0; i < 3; ++i) {
    StreamWords& stream = session.streams[i];
    REQUIRE(stream.client_url.assign("rtsp://10.0.0.2/film/stream=" + std::to_string(i)));
    REQUIRE(stream.server_url.assign("rtsp://10.0.0.3/film/stream=" + std::to_string(i)));
    stream.client_ssrc = 0xA0 + i;
    stream.server_ssrc = 0xB0 + i;
  }
  session.streams[0].client_channels = {0, 1};
  session.streams[0].server_channels = {4, 5};
  session.streams[1].client_channels = {2, 3};
  session.streams[1].server_channels = {0, 1};
  session.streams[2].client_view_port = {6970, 6971};
  session.streams[2].server_port = {8000, 8001};
  return words;
}

TEST_CASE("SETUP answers name the client's channels", "[translation]") {
  struct Row {
    const char *server, *client;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=000000B0",
       "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=000000A0"},
      {"RTP/AVP/TCP;unicast;ssrc=000000B1;interleaved=0-1",
       "RTP/AVP/TCP;unicast;ssrc=000000A1;interleaved=2-3"},
      {"RTP/AVP/TCP;unicast;Interleaved = 4", "RTP/AVP/TCP;unicast;Interleaved = 0"},
      {"(RTP/AVP/TCP;interleaved=\"0-1\")", "(RTP/AVP/TCP;interleaved=\"2-3\")"},
      {"RTP/AVP;unicast;interleaved=4-5", "RTP/AVP;unicast;interleaved=0-1"},
      // Ports say nothing there, and channels nothing of UDP.
      {"RTP/AVP/TCP;unicast;server_port=8000-8001;interleaved=4-5",
       "RTP/AVP/TCP;unicast;server_port=8000-8001;interleaved=0-1"},
      {"RTP/AVP;unicast;server_port=8000-8001", "RTP/AVP;unicast;server_port=6970-6971"},
      {"RTP/AVP;unicast;server_port=0-1;ssrc=B0", "RTP/AVP;unicast;server_port=0-1;ssrc=B0"},
      // Agreed anew since, or nothing agreed.
      {"RTP/AVP/TCP;unicast;interleaved=6-7", "RTP/AVP/TCP;unicast;interleaved=6-7"},
      {"RTP/AVP/TCP;unicast;interleaved=4-6", "RTP/AVP/TCP;unicast;interleaved=4-6"},
      {"RTP/AVP/TCP;unicast;ssrc=B0", "RTP/AVP/TCP;unicast;ssrc=B0"},
  }));
  INFO(row.server);
  CHECK(to_client(words(), "RTSP/1.0 200 OK\nSession: B1\nTransport: " + std::string(row.server)) ==
        wire("RTSP/1.0 200 OK\nSession: A1\nTransport: " + std::string(row.client)));
}

TEST_CASE("a SETUP that repeats a stream asks for the server's channels", "[translation]") {
  struct Row {
    int stream;
    const char *client, *server;
  };
  const auto row = GENERATE(values<Row>({
      {0, "RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=4-5"},
      {1, "RTP/AVP/TCP;unicast;interleaved=2-3", "RTP/AVP/TCP;unicast;interleaved=0-1"},
      {0, "RTP/AVP/TCP;unicast;interleaved=0;mode=play", "RTP/AVP/TCP;unicast;interleaved=4;mode=play"},
      {0, "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1",
       "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=4-5"},
      {0, "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVPF/TCP;unicast;interleaved=0-1",
       "RTP/AVP/TCP;unicast;interleaved=4-5,RTP/AVPF/TCP;unicast;interleaved=4-5"},
      // On other channels it is agreed anew; a stream of UDP, or of nobody yet, has none.
      {0, "RTP/AVP/TCP;unicast;interleaved=6-7", "RTP/AVP/TCP;unicast;interleaved=6-7"},
      {0, "RTP/AVP/TCP;unicast;interleaved=2-3", "RTP/AVP/TCP;unicast;interleaved=2-3"},
      {0, "RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast"},
      {2, "RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1"},
      {9, "RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1"},
  }));
  INFO(row.client);
  const std::string line =
      "SETUP rtsp://10.0.0.2/film/stream=" + std::to_string(row.stream) + " RTSP/1.0\nSession: ";
  CHECK(to_server(words(), line + "A1\nTransport: " + row.client) ==
        wire(line + "B1\nTransport: " + row.server));
  INFO("without a Session it opens another one");
  const std::string opens = "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nTransport: ";
  CHECK(to_server(words(), opens + row.client) == wire(opens + row.client));
}

TEST_CASE("a pair that is no neighbours is written in full", "[translation]") {
  Vocabulary apart = words();
  apart.sessions[0].streams[0].client_channels = {0, 7};
  CHECK(to_client(apart, "RTSP/1.0 200 OK\nSession: B1\nTransport: RTP/AVP/TCP;interleaved=4") ==
        wire("RTSP/1.0 200 OK\nSession: A1\nTransport: RTP/AVP/TCP;interleaved=0-7"));
}

TEST_CASE("where both have the same channels nothing changes, however they are written",
          "[translation]") {
  Vocabulary same = words();
  for (StreamWords& stream : same.sessions[0].streams) stream.server_channels = stream.client_channels;
  for (const char* channels : {"0-1", "0", "0 - 1", "00-01"}) {
    const std::string transport =
        "\nTransport: RTP/AVP/TCP;unicast;interleaved=" + std::string(channels);
    const std::string setup = "SETUP rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nSession: ";
    CHECK(to_client(same, "RTSP/1.0 200 OK\nSession: B1" + transport) ==
          wire("RTSP/1.0 200 OK\nSession: A1" + transport));
    CHECK(to_server(same, setup + "A1" + transport) == wire(setup + "B1" + transport));
  }
}

}  // namespace
}  // namespace midstream::rtsp
