// Basic and Digest authentication as servers demand it and clients do it (RFC 2617, RFC 7616): apart
// from the product's code, and strict. A guard takes no nonce but its own, on the connection or for
// the client that it was given to; no `uri` but the request's; no count that does not rise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lib/base/address.h"
#include "lib/base/random.h"
#include "tests/scenario/rtsp_text.h"

namespace midstream::scenario {

struct Authentication {  // what a server demands
  enum class Scheme { kNone, kBasic, kDigest };
  Scheme scheme = Scheme::kNone;
  bool sha256 = false;  // else MD5, not named
  bool qop = false;
  bool opaque = false;
  bool nonce_per_connection = true;  // live555; else per client, as gst-rtsp-server
  bool says_stale = true;            // of a nonce that it does not know (any more)
  std::string user = "viewer", password = "open sesame";
};

class Guard {
 public:
  Guard(Authentication demands, std::string realm)
      : demands_(std::move(demands)), realm_(std::move(realm)) {}

  // Empty if the request may pass, else the header lines of the 401.
  std::string refuse(const RtspMessage& request, Endpoint from, Random& random);
  void expire_nonces() { nonces_.clear(); }

 private:
  struct Nonce {
    Endpoint owner;
    uint32_t count = 0;  // of the newest request
  };
  bool digest_holds(const RtspMessage& request, Endpoint from, bool& stale);
  Endpoint owner(Endpoint from) const;

  Authentication demands_;
  std::string realm_;
  std::map<std::string, Nonce> nonces_;
};

// A client's side: remembers the newest challenge and answers it in every request.
class Identity {
 public:
  Identity(std::string user, std::string password)
      : user_(std::move(user)), password_(std::move(password)) {}

  // False if there is nothing to answer with.
  bool learn(const RtspMessage& refusal);
  std::string header_line(const std::string& method, const std::string& uri);

 private:
  std::string user_, password_;
  std::string challenge_;
  uint32_t count_ = 0;
};

}  // namespace midstream::scenario
