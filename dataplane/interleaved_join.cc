// Media inside, behind a failover or a PLAY at a server that has not played before: the switch takes
// the server's bytes over, frame by frame, until the streams go on end to end; see interleaved.h.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "dataplane/worker.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtsp/interleaved.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kPiece = 1900;      // fits a packet buffer
constexpr Duration kHalfLimit = 3s;  // for the rest of a frame; as long as the cut is searched for

}  // namespace

// At the boundary of two units. Everything that is in flight to the client is the switch's to repeat
// now.
void Worker::begin_joining(Connection& c) {
  if (c.joining) return;
  c.joining = true;
  take_over(c);
}

void Worker::take_over(Connection& c) {
  tcp::Direction& forward = c.splice.to_client;
  forward.custody.originate_held(now_);
  forward.edits.reset(forward.released, forward.custody.end());
  forward.input_base = later(forward.input_base, forward.released);
}

bool Worker::joined(const Connection& c) const {
  const tcp::Direction& forward = c.splice.to_client;
  // Not in the middle of a unit of which we have a part.
  return all_cut(c) && forward.custody.all_sent() && forward.released >= forward.input_base;
}

// Nothing of the old server is incomplete, and every stream knows where it goes on.
bool Worker::all_cut(const Connection& c) const {
  if (interleaved(c)->half_open) return false;
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    for (uint8_t i = 0; i < c.conversation.sessions[s].stream_count; ++i) {
      const uint32_t slot = c.stream_state[s][i];
      if (slot == kNoStream || !c.conversation.sessions[s].streams[i].channels) continue;
      if (streams_[slot].phase == StreamPhase::kCutting && !streams_[slot].ended) return false;
    }
  }
  return true;
}

void Worker::leave_joining(Connection& c) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  c.joining = false;
  forward.edits.reset(forward.released, forward.custody.end());
  il.unit = il.emitted = forward.custody.end();
  il.unit_bytes = 0;
  il.shut = false;
  acknowledge_sender(c, false);  // with the client's window
}

// From start_splice(): what the old server left half sent is completed first.
void Worker::start_joining(Connection& c) {
  Interleaved& il = *interleaved(c);
  c.joining = true;
  if (!keep_text(c)) return abandon(c);
  if (!il.half_open) {
    il.unit = c.splice.to_client.custody.end();
    return;
  }
  il.half_until = now_ + kHalfLimit;
  StreamState* const stream = half_stream(c);
  if (stream != nullptr && stream->phase == StreamPhase::kCutting) return;
  learn_half_report(c);
  const bool counts = pad_half(c, {});
  if (stream != nullptr) stream->skip_number = counts;
}

// What control has read of the server inside the connection, all acknowledged.
void Worker::take_early(Connection& c, rte_mbuf* mbuf, TcpSequence sequence) {
  Interleaved* const il = c.interleaved ? interleaved(c).get() : nullptr;
  while (mbuf != nullptr) {
    rte_mbuf* const next = std::exchange(mbuf->next, nullptr);
    if (il != nullptr)
      il->inbox.add(sequence, mbuf, {rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->data_len});
    sequence += mbuf->data_len;
    mbuf->nb_segs = 1;
    rte_pktmbuf_free_seg(mbuf);
    mbuf = next;
  }
  if (il != nullptr) count_kept(c);
}

// A whole unit of the server, if there is one.
bool Worker::join_unit(Connection& c) {
  Interleaved& il = *interleaved(c);
  tcp::Direction& forward = c.splice.to_client;
  const TcpSequence at = forward.released;
  const auto there = static_cast<uint32_t>(il.inbox.end_from(at) - at);
  if (there == 0) return false;
  if (il.inbox.at(at)[0] != '$') return pass_message(c, there);
  std::array<uint8_t, rtsp::kFrameHeaderBytes> head;
  if (il.inbox.read(at, head) < head.size()) return false;
  const rtsp::FrameHeader header = *rtsp::parse_frame_header(head);
  const uint32_t whole = rtsp::kFrameHeaderBytes + uint32_t{header.length};
  if (there < whole) return false;
  rte_mbuf* const packet = make_linear(header.length);
  if (packet == nullptr) return false;
  const MutableBytes bytes{rte_pktmbuf_mtod(packet, uint8_t*), header.length};
  il.inbox.read(at + head.size(), bytes);
  const auto target = inside(c, header.channel, true);
  if (target && target->flow.role == FlowRole::kRtcpToClient) {
    StreamState& stream = streams_[c.stream_state[target->flow.session][target->flow.stream]];
    const bool bye = rtp::summarize_rtcp(bytes).has_bye && stream.phase != StreamPhase::kCutting;
    if (bye && holds_bye(c, *target, stream)) return rte_pktmbuf_free(packet), false;
  }
  forward.released += whole;
  il.inbox.drop_before(forward.released);
  if (target) {
    take_inside(packet, c, target->flow);
  } else {
    put_inside(c, header.channel, bytes);
    rte_pktmbuf_free(packet);
  }
  if (c.state == ConnectionState::kSpliced) take_over(c);
  return true;
}

