// Any text as the value of every header that is understood. Its first line is also a base URL, the
// rest a control attribute.
#include <algorithm>
#include <cmath>

#include "lib/rtsp/headers.h"
#include "tests/fuzz/check.h"

namespace midstream::rtsp {
namespace {

using fuzz::check;
using fuzz::inside;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void run_small_values(std::string_view text) {
  Message message;
  message.headers[message.header_count++] = {"CSeq", text};
  check(!parse_cseq(message) || is_number(text), "CSeq is a number");

  if (const auto session = parse_session(text)) {
    check(!session->id.empty() && inside(session->id, text), "a Session has an id");
    check(session->id.find(';') == std::string_view::npos, "without parameters");
    check(session->timeout_s != 0u, "and no timeout of 0");
  }
  if (const auto scale = parse_scale(text)) {
    check(std::fabs(*scale) >= kMinScale && std::fabs(*scale) <= kMaxScale, "Scale is bounded");
  }
}

void run_transport(std::string_view text) {
  const TransportList list = parse_transport(text);
  check(list.count <= kMaxTransports, "the list of transports holds");
  for (size_t i = 0; i < list.count; ++i) {
    const Transport& transport = list.items[i];
    check(inside(transport.source, text) && inside(transport.destination, text),
          "addresses point into the value");
    check(!transport.interleaved || text.size() >= sizeof "interleaved=0" - 1, "nothing invented");
  }
}

void run_rtp_info(std::string_view text) {
  const RtpInfoList list = parse_rtp_info(text);
  check(list.count <= kMaxRtpInfo, "the list of streams holds");
  const char* last = text.data();
  for (size_t i = 0; i < list.count; ++i) {
    const RtpInfo& info = list.items[i];
    check(!info.url.empty() || info.sequence || info.timestamp, "an entry says something");
    check(info.sequence.has_value() == is_number(info.sequence_text), "sequence and its text");
    check(info.timestamp.has_value() == is_number(info.timestamp_text), "timestamp and its text");
    for (const std::string_view view :
         {info.url, info.sequence_text, info.timestamp_text, info.ssrc_text}) {
      check(inside(view, text), "texts point into the value");
      check(view.empty() || view.data() >= last, "entries do not overlap");
    }
    for (const std::string_view view :
         {info.url, info.sequence_text, info.timestamp_text, info.ssrc_text}) {
      if (!view.empty()) last = std::max(last, view.data() + view.size());
    }
  }
}

void run_urls(std::string_view text) {
  const size_t line = std::min(text.find('\n'), text.size());
  const std::string_view base = text.substr(0, line);
  const std::string_view control = text.substr(std::min(line + 1, text.size()));
  check(same_resource(base, base), "a resource is itself");
  check(same_resource(base, control) == same_resource(control, base), "in either order");
  check(inside(url_host(base), base), "a host points into its URL");
  Url url;
  if (!resolve_url(base, control, url)) {
    check(base.size() + 1 + control.size() > kMaxUrl, "what fits is resolved");
  }
}

}  // namespace

void run(std::string_view text) {
  run_small_values(text);
  run_transport(text);
  run_rtp_info(text);
  run_urls(text);
}

}  // namespace midstream::rtsp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  midstream::rtsp::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
