// Challenges as servers write them, and the answers that they accept.
#include "lib/rtsp/authentication.h"

#include "lib/rtsp/digest.h"
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

Challenge challenge(std::string_view headers) {
  const std::string text = wire("RTSP/1.0 401 Unauthorized\nCSeq: 1\n" + std::string(headers));
  return choose_challenge(parsed(text));
}

Hex hash(DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
  return hash_of_parts(algorithm, {parts.begin(), parts.size()});
}

Authenticator user(std::string_view headers) {
  Authenticator a;
  REQUIRE(a.credentials.user.assign("user"));
  REQUIRE(a.credentials.password.assign("secret"));
  a.client_nonce = 0xab;
  const std::string text = wire("RTSP/1.0 401 Unauthorized\nCSeq: 1\n" + std::string(headers));
  REQUIRE(learn_challenge(a, parsed(text)));
  return a;
}

std::string answer(Authenticator& a, std::string_view method = "PLAY",
                   std::string_view uri = "rtsp://h/film") {
  Authorization out;
  REQUIRE(authorize(a, method, uri, out));
  return std::string(out.view());
}

TEST_CASE("the RFCs' own examples", "[authentication]") {
  // RFC 2617 3.5.
  const DigestAlgorithm md5 = DigestAlgorithm::kMd5;
  CHECK(hash(md5, {hash(md5, {"Mufasa", "testrealm@host.com", "Circle Of Life"}).view(),
                   "dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "auth",
                   hash(md5, {"GET", "/dir/index.html"}).view()})
            .view() == "6629fae49393a05397450978507c4ef1");
  // RFC 7616 3.9.1.
  const DigestAlgorithm sha = DigestAlgorithm::kSha256;
  CHECK(hash(sha, {hash(sha, {"Mufasa", "http-auth@example.org", "Circle of Life"}).view(),
                   "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "00000001",
                   "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth",
                   hash(sha, {"GET", "/dir/index.html"}).view()})
            .view() == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST_CASE("RFC 4648's base64", "[authentication]") {
  std::array<char, 12> room;
  CHECK(base64("", room) == "");
  CHECK(base64("f", room) == "Zg==");
  CHECK(base64("fo", room) == "Zm8=");
  CHECK(base64("foo", room) == "Zm9v");
  CHECK(base64("foobar", room) == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd", room) == "//79");
}

TEST_CASE("which challenge is answered", "[authentication]") {
  struct Row {
    const char *headers, *nonce;
    Scheme scheme;
  };
  const auto row = GENERATE(values<Row>({
      {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"", "n", Scheme::kDigest},
      {"www-authenticate: DIGEST Realm=\"r\",Nonce=\"n\"", "n", Scheme::kDigest},
      {"WWW-Authenticate: Basic realm=\"r\"", "", Scheme::kBasic},
      {"WWW-Authenticate: Basic", "", Scheme::kBasic},
      {"WWW-Authenticate: Basic realm=\"r\"\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"", "n",
       Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\nWWW-Authenticate: Basic realm=\"r\"", "n",
       Scheme::kDigest},
      {"WWW-Authenticate: Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\"", "n", Scheme::kDigest},
      {"WWW-Authenticate: Negotiate YII=, Digest nonce = \"n\" , realm = \"r\"", "n", Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r, nonce=\\\"x\\\"\", nonce=\"n\"", "n", Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r\", nonce=n", "n", Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r\",\n nonce=\"n\"", "n", Scheme::kDigest},
      {"INFO: other\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\n"
       "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", algorithm=MD5",
       "n", Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", algorithm=SHA-512-256\n"
       "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=md5",
       "n", Scheme::kDigest},
      {"WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth-int\"\n"
       "WWW-Authenticate: Basic realm=\"r\"",
       "", Scheme::kBasic},
      {"WWW-Authenticate: Digest realm=\"r\"", "", Scheme::kNone},
      {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess", "", Scheme::kNone},
      {"WWW-Authenticate: Bearer realm=\"r\"", "", Scheme::kNone},
      {"WWW-Authenticate: Digest realm=\"r", "", Scheme::kNone},
      {"WWW-Authenticate: =,=\"\",\"", "", Scheme::kNone},
      {"Server: x", "", Scheme::kNone},
  }));
  INFO(row.headers);
  const Challenge chosen = challenge(row.headers);
  CHECK(chosen.scheme == row.scheme);
  CHECK(chosen.nonce.view() == row.nonce);
}

TEST_CASE("the parameters of a digest challenge", "[authentication]") {
  const Challenge c = challenge(
      "WWW-Authenticate: Digest realm=\"a, \\\"b\\\"\", nonce=\"bi==\", qop=\"auth-int, AUTH\", "
      "opaque=\"\", stale=TRUE, algorithm=\"sha-256\", domain=\"/x\"");
  CHECK(c.realm.view() == "a, \\\"b\\\"");
  CHECK(c.nonce.view() == "bi==");
  CHECK(c.qop_auth);
  CHECK(c.has_opaque);
  CHECK(c.stale);
  CHECK(c.names_algorithm);
  CHECK(c.algorithm == DigestAlgorithm::kSha256);
  const Challenge plain = challenge("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=false");
  CHECK_FALSE((plain.qop_auth || plain.has_opaque || plain.stale || plain.names_algorithm));
  CHECK(plain.algorithm == DigestAlgorithm::kMd5);
}

TEST_CASE("a challenge that is longer than its room is none", "[authentication]") {
  const std::string fits = "WWW-Authenticate: Digest realm=\"r\", nonce=\"" + std::string(256, 'n');
  CHECK(challenge(fits + "\"").scheme == Scheme::kDigest);
  CHECK(challenge(fits + "n\"").scheme == Scheme::kNone);
  CHECK(challenge("WWW-Authenticate: Basic realm=\"" + std::string(129, 'r') + '"').scheme ==
        Scheme::kNone);
}

TEST_CASE("what is answered, computed by another implementation", "[authentication]") {
  Authenticator md5 = user("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"");
  CHECK(answer(md5) ==
        "Digest username=\"user\", realm=\"r\", nonce=\"n\", uri=\"rtsp://h/film\", "
        "response=\"9f9b7e348c8d9f4139662d473d1c12a4\"");
  CHECK(answer(md5) == answer(md5));

  Authenticator sha =
      user("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, opaque=\"o\"");
  CHECK(answer(sha) ==
        "Digest username=\"user\", realm=\"r\", nonce=\"n\", uri=\"rtsp://h/film\", "
        "response=\"7c039cef71cf99bf207885d573ed87d1c71a7b59c32850a3e85e303a1b432b43\", "
        "algorithm=SHA-256, opaque=\"o\"");

  Authenticator basic = user("WWW-Authenticate: Basic realm=\"r\"");
  CHECK(answer(basic) == "Basic dXNlcjpzZWNyZXQ=");
}

TEST_CASE("with qop every request of a nonce is counted", "[authentication]") {
  Authenticator a = user("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
  CHECK(answer(a) ==
        "Digest username=\"user\", realm=\"r\", nonce=\"n\", uri=\"rtsp://h/film\", "
        "response=\"3b0ec36425fa3c6a5420d1fa7c3c5d3d\", qop=auth, nc=00000001, "
        "cnonce=\"00000000000000ab\"");
  CHECK(answer(a).find("response=\"7cb4ce5a011890999c79d9b1bf118bf0\", qop=auth, nc=00000002") !=
        std::string::npos);

  const std::string again =
      wire("RTSP/1.0 401 x\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
  REQUIRE(learn_challenge(a, parsed(again)));
  CHECK(answer(a).find("nc=00000003") != std::string::npos);
  const std::string fresh =
      wire("RTSP/1.0 401 x\nWWW-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth\"");
  REQUIRE(learn_challenge(a, parsed(fresh)));
  CHECK(answer(a).find("nc=00000001") != std::string::npos);
}

TEST_CASE("nothing is answered without credentials, without a challenge, with an impossible URI",
          "[authentication]") {
  Authorization out;
  const std::string text = wire("RTSP/1.0 401 x\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"");
  Authenticator nobody;
  CHECK_FALSE(learn_challenge(nobody, parsed(text)));
  CHECK_FALSE(authorize(nobody, "PLAY", "rtsp://h/film", out));

  Authenticator a = user("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"");
  CHECK_FALSE(authorize(a, "PLAY", "rtsp://h/\"", out));
  CHECK_FALSE(authorize(a, "PLAY", std::string(kMaxAuthorization, 'x'), out));
  a.challenge = {};
  CHECK_FALSE(authorize(a, "PLAY", "rtsp://h/film", out));
}

TEST_CASE("the longest answer fits", "[authentication]") {
  Authenticator a = user("WWW-Authenticate: Digest realm=\"" + std::string(128, 'r') + "\", nonce=\"" +
                         std::string(256, 'n') + "\", opaque=\"" + std::string(256, 'o') +
                         "\", qop=\"auth\", algorithm=SHA-256");
  REQUIRE(a.credentials.user.assign(std::string(64, 'u')));
  CHECK(answer(a, "SET_PARAMETER", std::string(256, 'x')).size() > 1000);
}

TEST_CASE("a client's scheme is its header's first word", "[authentication]") {
  CHECK(scheme_of("Basic dXNlcjpzZWNyZXQ=") == Scheme::kBasic);
  CHECK(scheme_of("digest username=\"u\"") == Scheme::kDigest);
  CHECK(scheme_of("Digest") == Scheme::kDigest);
  CHECK(scheme_of("Bearer x") == Scheme::kNone);
  CHECK(scheme_of("") == Scheme::kNone);
}

}  // namespace
}  // namespace midstream::rtsp
