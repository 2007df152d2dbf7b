// TCP segments as bytes, for the tests that read and write them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace midstream::tcp {

using Buffer = std::vector<uint8_t>;

// Port 554 to 49152, sequence 0xfffffffe, acknowledging 0x01020304, window 8192, urgent 7.
inline Buffer segment_bytes(uint8_t flags, const Buffer& options, std::string_view payload = "") {
  Buffer bytes{0x02, 0x2a, 0xc0, 0x00, 0xff, 0xff, 0xff, 0xfe, 0x01, 0x02,
               0x03, 0x04, 0x00, 0x00, 0x20, 0x00, 0xde, 0xad, 0x00, 0x07};
  bytes[12] = static_cast<uint8_t>((5 + options.size() / 4) << 4);
  bytes[13] = flags;
  bytes.insert(bytes.end(), options.begin(), options.end());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

inline constexpr uint8_t kSyn = 0x02, kAck = 0x10;

// What Linux sends in a SYN.
inline const Buffer kSynOptions{2, 4,  0x05, 0xb4,                          // MSS 1460
                                4, 2,                                       // SACK permitted
                                8, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,  // timestamps
                                1,                                          // no-operation
                                3, 3,  7};                                  // window scale 7
// What Linux sends in an acknowledgement with one hole.
inline const Buffer kAckOptions{
    1, 1, 8, 10, 0,    0,    0,    1,    0xff, 0xff, 0xff, 0xfe,   // timestamps
    1, 1, 5, 10, 0xff, 0xff, 0xff, 0xf0, 0,    0,    0,    0x10};  // SACK

}  // namespace midstream::tcp
