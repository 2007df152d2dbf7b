#include "dataplane/cut_start.h"

#include <algorithm>
#include <cmath>

namespace midstream {
namespace {

// On the clock that the client knows: from its packets, else from the newest PLAY answer.
std::optional<RtpTimestamp> timestamp_at(const StreamState& stream, const rtsp::Session& session,
                                         size_t index, Npt place) {
  if (stream.position.anchored()) return stream.position.timestamp_at(place);
  const auto& told = session.streams[index].info_timestamp;
  if (!told || !session.play_start || stream.clock_rate == 0) return std::nullopt;
  const double seconds = static_cast<double>(place - *session.play_start) / 1e9 / session.scale;
  return *told + std::llround(seconds * stream.clock_rate);
}

std::optional<RtpSequence> next_sequence(const StreamState& stream, const rtsp::Stream& agreed) {
  if (!stream.started && agreed.info_sequence) return agreed.info_sequence;
  if (stream.last.size() > 0) return stream.last.newest(0).sequence + 1;
  return std::nullopt;
}

int64_t ticks_since_beginning(const StreamState& stream, const rtsp::Session& session,
                              const ServerStart& server) {
  const double seconds = static_cast<double>(server.place.value_or(Npt{}).ns) / 1e9 / session.scale;
  return std::llround(seconds * stream.clock_rate);
}

ClientStart arm(StreamState& stream, const rtp::LastPackets& last, const rtsp::Session& session,
                size_t index, std::optional<RtpTimestamp> client, const ServerStart& server) {
  // A new start whose clock nobody can tell: at least it does not jump.
  if (!client && last.size() == 0 && stream.last.size() > 0) client = stream.last.newest(0).timestamp;
  rtp::CutContext context;
  context.clock_rate = stream.clock_rate;
  context.frame_ticks = stream.position.frame_ticks();
  context.first_sequence = next_sequence(stream, session.streams[index]);
  context.server_first_sequence = server.sequence;
  if (stream.position.anchored())
    context.highest_timestamp = stream.position.timestamp_at(stream.position.newest());
  // With packets in common content can do without; a new start takes B's first packet for its word.
  context.has_position = client && (server.timestamp || last.size() == 0);
  context.position_echoed = server.echoed;
  context.ticks_since_beginning = ticks_since_beginning(stream, session, server);
  context.server_anchor_known = server.timestamp.has_value();
  context.client_anchor = client.value_or(RtpTimestamp());
  context.server_anchor = server.timestamp.value_or(RtpTimestamp());
  stream.finder.reset(last, context);
  stream.phase = StreamPhase::kCutting;
  return {context.first_sequence, client};
}

}  // namespace

std::optional<Npt> behind_newest(const rtsp::Session& session, std::span<const uint32_t> stream_state,
                                 std::span<const StreamState> streams) {
  std::optional<Npt> newest;
  for (size_t i = 0; i < session.stream_count; ++i) {
    if (stream_state[i] == kNoStream) continue;
    const StreamState& stream = streams[stream_state[i]];
    if (!stream.position.anchored()) continue;
    const RtpTimestamp end =
        stream.position.timestamp_at(stream.position.newest()) + stream.position.frame_ticks();
    const Npt behind = stream.position.at(end);
    newest = session.scale < 0 ? std::min(newest.value_or(behind), behind)
                               : std::max(newest.value_or(behind), behind);
  }
  return newest ? newest : session.play_start;
}

bool follow_content(const StreamState& settled, StreamState& doubtful) {
  const auto &known = settled.server_time, &wanted = doubtful.server_time;
  if (!known || !wanted || !settled.position.anchored() || !doubtful.position.anchored()) return false;
  const double later_s =
      std::ldexp(static_cast<double>(static_cast<int64_t>(wanted->ntp - known->ntp)), -32);
  const RtpTimestamp there = known->timestamp + std::llround(later_s * settled.clock_rate);
  const Npt place = settled.position.at(there + settled.finder.result().timestamp_offset);
  doubtful.finder.correct_anchors(doubtful.position.timestamp_at(place), wanted->timestamp);
  return true;
}

ClientStart go_on_exactly(StreamState& stream, const rtsp::Session& session, size_t index,
                          const ServerStart& server) {
  std::optional<RtpTimestamp> client;
  if (server.place && stream.position.anchored())
    client = timestamp_at(stream, session, index, *server.place);
  return arm(stream, stream.last, session, index, client, server);
}

ClientStart start_anew(StreamState& stream, const rtsp::Session& session, size_t index,
                       const ServerStart& server, std::optional<Npt> behind) {
  std::optional<RtpTimestamp> client;
  if (behind) client = timestamp_at(stream, session, index, *behind);
  return arm(stream, {}, session, index, client, server);
}

ClientStart start_as_told(StreamState& stream, const rtsp::Session& session, size_t index,
                          const ServerStart& server) {
  const Npt place = server.place.value_or(session.play_start.value_or(Npt{}));
  return arm(stream, {}, session, index, timestamp_at(stream, session, index, place), server);
}

}  // namespace midstream
