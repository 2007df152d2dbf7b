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

uint32_t Worker::live_offset(Connection& c, const FlowTarget& target, const StreamState& stream,
                             const rtp::Header& header) const {
  std::optional<int64_t> server_ns;
  if (stream.play_timestamp && stream.clock_rate > 0) {
    const int64_t ticks = header.timestamp - *stream.play_timestamp;
    server_ns = ticks * kNanosPerSecond / stream.clock_rate;
  }
  const Npt newest = stream.position.newest();
  const int64_t client_ns = newest.ns + (now_ - stream.last_forwarded).count();
  const int64_t time = rtp::live_time(c.clocks[target.session].live, server_ns, client_ns);
  // Never back, whatever the servers' clocks say: at the least one frame on.
  const RtpTimestamp least =
      stream.position.timestamp_at(newest) + std::max(stream.position.frame_ticks(), uint32_t{1});
  const RtpTimestamp timestamp = later(least, stream.position.timestamp_at(Npt{time}));
  return timestamp.value() - header.timestamp.value();
}

void Worker::request_picture(const Connection& c, const FlowTarget& target, StreamState& stream,
                             uint32_t server_ssrc) {
  if (!stream.picture_requests || now_ < stream.next_picture_request) return;
  stream.next_picture_request = now_ + kPictureRequestInterval;
  std::array<uint8_t, rtp::kPictureRequestBytes> request;
  rtp::write_picture_request(request, stream.receiver_ssrc, server_ssrc);
  const rtsp::Stream& agreed = c.conversation.sessions[target.session].streams[target.stream];
  const rtsp::PortPair& ports = c.words.sessions[target.session].streams[target.stream].server_port;
  send_udp(c.to_server, c.server_nic, {c.client.address, agreed.client_port.rtcp},
           {c.server_endpoint.address, ports.rtcp}, request);
}

}  // namespace midstream
