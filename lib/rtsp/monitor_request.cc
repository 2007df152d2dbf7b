// Requests, of both sides: what they announce, and that they wait for an answer.
#include <algorithm>
#include <cstring>
#include <span>

#include "lib/rtsp/authentication.h"
#include "lib/rtsp/monitor.h"

namespace midstream::rtsp {
namespace {

void read_range(const Message& request, PendingRequest& out) {
  const Header* header = request.find("Range");
  const auto range = header != nullptr ? parse_npt_range(header->value) : std::nullopt;
  if (!range) return;
  out.from_now = range->from_now;
  out.has_start = range->start.has_value();
  out.start = range->start.value_or(Npt{});
  out.end = range->end;
}

void read_transport(const Message& request, PendingRequest& out) {
  const Header* header = request.find("Transport");
  if (header == nullptr) return;
  const TransportList list = parse_transport(header->value);
  for (const Transport& transport : std::span(list.items).first(list.count)) {
    if (!out.client_port) out.client_port = transport.client_port;
    const bool followed = transport.rtp && !transport.secure && !transport.multicast;
    if (followed && !out.channels) out.channels = transport.interleaved;
  }
}

PendingRequest read_request(Conversation& conversation, const Message& request) {
  PendingRequest out;
  out.method = request.method;
  const auto cseq = parse_cseq(request);
  out.has_cseq = cseq.has_value();
  out.cseq = cseq.value_or(0);
  if (const Session* session = session_of(conversation, kNoSession, request))
    out.session = static_cast<uint8_t>(session - conversation.sessions.data());
  // A SETUP without a Session header opens a new one, however many there are (RFC 2326 10.4).
  if (request.method == Method::kSetup && request.find("Session") == nullptr) out.session = kNoSession;
  if (!out.uri.assign(request.uri)) mark_unprotected(conversation, Unprotected::kMessageTooLarge);
  if (request.method == Method::kPlay) read_range(request, out);
  if (request.method == Method::kSetup) read_transport(request, out);
  if (const Header* header = request.find("Scale"))
    out.scale = parse_scale(header->value).value_or(1.0);
  return out;
}

void remove_pending(Conversation& conversation, size_t index) {
  size_t begin = 0;
  for (size_t i = 0; i < index; ++i) begin += conversation.pending[i].bytes;
  const size_t bytes = conversation.pending[index].bytes;
  uint8_t* text = conversation.pending_bytes.data();
  std::memmove(text + begin, text + begin + bytes, conversation.pending_used - begin - bytes);
  conversation.pending_used = static_cast<uint16_t>(conversation.pending_used - bytes);
  std::copy(conversation.pending.begin() + index + 1,
            conversation.pending.begin() + conversation.pending_count,
            conversation.pending.begin() + index);
  --conversation.pending_count;
}

void append_pending(Conversation& conversation, PendingRequest request, Bytes raw) {
  if (conversation.pending_count == kMaxPending) {
    // What is forgotten could not be asked again: not protected, but still followed.
    mark_unprotected(conversation, Unprotected::kMessageTooLarge);
    remove_pending(conversation, 0);
  }
  if (raw.size() <= kMaxPendingBytes - conversation.pending_used) {
    std::ranges::copy(raw, conversation.pending_bytes.begin() + conversation.pending_used);
    request.bytes = static_cast<uint16_t>(raw.size());
    conversation.pending_used = static_cast<uint16_t>(conversation.pending_used + raw.size());
  }
  conversation.pending[conversation.pending_count++] = request;
}

void read_authorization(Conversation& conversation, const Message& request) {
  const Header* header = request.find("Authorization");
  if (header == nullptr) return;
  const Scheme scheme = scheme_of(header->value);
  if (scheme == Scheme::kDigest && !conversation.has_credentials)
    mark_unprotected(conversation, Unprotected::kDigestWithoutCredentials);
  if (scheme == Scheme::kBasic && !conversation.basic.assign(header->value))
    mark_unprotected(conversation, Unprotected::kMessageTooLarge);
}

}  // namespace

void note_request(Conversation& conversation, const Message& request, Bytes raw) {
  if (const auto said = url_authority(request.uri);
      !said.empty() && !conversation.authority.assign(said))
    conversation.authority.clear();
  const PendingRequest pending = read_request(conversation, request);
  read_authorization(conversation, request);
  if (request.method == Method::kAnnounce || request.method == Method::kRecord)
    mark_unprotected(conversation, Unprotected::kRecord);
  if (request.method == Method::kTeardown && pending.session < kMaxSessions) {
    Session& session = conversation.sessions[pending.session];
    if (!names_single_stream(conversation, session, request.uri)) session.teardown_requested = true;
  }
  append_pending(conversation, pending, raw);
}

const PendingRequest* answered_request(const Conversation& conversation, const Message& answer) {
  if (conversation.pending_count == 0) return nullptr;
  if (const auto cseq = parse_cseq(answer)) {
    for (size_t i = 0; i < conversation.pending_count; ++i) {
      const PendingRequest& request = conversation.pending[i];
      if (request.has_cseq && request.cseq == *cseq) return &request;
    }
  }
  return &conversation.pending[0];  // without a known CSeq: the oldest
}

std::optional<PendingRequest> take_answered(Conversation& conversation, const Message& answer) {
  const PendingRequest* found = answered_request(conversation, answer);
  if (found == nullptr) return std::nullopt;
  const PendingRequest request = *found;
  remove_pending(conversation, static_cast<size_t>(found - conversation.pending.data()));
  return request;
}

void note_server_request(Conversation& conversation, const Message& request) {
  auto& waiting = conversation.server_pending;
  if (conversation.server_pending_count == kMaxPending) {
    std::copy(waiting.begin() + 1, waiting.end(), waiting.begin());
    --conversation.server_pending_count;
  }
  waiting[conversation.server_pending_count++] = parse_cseq(request).value_or(0);
}

void settle_server_request(Conversation& conversation, const Message& answer) {
  if (answer.status < 200 || conversation.server_pending_count == 0) return;
  const auto begin = conversation.server_pending.begin();
  const auto end = begin + conversation.server_pending_count;
  const auto cseq = parse_cseq(answer);
  auto settled = cseq ? std::find(begin, end, *cseq) : begin;
  if (settled == end) settled = begin;  // FFmpeg's 501 has no CSeq, others copy it wrongly
  std::copy(settled + 1, end, settled);
  --conversation.server_pending_count;
}

}  // namespace midstream::rtsp
