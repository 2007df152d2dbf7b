// IP fragments of a host, sent and received; nothing shared with the product.
#include <algorithm>

#include "tests/scenario/host.h"

namespace midstream::scenario {

void Host::send_in_pieces(Address destination, const Frame& frame) {
  const bool v4 = address_.is_v4();
  const size_t l3 = vlan_ ? 18 : 14, ip = v4 ? 20 : 40, headers = ip + (v4 ? 0 : 8);
  const size_t step = (mtu_ - headers) / 8 * 8, total = frame.size() - l3 - ip;
  const uint32_t id = ++identification_;
  std::vector<Frame> pieces;
  for (size_t at = 0; at < total; at += step) {
    const size_t size = std::min(step, total - at);
    const bool more = at + size < total;
    Frame piece(frame.begin(), frame.begin() + l3 + ip);
    uint8_t* header = &piece[l3];
    if (v4) {
      store_be16(header + 2, static_cast<uint16_t>(ip + size));
      store_be16(header + 4, static_cast<uint16_t>(id));
      store_be16(header + 6, static_cast<uint16_t>(at / 8 | (more ? 0x2000 : 0)));
      store_be16(header + 10, 0);
      store_be16(header + 10, static_cast<uint16_t>(~ones_complement({header, ip})));
    } else {
      store_be16(header + 4, static_cast<uint16_t>(8 + size));
      Frame extension{header[6], 0, 0, 0, 0, 0, 0, 0};
      header[6] = 44;
      store_be16(&extension[2], static_cast<uint16_t>(at | (more ? 1 : 0)));
      store_be32(&extension[4], id);
      piece.insert(piece.end(), extension.begin(), extension.end());
    }
    piece.insert(piece.end(), frame.begin() + l3 + ip + at, frame.begin() + l3 + ip + at + size);
    pieces.push_back(std::move(piece));
  }
  if (last_fragment_first_) std::ranges::reverse(pieces);
  for (Frame& piece : pieces) send_ip(destination, std::move(piece));
}

void Host::collect(const Frame& frame, const net::Packet& p) {
  ++fragments_received_;
  const bool v4 = p.source.address.is_v4();
  const Bytes ip = Bytes(frame).subspan(p.l3_offset);
  if (v4 && ones_complement(ip.first(20)) != 0xffff)
    return parts_.violations.add(name_, "wrong checksum in a fragment");
  const size_t headers = v4 ? 20 : 48;
  const size_t length = v4 ? load_be16(&ip[2]) : 40 + load_be16(&ip[4]);
  const uint16_t field = load_be16(&ip[v4 ? 6 : 42]);
  const size_t offset = v4 ? (field & 0x1fff) * size_t{8} : size_t{field} & ~size_t{7};
  const bool more = (field & (v4 ? 0x2000 : 1)) != 0;
  const auto key = std::pair(p.source.address, v4 ? uint32_t{load_be16(&ip[4])} : load_be32(&ip[44]));
  Pieces& pieces = pieces_[key];
  pieces.data[offset] = Frame(ip.begin() + headers, ip.begin() + length);
  if (!more) pieces.total = offset + length - headers;

  size_t have = 0;
  for (const auto& [at, data] : pieces.data) have = at == have ? have + data.size() : have;
  if (have != pieces.total) return;
  Frame whole(frame.begin(), frame.begin() + p.l3_offset + (v4 ? 20 : 40));
  uint8_t* header = &whole[p.l3_offset];
  if (v4) {
    store_be16(header + 2, static_cast<uint16_t>(20 + have));
    store_be16(header + 6, 0);
    store_be16(header + 10, 0);
    store_be16(header + 10, static_cast<uint16_t>(~ones_complement({header, 20})));
  } else {
    header[6] = ip[40];
    store_be16(header + 4, static_cast<uint16_t>(have));
  }
  for (const auto& [at, data] : pieces.data) whole.insert(whole.end(), data.begin(), data.end());
  pieces_.erase(key);
  take(whole, net::parse_packet(whole));
}

}  // namespace midstream::scenario
