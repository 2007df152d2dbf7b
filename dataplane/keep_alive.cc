// Requests of the switch's own in a spliced connection: between two messages of the client it asks
// the server for OPTIONS in each session, and takes the answers out again. It does so when the client
// has asked nothing for half of the server's timeout: that server's may be shorter than what the
// client was told (60, 65 and 55 s are usual), and FFmpeg asks nothing while no media comes.
//
// OPTIONS, because every server must know it (RFC 2326 10.1); live555, gst-rtsp-server and gortsplib
// take it for a sign of life if it names the session. Whatever the answer is, nobody acts on it.

#include <algorithm>
#include <array>
#include <charconv>

#include "dataplane/worker.h"
#include "lib/rtsp/interleaved.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kMaxOptions = 512;  // a URL, a Session id and what stands around them

size_t write_options(const rtsp::SessionWords& words, uint32_t cseq, MutableBytes out) {
  std::array<char, 10> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), cseq).ptr;
  ByteWriter writer(out);
  const auto write = [&writer](std::string_view text) { writer.bytes(as_bytes(text)); };
  write("OPTIONS ");
  write(words.server_url.empty() ? "*" : words.server_url.view());
  write(" RTSP/1.0\r\nCSeq: ");
  write({number.data(), static_cast<size_t>(end - number.data())});
  write("\r\nSession: ");
  write(words.server_id.view());
  write("\r\n\r\n");
  return writer.ok() ? writer.position() : 0;
}

bool lives(const rtsp::Session& session) {
  return !session.id.empty() && !session.teardown_requested &&
         session.state != rtsp::PlayState::kTornDown;
}

// A client that has been silent for as long as it may has lost its session, here as anywhere.
bool client_lives(const Connection& c, Time now) {
  return std::ranges::any_of(c.conversation.sessions, [&](const rtsp::Session& session) {
    return lives(session) && now - c.last_client_sign <= std::chrono::seconds(session.timeout_s);
  });
}

// The client has nothing under way to the server, not a byte: what is put in now cuts nothing.
bool between_messages(const Connection& c) {
  const tcp::Direction& forward = c.splice.to_server;
  return c.from_client.readable().empty() && c.conversation.pending_count == 0 && !c.half_request &&
         !c.client_half.fin && c.server_half.acknowledged == forward.edits.to_output(forward.released);
}

}  // namespace

void Worker::keep_alive(Connection& c) {
  KeepAlive& own = c.keep_alive;
  if (own.interval == Duration{} || now_ < own.due) return;
  if (!between_messages(c) || !client_lives(c, now_)) return;
  std::array<uint8_t, rtsp::kMaxSessions * kMaxOptions> text;
  size_t size = 0;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::SessionWords& words = c.words.sessions[s];
    if (!lives(c.conversation.sessions[s]) || words.server_id.empty()) continue;
    const size_t more = write_options(words, own.next_cseq, MutableBytes(text).subspan(size));
    if (more == 0) continue;
    size += more;
    ++own.next_cseq;
    ++own.outstanding;
  }
  own.due = now_ + own.interval;
  if (size > 0) put_between(c, Bytes(text).first(size));
}

// Bytes of our own between two messages of the client.
void Worker::put_between(Connection& c, Bytes bytes) {
  tcp::Direction& forward = c.splice.to_server;
  const TcpSequence position = forward.edits.to_output(forward.released);
  if (!forward.custody.originate(bytes, now_)) return;
  forward.edits.reset(forward.released, position + bytes.size());
  forward.input_base = forward.released;
  emit_data(c, false, made_segment(c, false), position, bytes);
}

// What is not worth waiting for is left out if the client is in the middle of a message.
void Worker::send_inside_to_server(Connection& c, uint8_t channel, Bytes packet) {
  std::array<uint8_t, rtsp::kFrameHeaderBytes + kMaxOptions> frame;
  const auto target = inside(c, channel, false);
  if (!target || packet.size() > kMaxOptions || !between_messages(c)) return;
  std::ranges::copy(rtsp::print_frame_header({target->channel, static_cast<uint16_t>(packet.size())}),
                    frame.begin());
  std::ranges::copy(packet, frame.begin() + rtsp::kFrameHeaderBytes);
  put_between(c, Bytes(frame).first(rtsp::kFrameHeaderBytes + packet.size()));
}

// By its number; from a server that says none, if nothing else is awaited.
bool Worker::is_own_answer(const Connection& c, const rtsp::Message& message) const {
  const KeepAlive& own = c.keep_alive;
  if (message.is_request || own.outstanding == 0) return false;
  const auto cseq = rtsp::parse_cseq(message);
  if (!cseq) return c.conversation.pending_count == 0;
  return *cseq < own.next_cseq && own.next_cseq - *cseq <= own.outstanding;
}

// False while the edit list is full.
bool Worker::take_out_answer(Connection& c, TcpSequence begin, const rtsp::Message& message) {
  tcp::Direction& forward = c.splice.to_client;
  const auto bytes = static_cast<uint32_t>(message.total_bytes);
  // The client has no byte of it to acknowledge. If it owes the server nothing else, we do it at once:
  // it may not say anything for long. Otherwise its acknowledgement of what lies before counts.
  const bool nothing_before = forward.custody.end() == forward.custody.origin_end();
  if (nothing_before && !c.custody_overflow) {
    forward.edits.reset(begin + bytes, forward.custody.end());
    forward.input_base = begin + bytes;
  } else if (!forward.edits.add(begin, bytes, {})) {
    return false;
  }
  forward.released = begin + bytes;
  if (message.status >= 200) --c.keep_alive.outstanding;
  acknowledge_sender(c, false);
  return true;
}

}  // namespace midstream
