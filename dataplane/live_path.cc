// The cut of live streams (lib/rtp/live.h): video waits for a random access point, and the time that
// has passed is the timestamp's.

#include <array>

#include "dataplane/worker.h"

namespace midstream {
namespace {

// Longer than the key frame distance of nearly all encoders; a stream that refreshes its picture bit by
// bit has no such point at all, and is better than none.
constexpr Duration kMaxWait = 10s;
constexpr Duration kPictureRequestInterval = 500ms;  // an encoder may not have reacted before
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// At the new server, by its RTP-Info.
std::optional<int64_t> time_since_play(const StreamState& stream, const rtp::Header& header) {
  if (!stream.play_timestamp || stream.clock_rate == 0) return std::nullopt;
  const int64_t ticks = header.timestamp - *stream.play_timestamp;
  return ticks * kNanosPerSecond / stream.clock_rate;
}

int64_t frame_ns(const StreamState& stream) {
  if (stream.clock_rate == 0) return 0;
  return stream.position.frame_ticks() * kNanosPerSecond / stream.clock_rate;
}

// A stream that no packet has come of has the clock that its PLAY answer told.
std::optional<RtpTimestamp> timestamp_at(const StreamState& stream, const rtsp::Stream& agreed,
                                         Npt time) {
  if (stream.position.anchored()) return stream.position.timestamp_at(time);
  if (!agreed.info_timestamp || stream.clock_rate == 0) return std::nullopt;
  return *agreed.info_timestamp +
         (time - stream.position.newest()) * stream.clock_rate / kNanosPerSecond;
}

// Never back, whatever the servers' clocks say: at the least one frame on.
std::optional<uint32_t> offset_at(const StreamState& stream, const rtsp::Stream& agreed, Npt time,
                                  const rtp::Header& header) {
  const auto timestamp = timestamp_at(stream, agreed, time);
  if (!timestamp) return std::nullopt;
  const RtpTimestamp newest = *timestamp_at(stream, agreed, stream.position.newest());
  const uint32_t frame = std::max(stream.position.frame_ticks(), uint32_t{1});
  const RtpTimestamp least = stream.position.anchored() ? newest + frame : newest;
  return later(least, *timestamp).value() - header.timestamp.value();
}

}  // namespace

// True once the cut stands; the frame is dropped otherwise.
bool Worker::find_live_cut(Connection& c, const FlowTarget& target, StreamState& stream, Frame& frame,
                           const rtp::Header& header) {
  const Bytes payload =
      Bytes(frame.bytes)
          .subspan(size_t{frame.packet.payload_offset} + header.payload_offset, header.payload_bytes);
  const bool waited = now_ - stream.cutting_since > kMaxWait;
  if (!waited && !rtp::begins_random_access(stream.codec, payload)) {
    stream.finder.pass_over();
    request_picture(c, target, stream, header.ssrc);
    return drop(frame.mbuf, Drop::kBeforeRandomAccess), false;
  }
  stream.finder.cut_live(header, live_offset(c, target, stream, header));
  fix_cut(c, target, stream);
  return true;
}

// Of a stream whose cut nothing can tell: where the others are already, it joins them. Not if that is
// a place where it cannot be: the others may have been cut at another by mistake.
std::optional<uint32_t> Worker::offset_of_session(const Connection& c, const FlowTarget& target,
                                                  const StreamState& stream,
                                                  const rtp::Header& header) const {
  const rtp::LiveShift& shift = c.clocks[target.session].live;
  const auto server_ns = time_since_play(stream, header);
  if (!shift.known || !server_ns || !stream.position.anchored()) return std::nullopt;
  const Npt time{*server_ns + shift.ns}, newest = stream.position.newest();
  const Npt earliest = newest + -rtp::kLiveTolerance.count();
  const Npt latest = newest + (now_ - stream.last_forwarded + rtp::kLiveTolerance).count();
  if (time < earliest || time > latest) return std::nullopt;
  const rtsp::Session& session = c.conversation.sessions[target.session];
  return offset_at(stream, session.streams[target.stream], time, header);
}

std::optional<uint32_t> Worker::live_offset(Connection& c, const FlowTarget& target,
                                            const StreamState& stream,
                                            const rtp::Header& header) const {
  const rtsp::Session& session = c.conversation.sessions[target.session];
  const auto server_ns = time_since_play(stream, header);
  const int64_t client_ns = session_time(c, target.session, stream);
  const Npt time{rtp::live_time(c.clocks[target.session].live, server_ns, client_ns)};
  return offset_at(stream, session.streams[target.stream], time, header);
}

// The farthest of its streams: a picture's time runs ahead while B-frames are still to come, and must
// not go back, nor stand. But what is another stream's mistake is not this one's.
int64_t Worker::session_time(const Connection& c, uint8_t session, const StreamState& stream) const {
  const auto time_of = [this](const StreamState& s) {
    const int64_t elapsed = (now_ - s.position.newest_time()).count();
    return s.position.newest().ns + std::max(elapsed, frame_ns(s));
  };
  const int64_t own = time_of(stream);
  int64_t farthest = own;
  for (const uint32_t slot : c.stream_state[session]) {
    if (slot == kNoStream) continue;
    const int64_t ahead = time_of(streams_[slot]) - own;
    if (ahead <= rtp::kLiveTolerance.count()) farthest = std::max(farthest, own + ahead);
  }
  return farthest;
}

void Worker::request_picture(Connection& c, const FlowTarget& target, StreamState& stream,
                             uint32_t server_ssrc) {
  if (!stream.picture_requests || now_ < stream.next_picture_request) return;
  stream.next_picture_request = now_ + kPictureRequestInterval;
  std::array<uint8_t, rtp::kPictureRequestBytes> request;
  rtp::write_picture_request(request, stream.receiver_ssrc, server_ssrc);
  const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
  if (agreed.channels) {
    return send_inside_to_server(c, static_cast<uint8_t>(agreed.channels->rtcp), request);
  }
  const rtsp::PortPair& ports = c.words.sessions[target.session].streams[target.stream].server_port;
  send_udp(c.to_server, c.server_nic, {c.client.address, agreed.client_port.rtcp},
           {c.server_endpoint.address, ports.rtcp}, request);
}

}  // namespace midstream
