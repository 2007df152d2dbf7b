// After a failover: the client's words for B, and B's for the client.
#include "lib/rtsp/translation.h"

#include "tests/unit/rtsp/translated.h"

namespace midstream::rtsp {
namespace {

template <size_t N>
void set(FixedString<N>& out, std::string_view text) {
  REQUIRE(out.assign(text));
}

// The client has played the film from A as "Client-Session"; B calls it as `server_id` says.
Vocabulary film_words(std::string_view server_id = "B1") {
  Vocabulary words;
  words.session_count = 1;
  SessionWords& session = words.sessions[0];
  set(session.client_id, "Client-Session");
  set(session.server_id, server_id);
  set(session.client_url, "rtsp://10.0.0.2/film/");
  set(session.server_url, "rtsp://10.0.0.3/film/");
  session.stream_count = 2;
  for (uint16_t i = 0; i < 2; ++i) {
    StreamWords& stream = session.streams[i];
    set(stream.client_url, "rtsp://10.0.0.2/film/stream=" + std::to_string(i));
    set(stream.server_url, "rtsp://10.0.0.3/film/stream=" + std::to_string(i));
    stream.client_view_port = {static_cast<uint16_t>(6970 + 2 * i),
                               static_cast<uint16_t>(6971 + 2 * i)};
    stream.server_port = {static_cast<uint16_t>(40000 + 2 * i), static_cast<uint16_t>(40001 + 2 * i)};
    stream.client_ssrc = 0xA0 + i;
    stream.server_ssrc = 0xB0 + i;
  }
  session.streams[0].sequence_offset = 100;
  session.streams[0].timestamp_offset = 1'000'000;
  session.streams[1].sequence_offset = static_cast<uint16_t>(-100);
  session.streams[1].timestamp_offset = static_cast<uint32_t>(-1'000'000);
  return words;
}

TEST_CASE("the Session id, whatever its length, and nothing around it", "[translation]") {
  const auto b = GENERATE(values<std::string>(
      {"B", "Client-Sessiom", "a-much-longer-identifier-0123456789abcdef0123456789"}));
  const Vocabulary words = film_words(b);
  CHECK(to_server(words,
                  "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 3\nSession: Client-Session\nX: y") ==
        wire("PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 3\nSession: " + b + "\nX: y"));
  for (const std::string around : {"Session: #", "Session:#", "session:      #",
                                   "SESSION: #;timeout=65", "Session: # ; timeout=60", "Session: # "}) {
    const auto with = [&](std::string_view id) {
      std::string line = around;
      return "RTSP/1.0 200 OK\nCSeq: 3\n" + line.replace(line.find('#'), 1, id);
    };
    CHECK(to_client(words, with(b)) == wire(with("Client-Session")));
  }
}

TEST_CASE("every Session header is translated", "[translation]") {
  CHECK(to_client(film_words(), "RTSP/1.0 200 OK\nSession: B1\nCSeq: 3\nSession: B1;timeout=5") ==
        wire("RTSP/1.0 200 OK\nSession: Client-Session\nCSeq: 3\nSession: Client-Session;timeout=5"));
}

TEST_CASE("what needs no translation yields no replacement", "[translation]") {
  const auto text = GENERATE(values<std::string>({
      "RTSP/1.0 200 OK\nCSeq: 3\nPublic: PLAY",
      "RTSP/1.0 200 OK\nCSeq: 3\nSession: somebody-else",
      "RTSP/1.0 200 OK\nCSeq: 3\nSession: B12",
      "RTSP/1.0 200 OK\nCSeq: 3\nX-Session: B1\nServer: B1",
      "RTSP/1.0 200 OK\nCSeq: 3\nSession: Other\nTransport: RTP/AVP;server_port=40000-40001",
  }));
  CHECK(to_client(film_words(), text) == wire(text));
  Vocabulary same = film_words("Client-Session");
  CHECK(to_client(same, "RTSP/1.0 200 OK\nSession: Client-Session") ==
        wire("RTSP/1.0 200 OK\nSession: Client-Session"));
}

TEST_CASE("RTP-Info: the client's urls to the letter, numbers shifted and wrapped", "[translation]") {
  const Vocabulary words = film_words();
  const std::string head = "RTSP/1.0 200 OK\nCSeq: 4\nSession: B1\nRTP-Info: ";
  struct Row {
    const char *server, *client;
  };
  const auto row = GENERATE(values<Row>({
      {"url=rtsp://10.0.0.3/film/stream=0;seq=5;rtptime=7, "
       "url=rtsp://10.0.0.3/film/stream=1;seq=5;rtptime=7",
       "url=rtsp://10.0.0.2/film/stream=0;seq=105;rtptime=1000007, "
       "url=rtsp://10.0.0.2/film/stream=1;seq=65441;rtptime=4293967303"},
      {"url=rtsp://10.0.0.3/film/stream=0;seq=65500;rtptime=4294967295",
       "url=rtsp://10.0.0.2/film/stream=0;seq=64;rtptime=999999"},
      {"url=rtsp://192.168.9.9:8554/film/stream=1;rtptime=2000000;seq=100",
       "url=rtsp://10.0.0.2/film/stream=1;rtptime=1000000;seq=0"},
      {"url=stream=1;seq=100", "url=rtsp://10.0.0.2/film/stream=1;seq=0"},
      {"url=x/a;seq=5,url=x/b;seq=105",
       "url=rtsp://10.0.0.2/film/stream=0;seq=105,url=rtsp://10.0.0.2/film/stream=1;seq=5"},
      {"url=x/a;seq=5", "url=x/a;seq=5"},
      {"url=;seq=5,url=;seq=105", "url=;seq=105,url=;seq=5"},
      {"url=rtsp://10.0.0.3/film/stream=0;seq=5;rtptime=-1",
       "url=rtsp://10.0.0.2/film/stream=0;seq=105;rtptime=-1"},
      {"url=rtsp://10.0.0.3/film/stream=0;seq=5;rtptime=7;ssrc=000000B0",
       "url=rtsp://10.0.0.2/film/stream=0;seq=105;rtptime=1000007;ssrc=000000A0"},
  }));
  INFO(row.server);
  CHECK(
      to_client(words, head + row.server) ==
      wire("RTSP/1.0 200 OK\nCSeq: 4\nSession: Client-Session\nRTP-Info: " + std::string(row.client)));
}

TEST_CASE("urls that are the same already stay untouched", "[translation]") {
  Vocabulary words = film_words();
  SessionWords& session = words.sessions[0];
  session.streams[0].server_url = session.streams[0].client_url;
  const std::string text =
      wire("RTSP/1.0 200 OK\nSession: B1\nRTP-Info: url=rtsp://10.0.0.2/film/stream=0;seq=5");
  Replacements out;
  REQUIRE(translate_to_client(words, parsed(text), as_bytes(text), out));
  CHECK(out.count == 2);  // Session and seq
}

TEST_CASE("Transport of a SETUP answer", "[translation]") {
  struct Row {
    const char *server, *client;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP;unicast;client_port=5000-5001;server_port=40000-40001;ssrc=000000B0;mode=\"PLAY\"",
       "RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;ssrc=000000A0;mode=\"PLAY\""},
      {"RTP/AVP;unicast;server_port=40002-40003;client_port=5000-5001",
       "RTP/AVP;unicast;server_port=6972-6973;client_port=5000-5001"},
      {"ssrc= b1;RTP/AVP;unicast;Server_Port = 40002",
       "ssrc= 000000A1;RTP/AVP;unicast;Server_Port = 6972"},
      {"(RTP/AVP;unicast;server_port=40002-40003,ssrc=B1)",
       "(RTP/AVP;unicast;server_port=6972-6973,ssrc=000000A1)"},
      {"RTP/AVP;unicast;server_port=50000-50001;ssrc=000000B0",
       "RTP/AVP;unicast;server_port=50000-50001;ssrc=000000B0"},
      {"RTP/AVP;unicast;client_port=40000-40001", "RTP/AVP;unicast;client_port=40000-40001"},
  }));
  INFO(row.server);
  const std::string head = "RTSP/1.0 200 OK\nCSeq: 4\nTransport: ";
  CHECK(to_client(film_words(), head + row.server) == wire(head + row.client));
}

