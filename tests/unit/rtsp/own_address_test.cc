// The server's own address in its text becomes what the client has dialled, and nothing else changes.
#include <catch2/catch.hpp>

#include "lib/rtsp/translation.h"
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

Vocabulary words(std::string_view client = "movies.example:554", std::string_view server = "10.0.0.3",
                 uint16_t port = 554, std::string_view visible = "10.0.0.100") {
  Vocabulary words;
  words.host.server = {parse_address(server).value(), port};
  REQUIRE(words.host.client.assign(client));
  REQUIRE(words.host.visible.assign(visible));
  return words;
}

std::string to_client(const Vocabulary& words, std::string_view head, std::string_view body = {}) {
  const std::string text = wire(head, body);
  Replacements edits;
  REQUIRE(translate_to_client(words, parsed(text), as_bytes(text), edits));
  std::string out;
  size_t position = 0;
  for (size_t i = 0; i < edits.count; ++i) {
    const Replacement& r = edits.items[i];
    REQUIRE(r.offset >= position);
    out += text.substr(position, r.offset - position) + std::string(edits.text_of(r));
    position = r.offset + r.length;
  }
  return out + text.substr(position);
}

std::string unchanged(std::string_view head) { return wire(head); }

}  // namespace

TEST_CASE("URLs at the server's own address get the client's host and port", "[translation]") {
  struct Row {
    const char* from;
    const char* to;
  };
  const Row rows[] = {
      {"Content-Base: rtsp://10.0.0.3/film/", "Content-Base: rtsp://movies.example:554/film/"},
      {"Content-Base: rtsp://10.0.0.3:554/film/", "Content-Base: rtsp://movies.example:554/film/"},
      {"content-location:   rtsp://10.0.0.3/film/?x=1",
       "content-location:   rtsp://movies.example:554/film/?x=1"},
      {"Location: rtsp://user:secret@10.0.0.3/film",
       "Location: rtsp://user:secret@movies.example:554/film"},
      {"Location: RTSP://10.0.0.3", "Location: RTSP://movies.example:554"},
      {"Content-Base: 10.0.0.3/film/", "Content-Base: movies.example:554/film/"},
      {"RTP-Info: "
       "url=rtsp://10.0.0.3/film/stream=0;seq=7;rtptime=8,url=rtsp://10.0.0.3:554/film/stream=1",
       "RTP-Info: url=rtsp://movies.example:554/film/stream=0;seq=7;rtptime=8,"
       "url=rtsp://movies.example:554/film/stream=1"},
      {"Transport: RTP/AVP;unicast;destination=10.0.0.9;source=10.0.0.3;client_port=5000-5001;"
       "server_port=6970-6971",
       "Transport: RTP/AVP;unicast;destination=10.0.0.9;source=10.0.0.100;client_port=5000-5001;"
       "server_port=6970-6971"},
  };
  for (const Row& row : rows) {
    const std::string status = "RTSP/1.0 200 OK\nCSeq: 2\nSession: A1\n";
    CHECK(to_client(words(), status + row.from) == wire(status + row.to));
  }
}

TEST_CASE("other hosts, other ports and other headers are left alone", "[translation]") {
  for (const char* line : {
           "Content-Base: rtsp://10.0.0.4/film/",
           "Content-Base: rtsp://10.0.0.33/film/",
           "Content-Base: rtsp://camera/film/",
           "Content-Base: /film/",
           "Location: rtsp://10.0.0.3:8554/film",  // another service there
           "RTP-Info: url=stream=0;seq=7;rtptime=8",
           "Transport: RTP/AVP;unicast;source=10.0.0.4",
           "Server: 10.0.0.3",
           "X-Url: rtsp://10.0.0.3/film",
       }) {
    const std::string head = std::string("RTSP/1.0 200 OK\nCSeq: 2\n") + line;
    CHECK(to_client(words(), head) == unchanged(head));
  }
  const std::string base = "RTSP/1.0 200 OK\nContent-Base: rtsp://10.0.0.3/film/";
  CHECK(to_client(words(""), base) == unchanged(base));  // the client has named no host yet
  CHECK(to_client({}, base) == unchanged(base));         // the address is its own
  CHECK(to_client(words("movies.example", "10.0.0.3", 8554), base) == unchanged(base));
}

TEST_CASE("another port than RTSP's is part of the address", "[translation]") {
  CHECK(to_client(words("10.0.0.100:8554", "10.0.0.3", 8554),
                  "RTSP/1.0 200 OK\nContent-Base: rtsp://10.0.0.3:8554/film/") ==
        wire("RTSP/1.0 200 OK\nContent-Base: rtsp://10.0.0.100:8554/film/"));
}

TEST_CASE("a server's request names its own address too", "[translation]") {
  CHECK(to_client(words(),
                  "REDIRECT rtsp://10.0.0.3/film RTSP/1.0\nCSeq: 1\nLocation: rtsp://10.0.0.3/b") ==
        wire("REDIRECT rtsp://movies.example:554/film RTSP/1.0\nCSeq: 1\n"
             "Location: rtsp://movies.example:554/b"));
}

