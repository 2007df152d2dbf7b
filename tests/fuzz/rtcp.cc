// Arbitrary bytes as compound RTCP, both ways, before and after a failover. What comes out must be
// valid RTCP again.
#include <cstdlib>
#include <vector>

#include "lib/rtp/continuity.h"

using namespace midstream;

namespace {

void check(MutableBytes out, size_t size) {
  if (size != 0 && !rtp::summarize_rtcp(out.first(size)).valid) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Exactly as large as the input: overruns of both are seen.
  const std::vector<uint8_t> packet(data, data + size);
  std::vector<uint8_t> tight(size), roomy(4 * size + rtp::kRtcpGrowth);

  rtp::Continuity continuity;
  rtp::SessionClock clock;
  rtp::Header header{.ssrc = size >= 8 ? load_be32(data + 4) : 0};
  continuity.on_forwarded(header, 100);
  check(tight, rtp::without_bye(packet, tight));
  check(tight, continuity.rtcp_to_client(packet, tight, clock, 90000));
  check(tight, continuity.rtcp_to_server(packet, tight));

  continuity.switch_server({rtp::CutMethod::kContent, 0xFFF0, 0x12345678}, header.ssrc, 96);
  clock.switch_server();
  check(tight, continuity.rtcp_to_client(packet, tight, clock, 90000));
  check(roomy, continuity.rtcp_to_client(packet, roomy, clock, 90000));
  check(tight, continuity.rtcp_to_server(packet, tight));
  return 0;
}
