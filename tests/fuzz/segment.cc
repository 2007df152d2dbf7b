// A segment that parses can be written, and reads as the same then.
#include "lib/tcp/segment.h"

#include <cstdlib>
#include <vector>

using namespace midstream;
using namespace midstream::tcp;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Segment segment;
  if (!parse_segment({data, size}, segment)) return 0;
  expect(segment.sack_count <= kMaxSackBlocks);

  std::vector<uint8_t> out(segment_header_bytes(segment) + segment.payload.size());
  expect(write_segment(segment, out) == out.size());
  Segment again;
  expect(parse_segment(out, again));
  expect(again.sequence == segment.sequence && again.end() == segment.end());
  expect(again.mss == segment.mss && again.window_scale == segment.window_scale);
  expect(again.sack_permitted == segment.sack_permitted);
  expect(again.timestamps.has_value() == segment.timestamps.has_value());
  expect(again.sack_count <= segment.sack_count);
  expect(as_text(again.payload) == as_text(segment.payload));
  return 0;
}
