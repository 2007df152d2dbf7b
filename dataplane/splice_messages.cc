// The messages of a spliced connection: each is read and put into the other side's terms before any
// byte of it leaves.

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtsp/foreign.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kMaxReleased = tcp::kInsertedRoom + tcp::kReassemblyBytes;

}  // namespace

// What it carries cannot be read. After a failover it is still translated where it can be.
void Worker::read_no_more(Connection& c, rtsp::Unprotected reason) {
  if (c.failovers > 0 || std::exchange(c.unreadable, true)) return;
  if (c.conversation.unprotected == rtsp::Unprotected::kNone) mark_unprotected(c, reason);
}

// Forwards every message that is complete. True if anything was sent.
bool Worker::release_messages(Connection& c, bool from_client, const tcp::Segment& out) {
  tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  bool sent = false;
  while (!stream.readable().empty() && c.state == ConnectionState::kSpliced) {
    const Bytes bytes = stream.readable();
    if (c.unread()) {
      sent |= release(c, from_client, bytes.size(), {}, out);
      continue;
    }
    const size_t frame = from_client ? client_frame(c, bytes) : 0;
    if (frame > bytes.size() && stream.full()) {
      read_no_more(c, rtsp::Unprotected::kMessageTooLarge);
      sent |= release(c, from_client, bytes.size(), {}, out);
      continue;
    }
    if (frame > 0) {
      if (frame > bytes.size() || !release_frame(c, bytes.first(frame), out)) return sent;
      sent = true;
      continue;
    }
    if (rtsp::starts_interleaved(bytes)) read_no_more(c, rtsp::Unprotected::kNotRtsp);
    rtsp::Message message;
    const rtsp::ParseResult parsed = rtsp::parse_message(bytes, message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) {
      if (!stream.full()) return sent;
      read_no_more(c, rtsp::Unprotected::kMessageTooLarge);
      sent |= release(c, from_client, bytes.size(), {}, out);
      continue;
    }
    if (parsed.status == rtsp::ParseStatus::kBad && !c.conversation.any_playing()) {
      read_no_more(c, rtsp::foreign_protocol(bytes));
    }
    rtsp::Replacements edits;
    const bool whole = parsed.status == rtsp::ParseStatus::kDone;
    uint8_t opened = rtsp::kNoSession;
    if (whole && from_client) adopt_session(c, message);
    if (whole && !from_client && is_own_answer(c, message)) {
      if (!take_out_answer(c, c.from_server.next_read(), message)) return sent;
      c.from_server.consume(message.total_bytes);
      continue;
    }
    if (whole && !translate(c, from_client, message, bytes.first(parsed.bytes), edits, opened))
      return sent;
    sent |= release(c, from_client, parsed.bytes, edits, out);
    if (opened != rtsp::kNoSession) release_opened(c, opened);
    if (!from_client && c.interleaved) return sent;  // its first stream inside was set up
  }
  return sent;
}

// What is to be replaced in a message, and what it changes; `opened` is the session whose cuts an
// answer opens. False while the edit list has no room: until earlier ones are acknowledged.
bool Worker::translate(Connection& c, bool from_client, const rtsp::Message& message, Bytes raw,
                       rtsp::Replacements& edits, uint8_t& opened) {
  const uint32_t authorized = c.words.authenticator.count;
  if (!from_client) opened = open_cuts(c, message);
  const bool known = from_client ? translate_to_server(c.words, message, raw, edits)
                                 : translate_to_client(c.words, message, raw, edits);
  if (!known) edits.clear();
  if (!c.splice.direction(!from_client).edits.has_room(edits.count, edits.text_used)) {
    c.words.authenticator.count = authorized;
    return false;
  }
  // A nonce has expired. The client asks again, as it would have to of one server too; whatever it
  // says then is put into the new nonce's terms.
  if (!from_client && message.status == 401) learn_challenge(c.words.authenticator, message);
  if (from_client) {
    apply_change(c, rtsp::on_client_message(c.conversation, message, raw));
    c.words.host.client = c.conversation.authority;
  }
  return true;
}

// Forwards the next `bytes` bytes with their edits.
bool Worker::release(Connection& c, bool from_client, size_t bytes, const rtsp::Replacements& edits,
                     const tcp::Segment& out) {
  tcp::Reassembly& stream = from_client ? c.from_client : c.from_server;
  tcp::Direction& forward = c.splice.direction(!from_client);
  const Bytes raw = stream.readable().first(bytes);
  const TcpSequence begin = stream.next_read();
  for (uint8_t i = 0; i < edits.count; ++i) {
    const rtsp::Replacement& edit = edits.items[i];
    if (!forward.edits.add(begin + edit.offset, edit.length, edits.text_of(edit))) break;
  }
  std::array<uint8_t, kMaxReleased> buffer;
  const size_t size = forward.edits.apply(begin, raw, buffer);
  assert(size != SIZE_MAX);
  const Bytes text = Bytes(buffer).first(size);
  const TcpSequence output = forward.edits.output_begin(begin);

  stream.consume(bytes);
  forward.released = begin + bytes;
  if (from_client) c.keep_alive.due = now_ + c.keep_alive.interval;
  tcp::Custody& custody = forward.custody;
  if ((from_client && c.half_request) || forward.input_base > begin) {
    // The old server, or the switch, has acknowledged the head of it: nobody but us can repeat it.
    c.half_request &= !from_client;
    c.custody_overflow |= !custody.originate(text, now_);
    forward.edits.reset(forward.released, output + size);
    forward.input_base = forward.released;
    acknowledge_sender(c, from_client);
  } else if (!c.unread() && (from_client ? custody.end() == output : !c.only_passes())) {
    c.custody_overflow |= !custody.append(text) && !from_client;
  }
  emit_data(c, !from_client, out, output, text);
  if (!from_client && !c.unread()) note_answer(c, text);
  return true;
}

// The monitor reads answers in the client's words.
void Worker::note_answer(Connection& c, Bytes text) {
  rtsp::Message message;
  if (rtsp::parse_message(text, message).status != rtsp::ParseStatus::kDone) return;
  apply_change(c, rtsp::on_server_message(c.conversation, message));
  if (c.only_passes()) learn_unknown_media(c, message);
}

}  // namespace midstream
