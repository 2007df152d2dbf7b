#include "tests/scenario/authentication.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <charconv>
#include <vector>

namespace midstream::scenario {
namespace {

std::string hash(bool sha256, const std::string& text) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes, &size, sha256 ? EVP_sha256() : EVP_md5(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

std::string base64(const std::string& text) {
  std::vector<unsigned char> out(text.size() * 2 + 8);
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  return {out.begin(), out.begin() + size};
}

// The value of `name` in `Digest a="b", c=d`; empty if there is none.
std::string value_of(const std::string& header, const std::string& name) {
  for (size_t at = header.find(name); at != std::string::npos; at = header.find(name, at + 1)) {
    const size_t value = at + name.size() + 1;
    if (header[at - 1] != ' ' || header.substr(value - 1, 1) != "=") continue;
    if (header[value] != '"') return header.substr(value, header.find(',', value) - value);
    return header.substr(value + 1, header.find('"', value + 1) - value - 1);
  }
  return "";
}

std::string response(bool sha256, const std::string& user, const std::string& realm,
                     const std::string& password, const std::string& nonce, const std::string& counted,
                     const std::string& method, const std::string& uri) {
  return hash(sha256, hash(sha256, user + ":" + realm + ":" + password) + ":" + nonce + ":" + counted +
                          hash(sha256, method + ":" + uri));
}

}  // namespace

Endpoint Guard::owner(Endpoint from) const {
  return demands_.nonce_per_connection ? from : Endpoint{from.address, 0};
}

std::string Guard::refuse(const RtspMessage& request, Endpoint from, Random& random) {
  const Authentication& d = demands_;
  if (d.scheme == Authentication::Scheme::kNone) return "";
  if (d.scheme == Authentication::Scheme::kBasic) {
    if (request.header("Authorization") == "Basic " + base64(d.user + ":" + d.password)) return "";
    return fmt::format("WWW-Authenticate: Basic realm=\"{}\"\r\n", realm_);
  }
  bool stale = false;
  if (digest_holds(request, from, stale)) return "";
  const std::string nonce = fmt::format("{:016x}", random.u64());
  nonces_[nonce] = {owner(from), 0};
  std::string line = fmt::format("WWW-Authenticate: Digest realm=\"{}\", nonce=\"{}\"", realm_, nonce);
  if (d.sha256) line += ", algorithm=SHA-256";
  if (d.qop) line += ", qop=\"auth\"";
  if (d.opaque) line += ", opaque=\"" + std::string(200, 'o') + '"';
  if (stale && d.says_stale) line += ", stale=TRUE";
  return line + "\r\n";
}

bool Guard::digest_holds(const RtspMessage& request, Endpoint from, bool& stale) {
  const Authentication& d = demands_;
  const std::string given = request.header("Authorization");
  if (!given.starts_with("Digest ") || value_of(given, "username") != d.user ||
      value_of(given, "realm") != realm_ || value_of(given, "uri") != request.uri()) {
    return false;
  }
  const std::string nonce = value_of(given, "nonce");
  std::string counted;
  if (d.qop)
    counted =
        value_of(given, "nc") + ":" + value_of(given, "cnonce") + ":" + value_of(given, "qop") + ":";
  if (value_of(given, "response") !=
      response(d.sha256, d.user, realm_, d.password, nonce, counted, request.method(), request.uri())) {
    return false;
  }
  const auto known = nonces_.find(nonce);
  stale = known == nonces_.end() || known->second.owner != owner(from);
  if (stale) return false;
  if (d.opaque && value_of(given, "opaque") != std::string(200, 'o')) return false;
  if (!d.qop) return true;
  const std::string text = value_of(given, "nc");
  uint32_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count, 16);
  const bool rises = text.size() == 8 && count > known->second.count;
  known->second.count = count;
  return rises && value_of(given, "qop") == "auth" && !value_of(given, "cnonce").empty();
}

bool Identity::learn(const RtspMessage& refusal) {
  if (user_.empty() || refusal.header("WWW-Authenticate").empty()) return false;
  challenge_ = refusal.header("WWW-Authenticate");
  count_ = 0;
  return true;
}

std::string Identity::header_line(const std::string& method, const std::string& uri) {
  if (challenge_.empty()) return "";
  if (challenge_.starts_with("Basic"))
    return fmt::format("Authorization: Basic {}\r\n", base64(user_ + ":" + password_));
  const bool sha256 = value_of(challenge_, "algorithm") == "SHA-256";
  const bool qop = !value_of(challenge_, "qop").empty();
  const std::string realm = value_of(challenge_, "realm"), nonce = value_of(challenge_, "nonce");
  const std::string count = fmt::format("{:08x}", ++count_);
  std::string line = fmt::format(
      "Authorization: Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"",
      user_, realm, nonce, uri,
      response(sha256, user_, realm, password_, nonce, qop ? count + ":c1ient:auth:" : "", method,
               uri));
  if (sha256) line += ", algorithm=SHA-256";
  if (qop) line += ", qop=auth, nc=" + count + ", cnonce=\"c1ient\"";
  if (const std::string opaque = value_of(challenge_, "opaque"); !opaque.empty())
    line += ", opaque=\"" + opaque + '"';
  return line + "\r\n";
}

}  // namespace midstream::scenario
