// A second server that wants to know who asks.
#include "tests/unit/rtsp/establishment.h"

namespace midstream::rtsp {
namespace {

constexpr const char* kDigest = "\nWWW-Authenticate: Digest realm=\"B\", nonce=\"n1\", qop=\"auth\"";

Credentials credentials() {
  Credentials c;
  REQUIRE(c.user.assign("user"));
  REQUIRE(c.password.assign("secret"));
  return c;
}

struct Guarded : Establishment {
  explicit Guarded(const Conversation& conversation, const Credentials& known = credentials())
      : Establishment(conversation) {
    replay.start(agreed, {}, 1, true, known, 0x1234);
  }
  ReplayProgress refuse(int cseq, const std::string& challenge = kDigest) {
    return server("RTSP/1.0 401 Unauthorized\nCSeq: " + std::to_string(cseq) + challenge);
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a challenge is answered, and kept for the requests that follow", "[replay]") {
  Guarded b(playing_film().conversation);
  CHECK_FALSE(has(b.replay.take_output(), "Authorization"));
  CHECK(b.refuse(1) == ReplayProgress::kContinue);
  const std::string again = b.replay.take_output();
  CHECK(again.starts_with("DESCRIBE rtsp://10.0.0.2/film RTSP/1.0\r\nCSeq: 2\r\nAccept: "));
  CHECK(has(again, "nonce=\"n1\", uri=\"rtsp://10.0.0.2/film\""));
  CHECK(has(again, "nc=00000001, cnonce=\"0000000000001234\""));
  CHECK(b.replay.step() == "DESCRIBE");

  b.server("RTSP/1.0 200 OK\nCSeq: 2\nContent-Base: rtsp://10.0.0.3/film/", kFilm);
  CHECK(has(b.replay.take_output(), "nonce=\"n1\", uri=\"rtsp://10.0.0.3/film/stream=0\""));
  b.setup(3, "RTP/AVP;unicast;client_port=5000-5001;server_port=40000-40001");
  CHECK(has(b.replay.take_output(), "nc=00000003"));
  b.setup(4, "RTP/AVP;unicast;client_port=5002-5003;server_port=40002-40003");
  CHECK(has(b.replay.take_output(), "nc=00000004"));
  CHECK(b.server("RTSP/1.0 200 OK\nCSeq: 5\nSession: B-id") == ReplayProgress::kDone);
  CHECK(b.replay.authenticator().challenge.nonce.view() == "n1");
  CHECK(b.replay.authenticator().count == 4);
}

TEST_CASE("a nonce may expire on the way, one that is said to be stale also at once", "[replay]") {
  Guarded b(playing_film().conversation);
  const std::string second = "\nWWW-Authenticate: Digest realm=\"B\", nonce=\"n2\", stale=TRUE";
  b.refuse(1);
  b.replay.take_output();
  CHECK(b.refuse(2, second) == ReplayProgress::kContinue);
  CHECK(has(b.replay.take_output(), "nonce=\"n2\""));
  INFO("but not for ever");
  CHECK(b.refuse(3, second) == ReplayProgress::kFailed);
  CHECK(b.replay.failure() == "DESCRIBE: 401 Unauthorized");
}

TEST_CASE("a later request may be challenged anew", "[replay]") {
  Guarded b(playing_film().conversation);
  b.replay.take_output();
  b.describe();
  b.replay.take_output();
  CHECK(b.refuse(2) == ReplayProgress::kContinue);
  CHECK(has(b.replay.take_output(), "SETUP rtsp://10.0.0.3/film/stream=0 RTSP/1.0\r\nCSeq: 3\r\n"));
  CHECK(b.setup(3, "RTP/AVP;unicast;client_port=5000-5001;server_port=40000-40001") ==
        ReplayProgress::kContinue);
  CHECK(has(b.replay.take_output(), "nonce=\"n1\", uri=\"rtsp://10.0.0.3/film/stream=1\""));
}

TEST_CASE("what is refused is refused", "[replay]") {
  SECTION("the wrong password") {
    Guarded b(playing_film().conversation);
    b.refuse(1);
    CHECK(b.refuse(2) == ReplayProgress::kFailed);
    CHECK(b.replay.failure() == "DESCRIBE: 401 Unauthorized");
  }
  SECTION("no password") {
    Guarded b(playing_film().conversation, {});
    CHECK(b.refuse(1) == ReplayProgress::kFailed);
    CHECK(b.replay.failure() == "DESCRIBE: 401 Unauthorized");
  }
  SECTION("nothing that we could answer") {
    Guarded b(playing_film().conversation);
    CHECK(b.refuse(1, "\nWWW-Authenticate: Negotiate") == ReplayProgress::kFailed);
  }
}

Conversation basic_film() {
  Dialogue d = ready_film();
  d.client(
      "PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: abc\nAuthorization: Basic Y2xpZW50OnB3");
  d.server("RTSP/1.0 200 OK\nCSeq: 4\nSession: abc\nRange: npt=0-60");
  return d.conversation;
}

TEST_CASE("Basic of the client goes along with every request", "[replay]") {
  Guarded b(basic_film(), {});
  CHECK(has(b.replay.take_output(), "\r\nAuthorization: Basic Y2xpZW50OnB3\r\n"));
  b.describe();
  CHECK(has(b.replay.take_output(), "\r\nAuthorization: Basic Y2xpZW50OnB3\r\n"));
  CHECK(b.refuse(2, "\nWWW-Authenticate: Basic realm=\"B\"") == ReplayProgress::kFailed);
}

TEST_CASE("where B does not take the client's Basic, the service's credentials may do", "[replay]") {
  Guarded b(basic_film());
  CHECK(has(b.replay.take_output(), "Basic Y2xpZW50OnB3"));
  b.refuse(1);
  const std::string again = b.replay.take_output();
  CHECK(has(again, "Authorization: Digest"));
  CHECK_FALSE(has(again, "Basic"));
}

TEST_CASE("Digest without credentials of the service cannot be protected", "[session]") {
  Dialogue d;
  const char* request =
      "DESCRIBE rtsp://10.0.0.2/film RTSP/1.0\nCSeq: 1\nAuthorization: Digest username=\"u\"";
  SECTION("none") {
    CHECK(d.client(request) == kUnprotectedChanged);
    CHECK(d.conversation.unprotected == Unprotected::kDigestWithoutCredentials);
  }
  SECTION("some") {
    d.conversation.has_credentials = true;
    CHECK(d.client(request) == kNothing);
    CHECK(d.conversation.unprotected == Unprotected::kNone);
  }
}

}  // namespace
}  // namespace midstream::rtsp
