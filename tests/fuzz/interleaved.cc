// Any bytes as a frame header, and as garbage to find the way out of. The first two bytes are the
// channels.
#include "lib/rtsp/interleaved.h"

#include <algorithm>

#include "tests/fuzz/check.h"

namespace midstream::rtsp {
namespace {

using fuzz::check;

void run_header(Bytes input) {
  const auto header = parse_frame_header(input);
  check(header.has_value() == (input.size() >= kFrameHeaderBytes && input[0] == '$'),
        "what is a header");
  if (!header) return;
  check(std::ranges::equal(print_frame_header(*header), input.first(kFrameHeaderBytes)),
        "written again");
}

void run_garbage(Bytes input, const ChannelSet& channels) {
  const size_t skip = resynchronise(input, channels);
  check(skip <= input.size(), "skips inside the input");
  const size_t step = 1 + input.size() / 256;
  for (size_t size = 0; size < input.size(); size += step) {
    const size_t earlier = resynchronise(input.first(size), channels);
    check(earlier <= std::min(size, skip), "a cut loses no start");
    check(resynchronise(input.subspan(earlier), channels) == skip - earlier, "and ends at the same");
  }
  if (skip == input.size()) return;
  check(resynchronise(input.subspan(skip), channels) == 0, "a start is one by itself");
  const auto header = parse_frame_header(input.subspan(skip));
  check(!header || channels[header->channel], "a frame on a channel in use");
}

}  // namespace

void run(Bytes input) {
  ChannelSet channels;
  if (input.size() >= 2) take(channels, {input[0], input[1]});
  input = input.subspan(std::min<size_t>(input.size(), 2));
  run_header(input);
  run_garbage(input, channels);
}

}  // namespace midstream::rtsp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  midstream::rtsp::run({data, size});
  return 0;
}
