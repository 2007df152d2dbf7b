#include "control/client_watch.h"

#include <algorithm>

#include "lib/rtsp/message.h"

namespace midstream {

void ClientWatch::on_segment(const tcp::Segment& segment) {
  if (segment.flags.syn) return;
  if (segment.flags.rst) {
    gone_ |= segment.sequence == stream_.next_expected();  // RFC 5961 3.2
    return;
  }
  stream_.insert(segment.sequence, segment.payload);
  gone_ |= segment.flags.fin && segment.end() - 1 == stream_.next_expected();
  while (!stream_.readable().empty()) {
    rtsp::Message message;
    const Bytes bytes = stream_.readable();
    const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) return;
    if (parsed.status == rtsp::ParseStatus::kDone)
      rtsp::on_client_message(conversation_, message, bytes.first(parsed.bytes));
    stream_.consume(parsed.bytes);
  }
}

ClientWatch::Wish ClientWatch::wish() const {
  if (gone_) return Wish::kGone;
  bool any = false;
  for (const rtsp::Session& session : conversation_.sessions) {
    if (session.id.empty()) continue;
    any = true;
    if (!session.teardown_requested && session.state != rtsp::PlayState::kTornDown)
      return Wish::kService;
  }
  return any ? Wish::kTeardown : Wish::kService;
}

}  // namespace midstream
