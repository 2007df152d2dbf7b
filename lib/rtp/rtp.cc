#include "lib/rtp/rtp.h"

#include <array>

namespace midstream::rtp {
namespace {

constexpr uint8_t kMarkerBit = 0x80;

}  // namespace

std::optional<Header> parse_whole_header(Bytes packet) {
  const auto fixed = parse_fixed_header(packet);
  if (!fixed) return std::nullopt;
  Header header = *fixed;
  const uint8_t first = packet[0];
  ByteReader reader(packet);
  reader.skip(kFixedHeaderBytes);
  reader.skip(4u * (first & 0x0F));  // CSRCs
  if ((first & 0x10) != 0) {         // extension, RFC 3550 5.3.1
    reader.skip(2);
    reader.skip(4u * reader.u16());
  }
  if (!reader.ok() || reader.remaining() > UINT16_MAX) return std::nullopt;

  size_t payload = reader.remaining();
  if ((first & 0x20) != 0) {  // the last byte counts the padding, itself included
    const size_t padding = payload == 0 ? 0 : packet.back();
    if (padding == 0 || padding > payload) return std::nullopt;
    payload -= padding;
  }
  header.payload_offset = static_cast<uint16_t>(reader.position());
  header.payload_bytes = static_cast<uint16_t>(payload);
  return header;
}

void write_header(MutableBytes packet, const HeaderChange& change) {
  if (packet.size() < kFixedHeaderBytes) return;
  packet[1] = static_cast<uint8_t>((packet[1] & kMarkerBit) | (change.payload_type & 0x7F));
  store_be16(&packet[2], change.sequence_number.value());
  store_be32(&packet[4], change.timestamp.value());
  store_be32(&packet[8], change.ssrc);
}

uint32_t static_clock_rate(uint8_t payload_type) {
  static constexpr std::array<uint32_t, 35> kRates = {
      8000,  0,     0,     8000,             // PCMU, reserved, reserved, GSM
      8000,  8000,  16000, 8000,             // G723, DVI4, DVI4, LPC
      8000,  8000,  44100, 44100,            // PCMA, G722 (samples at 16000), L16 stereo, mono
      8000,  8000,  90000, 8000,             // QCELP, CN, MPA, G728
      11025, 22050, 8000,  0,                // DVI4, DVI4, G729, reserved
      0,     0,     0,     0,     0, 90000,  // unassigned, 25: CelB
      90000, 0,     90000, 0,     0,         // JPEG, unassigned, nv, unassigned, unassigned
      90000, 90000, 90000, 90000};           // H261, MPV, MP2T, H263
  return payload_type < kRates.size() ? kRates[payload_type] : 0;
}

}  // namespace midstream::rtp
