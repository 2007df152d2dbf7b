// Any bytes: one RTSP message, or how much to skip; wherever the stream is cut.
#include "lib/rtsp/message.h"
#include "tests/fuzz/check.h"

namespace midstream::rtsp {
namespace {

using fuzz::check;
using fuzz::inside;

void check_done(const Message& message, ParseResult result, Bytes input) {
  check(result.bytes >= 1 && result.bytes <= input.size(), "a message lies inside the input");
  check(message.total_bytes == result.bytes, "total_bytes is what was taken");
  check(message.header_bytes + message.body.size() <= result.bytes, "head and body fit");
  check(message.header_bytes <= kMaxHead && message.body.size() <= kMaxBody, "limits hold");
  check(message.header_count <= kMaxHeaders, "header_count holds");
  check(message.is_request == (message.status == 0), "a request or a response");

  const std::string_view text = as_text(input.first(result.bytes));
  for (const std::string_view view :
       {message.method_text, message.uri, message.version, as_text(message.body)}) {
    check(inside(view, text), "views point into the message");
  }
  for (size_t i = 0; i < message.header_count; ++i) {
    const Header& header = message.headers[i];
    check(inside(header.name, text) && inside(header.value, text), "headers point into it");
    check(!header.name.empty() && message.find(header.name) != nullptr, "a header is found");
  }
}

// A stream that is cut tells nothing else than the whole does, it only may need more.
void check_prefix(Bytes input, size_t size, ParseResult whole) {
  Message message;
  const ParseResult part = parse_message(input.first(size), message);
  if (whole.status == ParseStatus::kDone && size >= whole.bytes) {
    check(part.status == ParseStatus::kDone && part.bytes == whole.bytes, "the same message");
  } else if (whole.status == ParseStatus::kBad) {
    check(part.status != ParseStatus::kDone, "no message in what is bad");
  } else {
    check(part.status == ParseStatus::kNeedMore, "a strict prefix needs more");
  }
}

}  // namespace

void run(Bytes input) {
  Message message;
  const ParseResult result = parse_message(input, message);
  if (result.status == ParseStatus::kDone) check_done(message, result, input);
  if (result.status == ParseStatus::kBad) {
    check(result.bytes >= 1 && result.bytes <= input.size(), "skips inside the input");
  }
  if (result.status == ParseStatus::kNeedMore) {
    check(result.bytes == 0, "takes nothing");
    check(input.size() < kMaxBlankLines + kMaxHead + kMaxBody, "never asks for ever more");
  }
  // All of a short input's prefixes, some of a long one's.
  const size_t step = 1 + input.size() / 256;
  for (size_t size = 0; size < input.size(); size += step) check_prefix(input, size, result);
}

}  // namespace midstream::rtsp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  midstream::rtsp::run({data, size});
  return 0;
}
