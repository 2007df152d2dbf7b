// Authentication toward a server: RFC 2617 and RFC 7616 as RTSP servers do it (RFC 2326 D.1).
//
// A server demands it with a 401 and one or more challenges; the answer to a challenge is the
// Authorization header of every later request. Worked example (RFC 2617 3.2.2, without qop):
//   WWW-Authenticate: Digest realm="r", nonce="n"
//   response = MD5( MD5("user:r:password") ":n:" MD5("PLAY:rtsp://h/film") )
// A nonce belongs to one server, often to one connection or one client address, so what a client
// has computed for one server is worth nothing at another: the switch needs the password.
// Bounded and flat; nothing here allocates or locks.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/base/fixed_string.h"
#include "lib/rtsp/message.h"

namespace midstream::rtsp {

struct Credentials {
  FixedString<64> user;  // neither colons (RFC 7617 2) nor what would have to be escaped in quotes
  FixedString<128> password;
  bool empty() const { return user.empty(); }
};

enum class Scheme : uint8_t { kNone, kBasic, kDigest };
enum class DigestAlgorithm : uint8_t { kMd5, kSha256 };

struct Challenge {
  Scheme scheme = Scheme::kNone;
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  bool names_algorithm = false;  // then the answer names it too
  bool qop_auth = false;
  bool has_opaque = false;
  bool stale = false;  // the nonce was too old, the password is not in question
  // As written between the quotes: they are hashed and repeated in that form.
  FixedString<128> realm;
  FixedString<256> nonce, opaque;
};

// Of all challenges of a 401 the one to answer: the first Digest that is understood (MD5 or SHA-256,
// qop absent or auth; servers write what they like best first, RFC 7616 3.7), else Basic.
Challenge choose_challenge(const Message& answer);

// One client's side toward one server.
struct Authenticator {
  Credentials credentials;  // none: nothing is ever answered
  uint64_t client_nonce = 0;
  Challenge challenge;  // the newest
  uint32_t count = 0;   // requests answered with its nonce

  // A request needs an Authorization of ours.
  bool active() const { return !credentials.empty() && challenge.scheme != Scheme::kNone; }
};

// Reads a 401. False if there is nothing in it that could be answered; nothing has changed then.
bool learn_challenge(Authenticator& authenticator, const Message& answer);

// The value of the next request's Authorization header. Room for the longest nonce and opaque that a
// Challenge takes, a URI of kMaxUrl and a SHA-256. False if it is not to be had: no challenge, no
// credentials, or too long.
inline constexpr size_t kMaxAuthorization = 1280;
using Authorization = FixedString<kMaxAuthorization>;
[[nodiscard]] bool authorize(Authenticator& authenticator, std::string_view method,
                             std::string_view uri, Authorization& out);

// Of an Authorization value, by its first word.
Scheme scheme_of(std::string_view authorization);

}  // namespace midstream::rtsp