TEST_CASE("one server port for all streams: the SSRC decides", "[translation]") {
  Vocabulary words = film_words();
  for (StreamWords& stream : words.sessions[0].streams) stream.server_port = {8000, 8001};
  CHECK(to_client(words, "RTSP/1.0 200 OK\nTransport: RTP/AVP;server_port=8000-8001;ssrc=B1") ==
        wire("RTSP/1.0 200 OK\nTransport: RTP/AVP;server_port=6972-6973;ssrc=000000A1"));
}

TEST_CASE("of several sessions the named one's words are used", "[translation]") {
  Vocabulary words = film_words();
  words.session_count = 2;
  words.sessions[1] = words.sessions[0];
  set(words.sessions[1].client_id, "Second");
  set(words.sessions[1].server_id, "B2");
  words.sessions[1].streams[0].sequence_offset = 7;
  const std::string info = "RTP-Info: url=rtsp://10.0.0.3/film/stream=0;seq=";
  const std::string url = "RTP-Info: url=rtsp://10.0.0.2/film/stream=0;seq=";
  CHECK(to_client(words, "RTSP/1.0 200 OK\nSession: B2\n" + info + "1") ==
        wire("RTSP/1.0 200 OK\nSession: Second\n" + url + "8"));
  CHECK(to_client(words, "RTSP/1.0 200 OK\n" + info + "1\nSession: B1") ==
        wire("RTSP/1.0 200 OK\n" + url + "101\nSession: Client-Session"));
  INFO("none named: it could be either's");
  CHECK(to_client(words, "RTSP/1.0 200 OK\n" + info + "1") == wire("RTSP/1.0 200 OK\n" + info + "1"));
}

