// The end of an establishment: joins the new server's half to the client's (lib/tcp/splice.h).

#include <algorithm>
#include <string>

#include "control/stream_establishment.h"
#include "lib/rtsp/translation.h"

namespace midstream {
namespace {

std::string translated(const rtsp::Vocabulary& words, Bytes raw) {
  rtsp::Message message;
  rtsp::Replacements edits;
  if (rtsp::parse_message(raw, message).status != rtsp::ParseStatus::kDone ||
      !rtsp::translate_to_server(words, message, raw, edits)) {
    return std::string(as_text(raw));
  }
  std::string text;
  size_t at = 0;
  for (uint8_t i = 0; i < edits.count; ++i) {
    const rtsp::Replacement& edit = edits.items[i];
    text.append(as_text(raw).substr(at, edit.offset - at)).append(edits.text_of(edit));
    at = edit.offset + edit.length;
  }
  return text.append(as_text(raw).substr(at));
}

// What is known beside the packets: one NPT on both clocks, from the newest packets or, if the old
// server sent none, from what both PLAY answers said.
rtp::CutContext cut_context(const rtsp::Session& session, const rtsp::Replay& replay, size_t s,
                            size_t index, const StreamState& stream) {
  const rtsp::ReplaySession& other = replay.result(s);
  const rtsp::Stream& agreed = session.streams[index];
  const rtsp::ReplayStream& answer = other.streams[index];
  rtp::CutContext context;
  context.clock_rate = stream.clock_rate;
  context.position_echoed = replay.position_echoed(s);
  context.frame_ticks = stream.position.frame_ticks();
  context.first_sequence = agreed.info_sequence;
  std::optional<RtpTimestamp> anchor;
  if (stream.position.anchored()) {
    context.highest_timestamp = stream.position.timestamp_at(stream.position.newest());
    if (other.play_start) anchor = stream.position.timestamp_at(*other.play_start);
  } else if (stream.last.size() == 0 && session.play_start == other.play_start) {
    anchor = agreed.info_timestamp;
  }
  if (anchor && answer.info_timestamp) {
    context.has_position = true;
    context.client_anchor = *anchor;
    context.server_anchor = *answer.info_timestamp;
  }
  return context;
}

}  // namespace

bool StreamEstablishment::hand_back(std::span<StreamState> streams, Time now) {
  fill_words();
  join_options();
  if (!join_client_bytes() || !join_server_bytes(now)) return false;
  prepare_streams(streams, now);
  Connection& c = connection_;
  c.server = static_cast<uint16_t>(server_);
  c.server_endpoint = remote_;
  c.to_server = network_.link_to(server_, c.to_client.destination);
  c.server_nic = network_.neighbour(server_).port;
  return true;
}

void StreamEstablishment::fill_words() {
  Connection& c = connection_;
  c.words = rtsp::Vocabulary{};
  c.words.host.client = c.conversation.authority;
  if (remote_.address != c.visible.address) c.words.host.server = remote_;
  if (!c.words.host.visible.assign(to_string(c.visible.address))) c.words.host.server = {};
  c.words.session_count = rtsp::kMaxSessions;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    const rtsp::ReplaySession& other = replay_.result(s);
    rtsp::SessionWords& words = c.words.sessions[s];
    words.client_id = session.id;
    words.server_id = other.id;
    words.client_url = session.url;
    words.server_url = other.url;
    words.stream_count = session.stream_count;
    for (size_t i = 0; i < session.stream_count; ++i) {
      const rtsp::Stream& stream = session.streams[i];
      words.streams[i].client_url = stream.url;
      words.streams[i].server_url = other.streams[i].url;
      words.streams[i].client_view_port = stream.server_port;
      words.streams[i].server_port = other.streams[i].server_port;
      words.streams[i].client_ssrc = stream.ssrc;
      words.streams[i].server_ssrc = other.streams[i].ssrc;
    }
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
    if (!direction.custody.append(as_bytes(translated(c.words, raw)))) {
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
  if (!c.spliced && !c.from_server.readable().empty()) {
    return failure_ = "the old server left an answer half sent", false;
  }
  if (!c.spliced && old_sent > c.from_server.next_expected()) {
    return failure_ = "the old server left a hole in its answers", false;
  }
  const TcpSequence next = endpoint_.receive_next() - endpoint_.readable().size();
  direction.custody.become_origin(now);
  direction.edits.reset(next, direction.custody.end());
  direction.released = direction.input_base = next;
  c.splice.to_server.custody.become_origin(now);
  c.from_server.reset(next);
  c.from_server.insert(next, endpoint_.readable());

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

void StreamEstablishment::prepare_streams(std::span<StreamState> streams, Time now) {
  Connection& c = connection_;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    if (session.id.empty() || session.state != rtsp::PlayState::kPlaying) continue;
    c.clocks[s].switch_server();
    for (size_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      StreamState& stream = streams[c.stream_state[s][i]];
      if (session.streams[i].ssrc) stream.continuity.announce_client_ssrc(*session.streams[i].ssrc);
      if (c.conversation.description.media[session.streams[i].media].has_payload_type)
        stream.continuity.announce_client_payload_type(session.streams[i].payload_type);
      stream.finder.reset(stream.last, cut_context(session, replay_, s, i, stream));
      stream.phase = StreamPhase::kCutting;
      // A live source has no packet in common with the old one's: no use to wait for a match.
      stream.nothing_to_match = session.live;
      stream.cutting_since = now;
    }
  }
}

}  // namespace midstream
