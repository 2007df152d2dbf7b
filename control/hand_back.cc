// The end of an establishment: joins the new server's half to the client's (lib/tcp/splice.h).

#include <algorithm>
#include <string>

#include "control/stream_establishment.h"
#include "dataplane/cut_start.h"
#include "lib/rtsp/presentation.h"
#include "lib/rtsp/translation.h"

namespace midstream {
namespace {

// Seek-Style: RAP has gst answer exactly this place and send what lies between it and the key frame in
// one burst; others ignore it.
rtsp::KeptPlace kept_place(const rtsp::Session& session, Npt start) {
  std::string text = "Range: npt=" + print_npt(start) + '-';
  if (session.play_end) text += print_npt(*session.play_end);
  text += "\r\nSeek-Style: RAP\r\n";
  rtsp::KeptPlace kept{start, {}};
  if (!kept.headers.assign(text)) kept.headers.clear();  // cannot be: two numbers
  return kept;
}

}  // namespace

// Its connection was over before: what was under way on it is nobody's any more, and from now on the
// switch itself is the server's peer.
void StreamEstablishment::forget_client() {
  Connection& c = connection_;
  c.held = true;
  c.half_request = c.custody_overflow = false;
  c.conversation.pending_count = 0;
  c.conversation.pending_used = 0;
  c.from_server.reset(c.from_server.next_expected());
  c.server_half.sent = c.from_server.next_expected();
  c.splice.to_client.custody.reset(c.splice.to_client.custody.end());
}

bool StreamEstablishment::hand_back(std::span<StreamState> streams, Time now) {
  if (connection_.closed_at != Time{}) forget_client();
  fill_words();
  join_options();
  if (!join_half_answer() || !join_client_bytes() || !join_server_bytes(now)) return false;
  prepare_streams(streams, now);
  Connection& c = connection_;
  c.server = static_cast<uint16_t>(server_);
  c.server_endpoint = remote_;
  c.to_server = network_.link_to(server_, c.to_client.destination);
  c.server_nic = network_.neighbour(server_).port;
  c.path_mtu_to_server = 0;  // another server, another path
  return true;
}

void StreamEstablishment::fill_words() {
  Connection& c = connection_;
  c.keep_alive.interval = {};
  // Large, and untouched until there is another server than the dialled one.
  if (c.spliced || c.words.session_count > 0) c.words = rtsp::Vocabulary{};
  c.words.host.client = c.conversation.authority;
  if (remote_.address != c.visible.address) c.words.host.server = remote_;
  if (!c.words.host.visible.assign(to_string(c.visible.address))) c.words.host.server = {};
  fill_media_words();
  c.words.session_count = rtsp::kMaxSessions;
  c.words.authenticator = replay_.authenticator();
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    const rtsp::ReplaySession& other = replay_.result(s);
    if (other.id.empty()) continue;  // torn down: the new server knows nothing of it
    rtsp::SessionWords& words = c.words.sessions[s];
    if (session.state == rtsp::PlayState::kPaused && !session.live)
      words.kept = kept_place(session, positions_[s]);
    words.client_id = session.id;
    words.server_id = other.id;
    words.client_url = session.url;
    words.server_url = other.url;
    words.stream_count = session.stream_count;
    if (!other.id.empty()) {
      const Duration half = std::chrono::seconds(std::max(other.timeout_s, 1u)) / 2;
      Duration& interval = c.keep_alive.interval;
      interval = interval == Duration{} ? half : std::min(interval, half);
    }
    for (size_t i = 0; i < session.stream_count; ++i) {
      const rtsp::Stream& stream = session.streams[i];
      words.streams[i].client_url = stream.url;
      words.streams[i].server_url = other.streams[i].url;
      words.streams[i].client_view_port = stream.server_port;
      words.streams[i].server_port = other.streams[i].server_port;
      words.streams[i].client_channels = stream.channels;
      words.streams[i].server_channels = other.streams[i].channels;
      words.streams[i].client_ssrc = stream.ssrc;
      words.streams[i].server_ssrc = other.streams[i].ssrc;
    }
  }
}

void StreamEstablishment::fill_media_words() {
  const rtsp::Conversation& agreed = connection_.conversation;
  rtsp::Vocabulary& words = connection_.words;
  for (uint8_t i = 0; agreed.has_description && i < agreed.description.media_count; ++i) {
    rtsp::MediaWords& media = words.media[i];
    if (!rtsp::media_url(agreed.base.view(), agreed.description, i, media.client_url))
      media.client_url.clear();
    media.server_url = replay_.control_url(i);
    words.media_count = static_cast<uint8_t>(i + 1);
  }
}

// Options count only if both SYNs of a half had them; what the client agreed with its first server
// stays for good.
void StreamEstablishment::join_options() {
  Connection& c = connection_;
  tcp::Splice& splice = c.splice;
  const TcpHalf& client = c.client_half;
  if (!c.spliced) splice_client_leg(c);
  const bool scaled = client.window_scale && endpoint_.peer_window_scale();
  splice.server = {endpoint_.timestamps_agreed(),
                   client.sack_permitted && endpoint_.peer_sack_permitted(),
                   scaled ? *endpoint_.peer_window_scale() : uint8_t{0}};
  splice.presented_client_scale = scaled ? *client.window_scale : 0;
  splice.server_floor = endpoint_.peer_timestamp();
  splice.timestamp_offset = static_cast<uint32_t>(splice.client_floor - splice.server_floor);
  splice.newest_client = client.newest_timestamp;
  splice.window_to_client =
      tcp::rescale_window(endpoint_.peer_window(), splice.server.window_scale, splice.presented_scale);
  splice.window_to_server =
      tcp::rescale_window(client.window, splice.client.window_scale, splice.presented_client_scale);
}

