// What authentication computes: hashes of texts joined by colons, hexadecimal, base64.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/fixed_string.h"
#include "lib/rtsp/authentication.h"

namespace midstream::rtsp {

using Hex = FixedString<64>;  // a SHA-256

// Lower case, as many digits as asked for.
Hex hex(uint64_t number, size_t digits);

// {"a", "b"} is the hash of "a:b" (RFC 7616 3.4), in lower case.
Hex hash_of_parts(DigestAlgorithm algorithm, std::span<const std::string_view> parts);

// RFC 4648 4. `room` holds 4 characters for every 3 begun; what is written is a part of it.
std::string_view base64(std::string_view text, std::span<char> room);

}  // namespace midstream::rtsp
