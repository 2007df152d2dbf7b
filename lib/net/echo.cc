#include <algorithm>

#include "lib/net/checksum.h"
#include "lib/net/ip_header.h"
#include "lib/net/packet.h"

namespace midstream::net {

namespace {

constexpr uint8_t kTimeToLive = 64;  // RFC 1700: the recommended default
constexpr size_t kEchoBytes = 8;     // type, code, checksum, identifier, sequence number
constexpr size_t kTimeToLiveAt = 8;  // RFC 791 3.1
constexpr size_t kHopLimitAt = 7;    // RFC 8200 3
constexpr size_t kAddressesAt4 = 12, kAddressesAt6 = 8;

struct EchoTypes {
  uint8_t request, reply;
};
constexpr EchoTypes kTypes4{8, 0}, kTypes6{128, 129};  // RFC 792, RFC 4443 4

// RFC 1624 eqn. 3, for the word of type and code. The sum over the addresses stays when they change
// places; a request that was damaged on its way makes a reply that is found to be.
void set_type(MutableBytes message, uint8_t type) {
  const uint16_t before = load_be16(message.data());
  message[0] = type;
  const uint16_t after = load_be16(message.data());
  uint32_t sum = static_cast<uint16_t>(~load_be16(&message[2]));
  sum += static_cast<uint16_t>(~before);
  sum += after;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(&message[2], static_cast<uint16_t>(~sum));
}

}  // namespace

bool answer_echo(MutableBytes frame, const Packet& packet, const MacAddress& own) {
  const size_t end = size_t{packet.payload_offset} + packet.payload_bytes;
  if (packet.kind != PacketKind::kIcmp || end > frame.size()) return false;
  const bool v4 = packet.ether_type == kEtherTypeIpv4;
  const EchoTypes types = v4 ? kTypes4 : kTypes6;
  const MutableBytes message = frame.first(end).subspan(packet.l4_offset);
  if (message.size() < kEchoBytes || message[0] != types.request || message[1] != 0) return false;
  set_type(message, types.reply);

  const MutableBytes ip = frame.subspan(packet.l3_offset, packet.l4_offset - packet.l3_offset);
  const size_t address_bytes = v4 ? 4 : 16;
  const auto source = ip.begin() + (v4 ? kAddressesAt4 : kAddressesAt6);
  std::swap_ranges(source, source + address_bytes, source + address_bytes);
  ip[v4 ? kTimeToLiveAt : kHopLimitAt] = kTimeToLive;
  if (v4) write_ipv4_checksum(ip);
  std::copy(packet.source_mac.octets.begin(), packet.source_mac.octets.end(), frame.begin());
  std::copy(own.octets.begin(), own.octets.end(), frame.begin() + 6);
  return true;
}

}  // namespace midstream::net
