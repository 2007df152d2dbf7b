// What the client sends inside the connection: receiver reports and feedback, between its requests.

#include <algorithm>
#include <array>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"

namespace midstream {

// The size of the frame that begins here, which may be more than there is; 0 if it is none.
size_t Worker::client_frame(const Connection& c, Bytes bytes) {
  if (!c.interleaved || !rtsp::starts_interleaved(bytes)) return 0;
  const auto header = rtsp::parse_frame_header(bytes);
  return rtsp::kFrameHeaderBytes + (header ? header->length : 0);
}

void Worker::note_client_frame(Connection& c, Bytes frame) {
  const auto target = inside(c, frame[1], false);
  if (!target || target->flow.role != FlowRole::kRtcpToClient) return;
  note_receiver(streams_[c.stream_state[target->flow.session][target->flow.stream]],
                frame.subspan(rtsp::kFrameHeaderBytes));
}

// In the server's terms, or left out while it is nobody's. False while the edit list has no room.
bool Worker::release_frame(Connection& c, Bytes frame, const tcp::Segment& out) {
  rtsp::Replacements edits;
  const auto target = inside(c, frame[1], false);
  if (target && !c.only_passes()) {
    note_client_frame(c, frame);
    StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
    const Bytes packet = frame.subspan(rtsp::kFrameHeaderBytes);
    std::array<uint8_t, tcp::kMaxInsertedBytes> text;
    const MutableBytes room = MutableBytes(text).subspan(rtsp::kFrameHeaderBytes);
    size_t size = 0;
    if (stream.phase == StreamPhase::kDirect) {
      return release(c, true, frame.size(), edits, out);
    }
    const bool fits = packet.size() + rtp::kRtcpGrowth <= room.size();
    if (stream.phase == StreamPhase::kContinued && fits)
      size = stream.continuity.rtcp_to_server(packet, room);
    std::ranges::copy(rtsp::print_frame_header({target->channel, static_cast<uint16_t>(size)}),
                      text.begin());
    const size_t whole = size == 0 ? 0 : rtsp::kFrameHeaderBytes + size;
    std::copy_n(text.begin(), whole, edits.text.begin());
    edits.items[0] = {0, static_cast<uint32_t>(frame.size()), 0, static_cast<uint16_t>(whole)};
    edits.count = 1;
    edits.text_used = static_cast<uint16_t>(whole);
  }
  if (!c.splice.to_server.edits.has_room(edits.count, edits.text_used)) return false;
  return release(c, true, frame.size(), edits, out);
}

}  // namespace midstream