// Client -> server. Every request that was read whole but not answered is the switch's to repeat.
bool StreamEstablishment::join_client_bytes() {
  Connection& c = connection_;
  tcp::Direction& direction = c.splice.to_server;
  const TcpSequence acknowledged =
      !c.spliced ? c.server_half.acknowledged
                 : later(direction.edits.to_input(c.server_half.acknowledged), direction.input_base);
  const TcpSequence read = c.from_client.next_read();
  direction.custody.reset(endpoint_.send_next());
  size_t offset = 0;
  for (uint8_t i = 0; i < c.conversation.pending_count; ++i) {
    const rtsp::PendingRequest& request = c.conversation.pending[i];
    if (request.bytes == 0) return failure_ = "an unanswered request is too long to be repeated", false;
    const Bytes raw = Bytes(c.conversation.pending_bytes).subspan(offset, request.bytes);
    offset += request.bytes;
    if (!direction.custody.append(as_bytes(in_server_words(raw)))) {
      return failure_ = "too many unanswered requests to be repeated", false;
    }
  }
  direction.edits.reset(read, direction.custody.end());
  direction.released = direction.input_base = read;
  c.half_request = c.half_request || acknowledged > read;
  old_half_ = c.server_half;
  c.server_half = TcpHalf{};
  c.server_half.acknowledged = endpoint_.send_unacknowledged();
  return true;
}

// Server -> client. What the old server had sent and the client has not acknowledged is the switch's.
bool StreamEstablishment::join_server_bytes(Time now) {
  Connection& c = connection_;
  tcp::Direction& direction = c.splice.to_client;
  const TcpSequence old_sent = old_half_.sent;
  if (c.custody_overflow) return failure_ = "more unacknowledged bytes than the switch keeps", false;
  // Bytes behind a hole went on to the client. If it holds them, others cannot take their place.
  const TcpSequence hole = c.from_server.next_expected();
  const bool may_hold = !c.splice.client.sack || (c.client_half.sacked && *c.client_half.sacked > hole);
  if (!c.spliced && old_sent > hole && may_hold) {
    return failure_ = "the client holds bytes of the old server behind a hole", false;
  }
  inside_.append(as_text(endpoint_.readable()));  // the beginning of a unit
  const TcpSequence arrived = endpoint_.receive_next();
  const TcpSequence next = arrived - (c.interleaved ? inside_.size() : endpoint_.readable().size());
  direction.custody.become_origin(now);
  direction.edits.reset(next, direction.custody.end());
  direction.released = next;
  direction.input_base = arrived;  // the switch has acknowledged it, so it is the switch's to repeat
  c.splice.to_server.custody.become_origin(now);
  c.from_server.reset(next);
  if (!c.interleaved) {
    c.from_server.insert(next, endpoint_.readable());
  } else if (!network_.hand_over(c, next, as_bytes(inside_))) {
    return failure_ = "no packet buffers for the media that came meanwhile", false;
  }

  TcpHalf& half = c.server_half;
  half.sent = endpoint_.receive_next();
  half.window = endpoint_.peer_window();
  half.mss = endpoint_.peer_mss();
  half.window_scale = endpoint_.peer_window_scale();
  half.sack_permitted = endpoint_.peer_sack_permitted();
  half.has_timestamps = endpoint_.timestamps_agreed();
  half.newest_timestamp = endpoint_.peer_timestamp();
  return true;
}

// A live source has no packet in common with the old one's: the cut is where a decoder can begin.
void StreamEstablishment::prepare_live(StreamState& stream, const rtsp::Session& session, size_t index,
                                       const rtsp::ReplaySession& other) {
  const sdp::Media& media = connection_.conversation.description.media[session.streams[index].media];
  stream.live = session.live || other.live;
  stream.play_timestamp = other.streams[index].info_timestamp;
  stream.picture_requests = media.picture_loss_indication;
  stream.next_picture_request = {};
}

void StreamEstablishment::prepare_streams(std::span<StreamState> streams, Time now) {
  Connection& c = connection_;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    const rtsp::ReplaySession& other = replay_.result(s);
    if (other.id.empty()) continue;
    c.clocks[s].switch_server();
    for (size_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      StreamState& stream = streams[c.stream_state[s][i]];
      if (session.streams[i].ssrc) stream.continuity.announce_client_ssrc(*session.streams[i].ssrc);
      if (c.conversation.description.media[session.streams[i].media].has_payload_type)
        stream.continuity.announce_client_payload_type(session.streams[i].payload_type);
      stream.phase = StreamPhase::kWaiting;
      stream.server_time.reset();
      stream.reports_cut = session.state == rtsp::PlayState::kPlaying;
      prepare_live(stream, session, i, other);
      if (!stream.reports_cut) continue;
      const ServerStart server{other.play_start, other.streams[i].info_timestamp,
                               other.streams[i].info_sequence, replay_.position_echoed(s)};
      if (stream.started) {
        go_on_exactly(stream, session, i, server);
      } else {
        start_as_told(stream, session, i, server);
      }
      stream.cutting_since = now;
    }
  }
}

}  // namespace midstream