// A packet of the server as if it had come by itself.
void Worker::take_inside(rte_mbuf* mbuf, Connection& c, const FlowTarget& target) {
  Frame frame{mbuf, kInsidePort, {}, {rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->data_len}};
  frame.packet.payload_bytes = static_cast<uint16_t>(mbuf->data_len);
  if (target.role == FlowRole::kRtcpToClient) return rtcp_to_client(frame, c, target);
  StreamState& stream = streams_[c.stream_state[target.session][target.stream]];
  if (!continue_stream(c, target, stream, frame)) return;
  const auto& channels = c.conversation.sessions[target.session].streams[target.stream].channels;
  put_inside(c, static_cast<uint8_t>(channels->rtp), frame.bytes);
  rte_pktmbuf_free(mbuf);
}

// A buffer of which `size` bytes are in one run of memory.
rte_mbuf* Worker::make_linear(size_t size) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(options_.pool);
  if (mbuf == nullptr) return drop(mbuf, Drop::kNoMbuf), nullptr;
  if (size > rte_pktmbuf_tailroom(mbuf)) {
    const auto room = static_cast<uint16_t>(
        std::min<size_t>(size + sizeof(rte_mbuf_ext_shared_info) + 16, UINT16_MAX));
    void* const memory = std::malloc(room);
    uint16_t usable = room;
    rte_mbuf_ext_shared_info* const info =
        memory == nullptr ? nullptr
                          : rte_pktmbuf_ext_shinfo_init_helper(
                                memory, &usable, [](void* own, void*) { std::free(own); }, memory);
    if (info == nullptr || usable < size) {
      std::free(memory);
      return drop(mbuf, Drop::kTooLarge), nullptr;
    }
    rte_pktmbuf_attach_extbuf(mbuf, memory, RTE_BAD_IOVA, usable, info);
    mbuf->data_off = 0;
  }
  mbuf->data_len = static_cast<uint16_t>(size);
  mbuf->pkt_len = mbuf->data_len;
  return mbuf;
}

// A frame to the client that the switch has to deliver.
void Worker::put_inside(Connection& c, uint8_t channel, Bytes packet) {
  std::array<uint8_t, rtsp::kFrameHeaderBytes + UINT16_MAX> frame;
  std::ranges::copy(rtsp::print_frame_header({channel, static_cast<uint16_t>(packet.size())}),
                    frame.begin());
  std::copy(packet.begin(), packet.end(), frame.begin() + rtsp::kFrameHeaderBytes);
  const Bytes whole = Bytes(frame).first(rtsp::kFrameHeaderBytes + packet.size());
  Interleaved& il = *interleaved(c);
  if (!il.half_open || !continues_half(c, channel, packet)) return put_in_order(c, whole);
  const auto sent = static_cast<size_t>(c.splice.to_client.custody.end() - il.unit);
  il.half_open = false;
  put_in_order(c, whole.subspan(sent));
  put_behind(c);
}

// To the end of what the client gets; behind what must be completed first.
void Worker::put_in_order(Connection& c, Bytes bytes) {
  Interleaved& il = *interleaved(c);
  tcp::Custody& custody = c.splice.to_client.custody;
  if (bytes.empty()) return;
  if (il.half_open) {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPiece))) {
      const Bytes part = bytes.first(std::min(bytes.size(), kPiece));
      rte_mbuf* const mbuf = make_linear(part.size());
      if (mbuf == nullptr) return abandon(c);
      std::copy(part.begin(), part.end(), rte_pktmbuf_mtod(mbuf, uint8_t*));
      il.behind.push_back(mbuf);
    }
    return;
  }
  if (c.state == ConnectionState::kClosed) return;  // abandoned just now
  if (!keep_copy(il.custody, custody.end(), bytes)) return abandon(c);
  custody.extend(static_cast<uint32_t>(bytes.size()));
  il.unit = custody.end();
  if (c.joining) take_over(c);
}

void Worker::put_behind(Connection& c) {
  std::vector<rte_mbuf*> behind;
  behind.swap(interleaved(c)->behind);
  for (rte_mbuf* mbuf : behind) {
    put_in_order(c, {rte_pktmbuf_mtod(mbuf, uint8_t*), mbuf->data_len});
    rte_pktmbuf_free(mbuf);
  }
}

}  // namespace midstream
