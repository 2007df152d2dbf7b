// Whatever a frame holds, its parsed places lie inside it, and checksums once made stay.
#include "lib/net/packet.h"

#include <cstdlib>
#include <vector>

#include "lib/net/fragment.h"

using namespace midstream;
using namespace midstream::net;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

void check_places(const Packet& packet, size_t frame_bytes) {
  expect(packet.l3_offset <= frame_bytes);
  if (packet.kind != PacketKind::kTcp && packet.kind != PacketKind::kUdp) return;
  expect(packet.l3_offset < packet.l4_offset && packet.l4_offset < packet.payload_offset);
  expect(size_t{packet.payload_offset} + packet.payload_bytes <= frame_bytes);
}

void check_refresh(Bytes frame, const Packet& packet) {
  std::vector<uint8_t> once(frame.begin(), frame.end());
  refresh_checksums(once, packet);
  std::vector<uint8_t> twice = once;
  refresh_checksums(twice, packet);
  expect(once == twice);
  const Packet again = parse_packet(once);
  expect(again.kind == packet.kind && again.source == packet.source);
}

// Families are not mixed, and what is understood can be said again with the same meaning.
void check_neighbour(Bytes frame, const Packet& packet) {
  NeighbourMessage message;
  if (!parse_neighbour(frame, packet, message)) return;
  const bool v4 = packet.kind == PacketKind::kArp;
  expect(v4 || packet.kind == PacketKind::kIcmp);
  expect(message.sender.is_v4() == v4 && message.target.is_v4() == v4);
  std::vector<uint8_t> out(128);
  out.resize(build_neighbour_frame(out, {packet.source_mac, kBroadcastMac}, message));
  NeighbourMessage again;
  if (message.sender.is_unspecified()) return;  // it would need to name no link-layer address
  expect(parse_neighbour(out, parse_packet(out), again));
  expect(again.sender == message.sender && again.sender_mac == message.sender_mac);
  expect(again.is_request == message.is_request);
}

// Pieces are whole frames again, and fragments of the same packet.
void check_fragments(Bytes frame, const Packet& packet) {
  Fragment fragment;
  if (parse_fragment(frame, packet, fragment)) expect(packet.kind == PacketKind::kFragment);
  std::vector<uint8_t> out(1514);
  size_t position = 0;
  while (const size_t size = write_fragment(frame, packet, {576, 7}, position, out)) {
    const Bytes piece = Bytes(out).first(size);
    expect(size <= 576u + packet.l3_offset);
    const Packet again = parse_packet(piece);
    if (again.kind != PacketKind::kFragment) continue;  // it fitted whole
    expect(parse_fragment(piece, again, fragment) && fragment.identification == 7);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes frame(data, size);
  const Packet packet = parse_packet(frame);
  check_places(packet, size);
  if (packet.kind == PacketKind::kTcp || packet.kind == PacketKind::kUdp) check_refresh(frame, packet);
  check_neighbour(frame, packet);
  check_fragments(frame, packet);
  QuotedFlow flow;
  if (parse_icmp_error(frame, packet, flow)) expect(packet.kind == PacketKind::kIcmp);
  return 0;
}
