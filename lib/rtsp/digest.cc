// OpenSSL's older interface on purpose: the EVP one allocates and takes locks with every digest, and
// this runs on the packet path, once a request of an authenticated client.
#define OPENSSL_API_COMPAT 10101
#include "lib/rtsp/digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "lib/base/bytes.h"

namespace midstream::rtsp {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

Hex hex_of(Bytes hash) {
  std::array<char, 64> text;
  assert(hash.size() * 2 <= text.size());
  char* end = text.data();
  for (const uint8_t byte : hash) {
    *end++ = kHexDigits[byte >> 4];
    *end++ = kHexDigits[byte & 15];
  }
  Hex out;
  const bool fits = out.assign({text.data(), hash.size() * 2});
  assert(fits);
  return fits ? out : Hex{};
}

template <typename Update>
void feed(std::span<const std::string_view> parts, Update update) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) update(std::string_view(":"));
    update(parts[i]);
  }
}

}  // namespace

Hex hex(uint64_t number, size_t digits) {
  std::array<char, 16> text;
  assert(digits <= text.size());
  for (size_t i = digits; i-- > 0; number >>= 4) text[i] = kHexDigits[number & 15];
  Hex out;
  const bool fits = out.assign({text.data(), digits});
  assert(fits);
  return fits ? out : Hex{};
}

Hex hash_of_parts(DigestAlgorithm algorithm, std::span<const std::string_view> parts) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> hash;
  if (algorithm == DigestAlgorithm::kSha256) {
    SHA256_CTX context;
    SHA256_Init(&context);
    feed(parts, [&](std::string_view part) { SHA256_Update(&context, part.data(), part.size()); });
    SHA256_Final(hash.data(), &context);
    return hex_of(hash);
  }
  MD5_CTX context;
  MD5_Init(&context);
  feed(parts, [&](std::string_view part) { MD5_Update(&context, part.data(), part.size()); });
  MD5_Final(hash.data(), &context);
  return hex_of(Bytes(hash).first(MD5_DIGEST_LENGTH));
}

std::string_view base64(std::string_view text, std::span<char> room) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  assert(room.size() >= (text.size() + 2) / 3 * 4);
  size_t size = 0;
  for (size_t at = 0; at < text.size(); at += 3) {
    const size_t bytes = std::min<size_t>(3, text.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < bytes ? static_cast<uint8_t>(text[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i)
      room[size++] = i <= bytes ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return {room.data(), size};
}

}  // namespace midstream::rtsp
