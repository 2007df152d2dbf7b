// Internet checksums (RFC 1071), written into headers in place. IPv4 and IPv6 do not differ: their
// pseudo headers (RFC 9293 3.1, RFC 8200 8.1) have the same sum for anything below 64 KiB.
#pragma once

#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/net/packet.h"

namespace midstream::net {

// `header` is the whole IPv4 header, options included.
void write_ipv4_checksum(MutableBytes header);

// `addresses` is source and destination as they lie in the IP header (8 or 32 bytes); `transport`
// is a whole TCP segment, UDP datagram or ICMPv6 message, of at least its fixed header.
void write_transport_checksum(Bytes addresses, uint8_t protocol, MutableBytes transport);
// `addresses` is empty for IPv4, whose ICMP has no pseudo header (RFC 792).
void write_icmp_checksum(Bytes addresses, MutableBytes message);
bool transport_checksum_holds(Bytes addresses, uint8_t protocol, Bytes transport);

// A UDP or TCP checksum that changes by as much as the bytes do (RFC 1624): a packet that was damaged
// on its way stays damaged. A virtual port may hand over one that was left to hardware, of the pseudo
// header alone: that is made whole.
class ChecksumPatch {
 public:
  // To be made before the change. What may change: addresses, ports, and the first `payload_bytes` of
  // the payload, an even number.
  ChecksumPatch(MutableBytes frame, const Packet& packet, size_t payload_bytes);
  void apply();  // behind it

 private:
  uint64_t sum_of_addresses() const;
  uint64_t sum_of_transport() const;

  MutableBytes frame_;
  const Packet& packet_;
  size_t payload_bytes_;
  bool left_to_hardware_;
  uint16_t addresses_, transport_;  // their sums as they were
};

}  // namespace midstream::net
