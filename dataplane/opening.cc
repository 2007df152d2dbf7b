// The client's PLAY at a server that has not played its session yet, or whose cut is still open: the
// answer names a start, and that must be right before the first packet has come. See cut_start.h.

#include "dataplane/cut_start.h"
#include "dataplane/worker.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

std::optional<Npt> stated_place(const rtsp::Message& answer, const rtsp::PendingRequest& request,
                                const rtsp::SessionWords& words) {
  const rtsp::Header* header = answer.find("Range");
  const auto range = header != nullptr ? parse_npt_range(header->value) : std::nullopt;
  if (range && range->start) return range->start;
  if (request.has_start) return request.start;
  return words.kept ? std::optional(words.kept->start) : std::nullopt;
}

}  // namespace

// Before the answer is translated: its RTP-Info will be by these offsets. Says which session it was.
uint8_t Worker::open_cuts(Connection& c, const rtsp::Message& answer) {
  if (answer.is_request || answer.status < 200 || answer.status > 299) return rtsp::kNoSession;
  const rtsp::PendingRequest* request = rtsp::answered_request(c.conversation, answer);
  if (request == nullptr || request->method != rtsp::Method::kPlay) return rtsp::kNoSession;
  if (request->session >= rtsp::kMaxSessions) return rtsp::kNoSession;
  const rtsp::Session& session = c.conversation.sessions[request->session];
  rtsp::SessionWords& words = c.words.sessions[request->session];
  const auto& slots = c.stream_state[request->session];

  const std::optional<Npt> place = stated_place(answer, *request, words);
  const bool echoed = words.kept && place == words.kept->start && *place > Npt{};
  const auto stated = rtsp::stated_starts(words, answer);
  const auto behind = behind_newest(session, slots, streams_);
  for (size_t i = 0; i < session.stream_count; ++i) {
    if (slots[i] == kNoStream) continue;
    StreamState& stream = streams_[slots[i]];
    const bool waited = stream.phase == StreamPhase::kWaiting;
    if (!waited && stream.phase != StreamPhase::kCutting) continue;
    const bool goes_on = request->resumes() && stream.started && !session.live;
    if (!waited && !goes_on) drop_held(slots[i]);  // of the place that the client has left
    const rtp::CutFinder search = stream.finder;
    // Of a server that plays already packets of the place before may lie between.
    const auto first = waited ? stated[i].sequence : std::nullopt;
    const ServerStart server{place, stated[i].timestamp, first, echoed};
    const ClientStart told = goes_on ? go_on_exactly(stream, session, i, server)
                                     : start_anew(stream, session, i, server, behind);
    if (!waited && goes_on) stream.finder = search;  // the server resumes what it had begun to send
    stream.play_timestamp = stated[i].timestamp;
    stream.live = false;  // the answer names the start, and the server begins with a whole picture
    stream.cutting_since = now_;
    rtsp::StreamWords& stream_words = words.streams[i];
    if (told.sequence && stated[i].sequence)
      stream_words.sequence_offset = static_cast<uint16_t>(*told.sequence - *stated[i].sequence);
    if (told.timestamp && stated[i].timestamp)
      stream_words.timestamp_offset = static_cast<uint32_t>(*told.timestamp - *stated[i].timestamp);
  }
  words.kept.reset();
  c.clocks[request->session].live = {};
  return request->session;
}

// Behind the answer: media that had overtaken it.
void Worker::release_opened(Connection& c, uint8_t session) {
  for (uint8_t i = 0; i < rtsp::kMaxStreams; ++i) {
    const uint32_t slot = c.stream_state[session][i];
    if (slot == kNoStream || streams_[slot].phase != StreamPhase::kCutting) continue;
    if (!streams_[slot].finder.holding())
      release_held(c, {FlowRole::kRtpToClient, session, i, c.index});
  }
}

}  // namespace midstream
