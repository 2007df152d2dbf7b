// IP fragments (RFC 791 3.2, RFC 8200 4.5): one read, and a whole packet cut into them.
//
// Example: a UDP datagram of 3000 bytes, its header counted, over IPv4 in packets of at most 1500. All
// but the last carry a multiple of 8: 20 + 1480 bytes at offset 0, 20 + 1480 at 1480, 20 + 40 at 2960.
// Over IPv6 each has 48 bytes of headers: 1448 bytes at 0, 1448 at 1448, 104 at 2896.
#pragma once

#include "lib/net/packet.h"

namespace midstream::net {

struct Fragment {
  uint32_t identification = 0;
  uint8_t protocol = 0;
  bool first = false;
  size_t header_bytes = 0;  // IPv4 with options, IPv6 with the fragment header
  Endpoint source;          // with its port only if it is the first, of TCP or UDP
  Endpoint destination;
};

// False for what is no fragment, and for IPv6 if other extension headers come before the fragment's.
bool parse_fragment(Bytes frame, const Packet& packet, Fragment& out);

struct FragmentSize {
  size_t packet_bytes = 0;  // IP packets are to be no larger
  uint32_t identification = 0;
};

// Writes the fragment whose data begin at `position` of the packet's IP payload, and moves `position`
// behind it. Returns the frame's size; 0 when all is written, when `out` is too small, or when the
// packet cannot be cut (hop-by-hop options would have to be in every fragment).
size_t write_fragment(Bytes frame, const Packet& packet, const FragmentSize& size, size_t& position,
                      MutableBytes out);

}  // namespace midstream::net