TEST_CASE("IPv6: brackets in URLs, none in Transport and SDP", "[translation]") {
  const Vocabulary six = words("[fd00::100]:554", "fd00::3", 554, "fd00::100");
  CHECK(to_client(six,
                  "RTSP/1.0 200 OK\nContent-Base: rtsp://[fd00::3]/film/\n"
                  "Transport: RTP/AVP;unicast;source=fd00:0::3;server_port=1-2",
                  "v=0\r\no=- 1 1 IN IP6 fd00::3\r\nc=IN IP6 fd00::3\r\n") ==
        wire("RTSP/1.0 200 OK\nContent-Base: rtsp://[fd00::100]:554/film/\n"
             "Transport: RTP/AVP;unicast;source=fd00::100;server_port=1-2",
             "v=0\r\no=- 1 1 IN IP6 fd00::100\r\nc=IN IP6 fd00::100\r\n"));
}

TEST_CASE("SDP: o=, c= and control URLs, and the Content-Length that follows", "[translation]") {
  const std::string body =
      "v=0\r\no=- 1188340656180883 1 IN IP4 10.0.0.3\r\ns=at 10.0.0.3\r\nc=IN IP4 10.0.0.3/127\r\nt=0 "
      "0\r\n"
      "a=control:rtsp://10.0.0.3/film/\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n"
      "a=control:rtsp://10.0.0.3:554/film/track1\r\nm=audio 0 RTP/AVP 97\r\nc=IN IP4 10.0.0.3 \r\n"
      "a=control:track2\r\n";
  const std::string translated =
      "v=0\r\no=- 1188340656180883 1 IN IP4 10.0.0.100\r\ns=at 10.0.0.3\r\nc=IN IP4 10.0.0.100/127\r\n"
      "t=0 0\r\na=control:rtsp://movies.example:554/film/\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 "
      "0.0.0.0\r\n"
      "a=control:rtsp://movies.example:554/film/track1\r\nm=audio 0 RTP/AVP 97\r\nc=IN IP4 10.0.0.100 "
      "\r\n"
      "a=control:track2\r\n";
  const std::string head = "RTSP/1.0 200 OK\nContent-Type: application/sdp";
  CHECK(to_client(words(), head, body) == wire(head, translated));
  // wire() states the length of what it is given: so the Content-Length was right both times.
  CHECK(body.size() != translated.size());
}

TEST_CASE("a body that is no SDP is left alone", "[translation]") {
  const std::string head = "RTSP/1.0 200 OK\nContent-Type: text/parameters";
  const std::string body = "position: 5\r\no=- 1 1 IN IP4 10.0.0.3\r\n";
  CHECK(to_client(words(), head, body) == wire(head, body));
}

TEST_CASE("an SDP that grows or shrinks over a power of ten", "[translation]") {
  const std::string line = "o=- 1 1 IN IP4 ";
  for (size_t size = 90; size < 110; ++size) {
    std::string body = "v=0\r\n" + line + "10.0.0.3\r\n";
    body += "s=" + std::string(size - body.size() - 4, 'x') + "\r\n";
    std::string expected = body;
    expected.replace(expected.find("10.0.0.3"), 8, "10.0.0.100");
    CHECK(to_client(words(), "RTSP/1.0 200 OK", body) == wire("RTSP/1.0 200 OK", expected));
  }
}

TEST_CASE("the client's words for the host are those of its newest request that has any",
          "[translation]") {
  Dialogue d;
  d.client("OPTIONS * RTSP/1.0\nCSeq: 1");
  CHECK(d.conversation.authority.empty());
  d.client("DESCRIBE rtsp://user@movies.example/film RTSP/1.0\nCSeq: 2");
  CHECK(d.conversation.authority.view() == "movies.example");
  d.client("SETUP rtsp://10.0.0.100:554/film/stream=0 RTSP/1.0\nCSeq: 3");
  CHECK(d.conversation.authority.view() == "10.0.0.100:554");
  d.client("OPTIONS * RTSP/1.0\nCSeq: 4");
  CHECK(d.conversation.authority.view() == "10.0.0.100:554");
  d.client("OPTIONS rtsp://" + std::string(kMaxAuthority + 1, 'x') + "/film RTSP/1.0\nCSeq: 5");
  CHECK(d.conversation.authority.empty());
}

TEST_CASE("the PLAY answer of eight streams fits", "[translation]") {
  Vocabulary long_words = words();
  long_words.session_count = 1;
  SessionWords& session = long_words.sessions[0];
  REQUIRE(session.client_id.assign("CLIENT"));
  REQUIRE(session.server_id.assign("SERVER"));
  session.stream_count = kMaxStreams;
  std::string from = "RTSP/1.0 200 OK\nSession: SERVER\nRTP-Info: ";
  std::string to = "RTSP/1.0 200 OK\nSession: CLIENT\nRTP-Info: ";
  const std::string path = std::string(300, 'p') + "/track";
  for (size_t i = 0; i < kMaxStreams; ++i) {
    const std::string client = "rtsp://movies.example/" + path + std::to_string(i);
    const std::string server = "rtsp://10.0.0.3/" + path + std::to_string(i);
    REQUIRE(session.streams[i].client_url.assign(client));
    REQUIRE(session.streams[i].server_url.assign(server));
    session.streams[i].sequence_offset = 100;
    session.streams[i].timestamp_offset = 1000;
    const std::string comma = i > 0 ? "," : "";
    from += comma + "url=" + server + ";seq=" + std::to_string(i) + ";rtptime=" + std::to_string(i);
    to += comma + "url=" + client + ";seq=" + std::to_string(100 + i) +
          ";rtptime=" + std::to_string(1000 + i);
  }
  CHECK(to_client(long_words, from) == wire(to));
}

}  // namespace midstream::rtsp
