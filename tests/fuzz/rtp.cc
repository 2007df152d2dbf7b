// Arbitrary bytes as B's RTP stream: header, cut and rewriting must stay inside the packet.
#include "lib/rtp/rtp.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "lib/rtp/continuity.h"
#include "lib/rtp/cut.h"

using namespace midstream;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 1, size - 1);
  const size_t step = std::max<size_t>(1, data[0]);

  rtp::LastPackets last;
  rtp::CutFinder finder;
  rtp::Continuity continuity;
  bool cut = false;
  for (size_t at = 0; at < input.size(); at += step) {
    std::vector<uint8_t> packet(input.begin() + at, input.begin() + std::min(at + step, input.size()));
    auto header = rtp::parse_header(packet);
    if (!header) continue;
    if (header->payload_offset + size_t{header->payload_bytes} > packet.size()) std::abort();
    const Bytes payload = Bytes(packet).subspan(header->payload_offset, header->payload_bytes);
    if (last.size() < 3) {
      last.add(header->sequence_number, header->timestamp, rtp::payload_hash(payload), header->marker);
      finder.reset(last, {.clock_rate = 90000, .has_position = (data[0] & 1) != 0});
      continue;
    }
    if (!cut && (cut = finder.is_first_new(*header, payload))) {
      continuity.switch_server(finder.result(), std::nullopt, std::nullopt);
    }
    if (cut && continuity.to_client(packet, *header)) {
      const auto again = rtp::parse_header(packet);
      if (!again || again->sequence_number != header->sequence_number) std::abort();
      continuity.on_forwarded(*header, header->payload_bytes);
    }
  }
  return 0;
}
