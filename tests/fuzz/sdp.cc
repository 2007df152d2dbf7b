// Any text as a description: what is taken is bounded, printable, and equals itself.
#include <algorithm>
#include <string>

#include "lib/sdp/description.h"
#include "tests/fuzz/check.h"

namespace midstream::sdp {
namespace {

using fuzz::check;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

void check_media(const Media& media) {
  check(is_printable(media.type.view()) && is_printable(media.protocol.view()) &&
            is_printable(media.encoding.view()),
        "what is logged is printable");
  check(media.has_payload_type ? media.payload_type < 128 : media.payload_type == 0,
        "a payload type has 7 bits");
  check(media.control.view().find('\n') == std::string_view::npos, "a control is one line");
}

}  // namespace

void run(std::string_view text) {
  Description description;
  if (!parse(text, description)) return;
  check(description.media_count <= kMaxMedia, "the list of media holds");
  for (size_t i = 0; i < description.media_count; ++i) check_media(description.media[i]);
  check(difference(description, description).empty(), "a description equals itself");

  Description again;
  check(parse("\r\n" + std::string(text) + "\r\nb=AS:1", again), "blank lines and others do not count");
  check(difference(description, again).empty(), "nor change what it says");

  Description less = description;
  if (less.media_count == 0) return;
  --less.media_count;
  check(!difference(description, less).empty() && !difference(less, description).empty(),
        "a media less is a difference");
}

}  // namespace midstream::sdp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  midstream::sdp::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
