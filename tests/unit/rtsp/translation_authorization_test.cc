// After a failover: the client's requests carry what the new server has demanded.
#include "lib/rtsp/translation.h"
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

constexpr const char* kChallenge = "WWW-Authenticate: Digest realm=\"B\", nonce=\"nb\", qop=\"auth\"";

void challenge(Authenticator& authenticator, const std::string& header = kChallenge) {
  const std::string text = wire("RTSP/1.0 401 Unauthorized\n" + header);
  REQUIRE(learn_challenge(authenticator, parsed(text)));
}

// The client dialled 10.0.0.2; B calls the film "movie".
Vocabulary words() {
  Vocabulary words;
  words.session_count = 1;
  SessionWords& session = words.sessions[0];
  REQUIRE(session.client_id.assign("A1"));
  REQUIRE(session.server_id.assign("B1"));
  REQUIRE(session.client_url.assign("rtsp://10.0.0.2/film/"));
  REQUIRE(session.server_url.assign("rtsp://10.0.0.3/movie/"));
  REQUIRE(words.authenticator.credentials.user.assign("user"));
  REQUIRE(words.authenticator.credentials.password.assign("secret"));
  return words;
}

std::string to_server(Vocabulary& words, const std::string& head) {
  const std::string text = wire(head);
  Replacements out;
  REQUIRE(translate_to_server(words, parsed(text), as_bytes(text), out));
  std::string result;
  size_t at = 0;
  for (const Replacement& r : std::span(out.items).first(out.count)) {
    REQUIRE(r.offset >= at);
    CHECK(r.length > 0);
    result += text.substr(at, r.offset - at) + std::string(out.text_of(r));
    at = r.offset + r.length;
  }
  return result + text.substr(at);
}

std::string expected(Authenticator authenticator, const char* method, const char* uri) {
  Authorization value;
  REQUIRE(authorize(authenticator, method, uri, value));
  return std::string(value.view());
}

const std::string kOfA =
    "Authorization: Digest username=\"user\", realm=\"A\", nonce=\"na\", uri=\"/film\", response=\"0\"";

TEST_CASE("the client's answer to A becomes one to B, about the URI that B gets", "[translation]") {
  Vocabulary w = words();
  challenge(w.authenticator);
  const std::string value = expected(w.authenticator, "PAUSE", "rtsp://10.0.0.2/movie/");
  CHECK(value.find("uri=\"rtsp://10.0.0.2/movie/\"") != std::string::npos);
  CHECK(to_server(w, "PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\n" + kOfA + "\nSession: A1") ==
        wire("PAUSE rtsp://10.0.0.2/movie/ RTSP/1.0\nCSeq: 7\nAuthorization: " + value +
             "\nSession: B1"));
  INFO("and the next one counts");
  CHECK(to_server(w, "OPTIONS * RTSP/1.0\nCSeq: 8\n" + kOfA).find("nc=00000002") != std::string::npos);
}

TEST_CASE("a client that A never asked gets a header of ours", "[translation]") {
  Vocabulary w = words();
  challenge(w.authenticator);
  const std::string value = expected(w.authenticator, "OPTIONS", "*");
  CHECK(to_server(w, "OPTIONS * RTSP/1.0\nCSeq: 8\nX: y") ==
        wire("OPTIONS * RTSP/1.0\nAuthorization: " + value + "\nCSeq: 8\nX: y"));
}

TEST_CASE("where B has demanded nothing, or nothing is known to answer with, all stays",
          "[translation]") {
  const std::string request = "OPTIONS * RTSP/1.0\nCSeq: 8\n" + kOfA;
  Vocabulary w = words();
  CHECK(to_server(w, request) == wire(request));
  challenge(w.authenticator);
  w.authenticator.credentials = {};
  CHECK(to_server(w, request) == wire(request));
}

TEST_CASE("the client's answers to B's own requests carry nothing", "[translation]") {
  Vocabulary w = words();
  challenge(w.authenticator);
  CHECK(to_server(w, "RTSP/1.0 200 OK\nCSeq: 1") == wire("RTSP/1.0 200 OK\nCSeq: 1"));
}

}  // namespace
}  // namespace midstream::rtsp
