#include "lib/rtsp/authentication.h"

#include <array>
#include <initializer_list>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/rtsp/digest.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

constexpr string_view kBlanks = " \t\r\n";

// A token, or what stands between quotes, escapes left as they are.
string_view take_value(string_view& rest) {
  if (!rest.starts_with('"')) {
    const string_view token = rest.substr(0, rest.find_first_of(", \t\r\n"));
    rest.remove_prefix(token.size());
    return token;
  }
  size_t end = 1;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  end = std::min(end, rest.size());
  const string_view value = rest.substr(1, end - 1);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return value;
}

// RFC 7616 3.3: a list of which we need "auth".
bool lists_auth(string_view qop) {
  while (!qop.empty())
    if (equal_ignoring_case(trim(take_until(qop, ',')), "auth")) return true;
  return false;
}

// A challenge while it is read. `usable` falls at the first thing in it that we cannot answer.
struct Draft {
  Challenge challenge;
  bool usable = false;
  bool has_nonce = false;

  void begin(string_view scheme) {
    *this = Draft{};
    if (equal_ignoring_case(scheme, "Basic")) challenge.scheme = Scheme::kBasic;
    if (equal_ignoring_case(scheme, "Digest")) challenge.scheme = Scheme::kDigest;
    usable = challenge.scheme != Scheme::kNone;
  }

  void add(string_view name, string_view value) {
    if (equal_ignoring_case(name, "realm")) usable &= challenge.realm.assign(value);
    if (challenge.scheme != Scheme::kDigest) return;
    if (equal_ignoring_case(name, "nonce")) {
      has_nonce = challenge.nonce.assign(value);
    } else if (equal_ignoring_case(name, "opaque")) {
      challenge.has_opaque = true;
      usable &= challenge.opaque.assign(value);
    } else if (equal_ignoring_case(name, "stale")) {
      challenge.stale = equal_ignoring_case(value, "true");
    } else if (equal_ignoring_case(name, "qop")) {
      challenge.qop_auth = lists_auth(value);
      usable &= challenge.qop_auth;  // auth-int alone would need the body
    } else if (equal_ignoring_case(name, "algorithm")) {
      challenge.names_algorithm = true;
      const bool sha256 = equal_ignoring_case(value, "SHA-256");
      challenge.algorithm = sha256 ? DigestAlgorithm::kSha256 : DigestAlgorithm::kMd5;
      usable &= sha256 || equal_ignoring_case(value, "MD5");
    }
  }

  bool complete() const { return usable && (challenge.scheme == Scheme::kBasic || has_nonce); }
};

void choose(const Draft& draft, Challenge& best) {
  if (!draft.complete() || best.scheme == Scheme::kDigest) return;
  if (best.scheme == Scheme::kNone || draft.challenge.scheme == Scheme::kDigest) best = draft.challenge;
}

// Several challenges may stand in one header, with commas between them as between their parameters
// (RFC 7235 4.1): a word with no "=" behind it begins one.
void read_challenges(string_view rest, Challenge& best) {
  Draft draft;
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n,"), rest.size()));
    if (rest.empty()) break;
    const string_view word = rest.substr(0, rest.find_first_of(" \t\r\n,="));
    rest.remove_prefix(word.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (!rest.starts_with('=')) {
      choose(draft, best);
      draft.begin(word);
      continue;
    }
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    draft.add(word, take_value(rest));
  }
  choose(draft, best);
}

class Text {
 public:
  void add(string_view text) { writer_.bytes(as_bytes(text)); }
  void quoted(string_view name, string_view value) {
    add(", ");
    add(name);
    add("=\"");
    add(value);
    add("\"");
  }
  [[nodiscard]] bool store(Authorization& out) const {
    return writer_.ok() && out.assign(as_text(writer_.written()));
  }

 private:
  std::array<uint8_t, kMaxAuthorization> room_;
  ByteWriter writer_{room_};
};

bool authorize_basic(const Credentials& credentials, Authorization& out) {
  std::array<char, 256> pair;
  static_assert(sizeof(Credentials) < sizeof pair);
  char* end = std::ranges::copy(credentials.user.view(), pair.data()).out;
  *end++ = ':';
  end = std::ranges::copy(credentials.password.view(), end).out;
  std::array<char, 4 * (sizeof pair + 2) / 3> encoded;
  Text text;
  text.add("Basic ");
  text.add(base64({pair.data(), static_cast<size_t>(end - pair.data())}, encoded));
  return text.store(out);
}

bool authorize_digest(Authenticator& a, string_view method, string_view uri, Authorization& out) {
  const Challenge& challenge = a.challenge;
  const auto hash = [&](std::initializer_list<string_view> parts) {
    return hash_of_parts(challenge.algorithm, {parts.begin(), parts.size()});
  };
  const string_view realm = challenge.realm.view(), nonce = challenge.nonce.view();
  ++a.count;
  const Hex count = hex(a.count, 8), client_nonce = hex(a.client_nonce, 16);
  const Hex secret = hash({a.credentials.user.view(), realm, a.credentials.password.view()});
  const Hex request = hash({method, uri});
  const Hex response =
      challenge.qop_auth
          ? hash({secret.view(), nonce, count.view(), client_nonce.view(), "auth", request.view()})
          : hash({secret.view(), nonce, request.view()});
  Text text;
  text.add("Digest username=\"");
  text.add(a.credentials.user.view());
  text.add("\"");
  text.quoted("realm", realm);
  text.quoted("nonce", nonce);
  text.quoted("uri", uri);
  text.quoted("response", response.view());
  if (challenge.names_algorithm)
    text.add(challenge.algorithm == DigestAlgorithm::kSha256 ? ", algorithm=SHA-256"
                                                             : ", algorithm=MD5");
  if (challenge.has_opaque) text.quoted("opaque", challenge.opaque.view());
  if (challenge.qop_auth) {
    text.add(", qop=auth, nc=");
    text.add(count.view());
    text.quoted("cnonce", client_nonce.view());
  }
  return text.store(out);
}

}  // namespace

Challenge choose_challenge(const Message& answer) {
  Challenge best;
  for (const Header& header : std::span(answer.headers).first(answer.header_count))
    if (equal_ignoring_case(header.name, "WWW-Authenticate")) read_challenges(header.value, best);
  return best;
}

bool learn_challenge(Authenticator& authenticator, const Message& answer) {
  if (authenticator.credentials.empty()) return false;
  const Challenge challenge = choose_challenge(answer);
  if (challenge.scheme == Scheme::kNone) return false;
  if (challenge.nonce.view() != authenticator.challenge.nonce.view()) authenticator.count = 0;
  authenticator.challenge = challenge;
  return true;
}

bool authorize(Authenticator& authenticator, std::string_view method, std::string_view uri,
               Authorization& out) {
  if (!authenticator.active()) return false;
  if (authenticator.challenge.scheme == Scheme::kBasic)
    return authorize_basic(authenticator.credentials, out);
  if (uri.find_first_of("\"\\") != string_view::npos) return false;  // it could not stand in quotes
  return authorize_digest(authenticator, method, uri, out);
}

Scheme scheme_of(std::string_view authorization) {
  const string_view word = authorization.substr(0, authorization.find_first_of(kBlanks));
  if (equal_ignoring_case(word, "Basic")) return Scheme::kBasic;
  return equal_ignoring_case(word, "Digest") ? Scheme::kDigest : Scheme::kNone;
}

}  // namespace midstream::rtsp
