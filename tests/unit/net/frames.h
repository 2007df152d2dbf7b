// Frames for the tests of lib/net: hex text with a line per header, and a checksum of our own kind,
// byte by byte from RFC 1071, to check the fast one against.
#pragma once

#include <string_view>
#include <vector>

#include "lib/base/bytes.h"

namespace midstream::net {

using Frame = std::vector<uint8_t>;

// "45 00 0021": blanks and line ends do not count.
inline Frame hex(std::string_view text) {
  Frame bytes;
  int digits = 0;
  unsigned value = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<uint8_t>(value));
  }
  return bytes;
}

inline Frame operator+(Frame a, const Frame& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// An allocation of exactly this size, so that a sanitizer sees a read beyond it.
inline Frame prefix(const Frame& frame, size_t n) { return Frame(frame.begin(), frame.begin() + n); }

inline uint16_t plain_checksum(const Frame& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

inline const Frame kMacs = hex("020000000002 020000000001");
inline const Frame kEthernet4 = kMacs + hex("0800");
inline const Frame kEthernet6 = kMacs + hex("86dd");

// 10.0.0.1:6970 to 10.0.0.2:5000, five bytes, behind no link header.
inline const Frame kUdp4 =
    hex("4500 0021 0000 4000 40 11 26ca 0a000001 0a000002"
        "1b3a 1388 000d bdad"
        "80 60 00 01 7f");
// The same from fd00::1 to fd00::2.
inline const Frame kUdp6 =
    hex("60000000 000d 11 40 fd000000000000000000000000000001 fd000000000000000000000000000002"
        "1b3a 1388 000d d7ab"
        "80 60 00 01 7f");
// 10.0.0.1:554 to 10.0.0.2:49152, "RTSP".
inline const Frame kTcp4 =
    hex("4500 002c 0000 4000 40 06 26ca 0a000001 0a000002"
        "022a c000 fffffffe 01020304 50 18 2000 0ff2 0000"
        "52545350");
inline const Frame kTcp6 =
    hex("60000000 0018 06 40 fd000000000000000000000000000001 fd000000000000000000000000000002"
        "022a c000 fffffffe 01020304 50 18 2000 29f0 0000"
        "52545350");

}  // namespace midstream::net