TEST_CASE("request URIs change where B has other names, but for the host", "[translation]") {
  Vocabulary words = film_words();
  SessionWords& session = words.sessions[0];
  INFO("the same names: nothing to do");
  CHECK(to_server(words, "SETUP rtsp://10.0.0.2/film/stream=1 RTSP/1.0\nCSeq: 1") ==
        wire("SETUP rtsp://10.0.0.2/film/stream=1 RTSP/1.0\nCSeq: 1"));

  CHECK(to_server(words, "PLAY rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1") ==
        wire("PLAY rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1"));

  set(session.server_url, "rtsp://10.0.0.3/film/all/");
  set(session.streams[1].server_url, "rtsp://10.0.0.3/film/track2");
  CHECK(to_server(words, "SETUP rtsp://10.0.0.2:554/film/stream=1 RTSP/1.0\nSession: Client-Session") ==
        wire("SETUP rtsp://10.0.0.2:554/film/track2 RTSP/1.0\nSession: B1"));
  CHECK(to_server(words, "PLAY rtsp://10.0.0.2/film RTSP/1.0\nSession: Client-Session") ==
        wire("PLAY rtsp://10.0.0.2/film/all/ RTSP/1.0\nSession: B1"));
  CHECK(to_server(words, "OPTIONS * RTSP/1.0\nCSeq: 1") == wire("OPTIONS * RTSP/1.0\nCSeq: 1"));
  CHECK(to_client(words, "SET_PARAMETER rtsp://10.0.0.3/film/track2 RTSP/1.0\nSession: B1") ==
        wire("SET_PARAMETER rtsp://10.0.0.3/film/stream=1 RTSP/1.0\nSession: Client-Session"));
}

TEST_CASE("a PLAY without a Range is given the kept place", "[translation]") {
  Vocabulary words = film_words();
  words.sessions[0].kept.emplace();
  words.sessions[0].kept->start = Npt::from_seconds(3.96);
  set(words.sessions[0].kept->headers, "Range: npt=3.96-\r\nSeek-Style: RAP\r\n");
  CHECK(to_server(words, "PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: Client-Session") ==
        wire("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nRange: npt=3.96-\nSeek-Style: RAP\nCSeq: 7\n"
             "Session: B1"));
  // The client's own place counts; other requests have none; nor has a session that is not known.
  for (const char* head :
       {"PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nRange: npt=2-\nSession: Client-Session",
        "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: Client-Session",
        "PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: other"}) {
    INFO(head);
    CHECK(to_server(words, head).find("3.96") == std::string::npos);
  }
}

TEST_CASE("a medium that was not set up yet has the other server's name, too", "[translation]") {
  Vocabulary words = film_words();
  words.media_count = 1;
  set(words.media[0].client_url, "rtsp://10.0.0.2/film/stream=2");
  set(words.media[0].server_url, "rtsp://10.0.0.3/film/track3");
  CHECK(to_server(words, "SETUP rtsp://10.0.0.2/film/stream=2 RTSP/1.0\nCSeq: 4") ==
        wire("SETUP rtsp://10.0.0.2/film/track3 RTSP/1.0\nCSeq: 4"));
}

TEST_CASE("bodies are left alone", "[translation]") {
  const std::string body = "Session: Client-Session\r\nSession: B1\r\nRTP-Info: url=stream=0;seq=1\r\n";
  CHECK(to_server(film_words(), "SET_PARAMETER * RTSP/1.0\nSession: Client-Session", body) ==
        wire("SET_PARAMETER * RTSP/1.0\nSession: B1", body));
  CHECK(to_client(film_words(), "RTSP/1.0 200 OK\nSession: B1", body) ==
        wire("RTSP/1.0 200 OK\nSession: Client-Session", body));
}

TEST_CASE("blank lines before a message count in the offsets", "[translation]") {
  const std::string text = "\r\n\r\n" + wire("RTSP/1.0 200 OK\nSession: B1");
  Replacements out;
  REQUIRE(translate_to_client(film_words(), parsed(text), as_bytes(text), out));
  REQUIRE(out.count == 1);
  CHECK(text.substr(out.items[0].offset, out.items[0].length) == "B1");
}

TEST_CASE("more replacements than fit are refused", "[translation]") {
  std::string head = "RTSP/1.0 200 OK\nSession: B1\nSession: B1\nSession: B1\nSession: B1";
  for (size_t i = 4; i < kMaxReplacements; i += 6)
    head +=
        "\nRTP-Info: url=rtsp://10.0.0.3/film/stream=0;seq=1;rtptime=2,"
        "url=rtsp://10.0.0.3/film/stream=1;seq=3;rtptime=4";
  Replacements out;
  std::string text = wire(head);
  CHECK(translate_to_client(film_words(), parsed(text), as_bytes(text), out));
  CHECK(out.count == kMaxReplacements);
  text = wire(head + "\nSession: B1");
  CHECK_FALSE(translate_to_client(film_words(), parsed(text), as_bytes(text), out));
}

}  // namespace
}  // namespace midstream::rtsp
