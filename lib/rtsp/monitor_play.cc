// The answer to a PLAY: where the streams are from now on, and in which RTP terms.
#include "lib/rtsp/monitor.h"
#include "lib/rtsp/presentation.h"

namespace midstream::rtsp {
namespace {

void read_range(Session& session, const PendingRequest& request, const Message& answer) {
  const Header* header = answer.find("Range");
  const auto range = header != nullptr ? parse_npt_range(header->value) : std::nullopt;
  const bool from_now = range ? range->from_now : request.from_now;
  const bool first = session.play_count == 0;

  // Where the client asked for an end, the answer's end is that one and not the presentation's;
  // played backward, it is the beginning.
  if (range && range->end && !request.end && session.scale > 0) session.duration = range->end;
  session.live = from_now || !session.duration;
  session.resumed = !first && request.resumes();
  if (!session.resumed || request.end) session.play_end = request.end;
  if (range && (range->start || range->from_now))
    session.play_start = range->start;
  else if (request.has_start)
    session.play_start = session.live ? Npt{} : request.start;  // what is on air begins here
  else if (first && !session.live && header == nullptr)
    session.play_start = Npt{};
  else
    session.play_start = std::nullopt;
}

std::array<std::string_view, kMaxRtpInfo> stream_urls(const Session& session) {
  static_assert(kMaxStreams == kMaxRtpInfo);
  std::array<std::string_view, kMaxRtpInfo> urls;
  for (size_t i = 0; i < session.stream_count; ++i) urls[i] = session.streams[i].url.view();
  return urls;
}

void read_rtp_info(const Conversation& conversation, Session& session, const Message& answer) {
  const Header* header = answer.find("RTP-Info");
  if (header == nullptr) return;
  const RtpInfoList list = parse_rtp_info(header->value);
  const StreamOfEntry stream_of =
      match_rtp_info(list, conversation.base.view(), stream_urls(session), session.stream_count);
  for (size_t i = 0; i < list.count; ++i) {
    if (stream_of[i] >= session.stream_count) continue;
    Stream& stream = session.streams[stream_of[i]];
    stream.info_sequence = list.items[i].sequence;
    stream.info_timestamp = list.items[i].timestamp;
  }
}

}  // namespace

uint8_t on_play_answer(Conversation& conversation, const PendingRequest& request,
                       const Message& answer) {
  Session* session = session_of(conversation, request.session, answer);
  if (session == nullptr) return kNothing;
  const Header* scale = answer.find("Scale");
  session->scale = scale != nullptr ? parse_scale(scale->value).value_or(1.0) : 1.0;
  read_range(*session, request, answer);
  if (!request.uri.empty()) session->url = request.uri;

  // A PLAY of one stream says nothing about the others.
  const bool single = names_single_stream(conversation, *session, request.uri.view());
  const size_t only = stream_named(*session, request.uri.view());
  for (size_t i = 0; i < session->stream_count; ++i) {
    if (single && i != only) continue;
    session->streams[i].info_sequence.reset();
    session->streams[i].info_timestamp.reset();
  }
  read_rtp_info(conversation, *session, answer);
  session->state = PlayState::kPlaying;
  ++session->play_count;
  return kPlayChanged;
}

}  // namespace midstream::rtsp
