// The cut of streams with a normal play time (lib/rtp/cut.h): the search, and what waits for its
// result.

#include <algorithm>
#include <utility>

#include "dataplane/cut_start.h"
#include "dataplane/worker.h"

namespace midstream {
namespace {

// Two seconds of a fast stream, and more than the longest burst of [K, X): then no cut is to be found.
constexpr uint32_t kMaxSearched = 2000;
constexpr Duration kMaxSearch = 3s;
constexpr Duration kHold = 300ms;   // for content to overrule timestamps: some frames
constexpr Duration kLongHold = 3s;  // the same if B's position is in doubt: a key frame's distance
constexpr size_t kMaxHeld = 1024;   // packets of one stream in that time

bool searched_enough(const StreamState& stream, Time now) {
  return stream.finder.dropped_packets() > kMaxSearched || now - stream.cutting_since > kMaxSearch;
}

}  // namespace

// True once the cut stands; then what was held goes first. The frame is dropped or held otherwise.
bool Worker::find_cut(Connection& c, const FlowTarget& target, StreamState& stream, Frame& frame,
                      const rtp::Header& header) {
  c.last_server_sign = now_;
  stream.interval.on_packet(now_);
  if (stream.live) return find_live_cut(c, target, stream, frame, header);
  const Bytes packet =
      Bytes(frame.bytes).subspan(frame.packet.payload_offset, frame.packet.payload_bytes);
  const bool was_holding = stream.finder.holding();
  const bool found =
      stream.finder.is_first_new(header, packet.subspan(header.payload_offset, header.payload_bytes)) ||
      (searched_enough(stream, now_) &&
       (stream.finder.accept() ||
        stream.finder.give_up(header, offset_of_session(c, target, stream, header))));
  if (!found && !stream.finder.holding()) return drop(frame.mbuf, Drop::kAlreadyDelivered), false;
  if (!found) {
    if (!was_holding)
      stream.hold_until = now_ + (stream.finder.proposal_in_doubt() ? kLongHold : kHold);
    arm(c, stream.hold_until);
    return hold(frame, c, target), false;
  }
  fix_cut(c, target, stream);
  return true;
}

// No content came to overrule the timestamps.
void Worker::settle_overdue_cuts(Connection& c) {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    for (uint8_t i = 0; i < rtsp::kMaxStreams; ++i) {
      const uint32_t slot = c.stream_state[s][i];
      if (slot == kNoStream || streams_[slot].phase != StreamPhase::kCutting) continue;
      if (!streams_[slot].finder.holding() || now_ < streams_[slot].hold_until) continue;
      streams_[slot].finder.accept();
      fix_cut(c, {FlowRole::kRtpToClient, s, i, c.index}, streams_[slot]);
    }
  }
}

void Worker::fix_cut(Connection& c, const FlowTarget& target, StreamState& stream) {
  const rtp::Cut& cut = stream.finder.result();
  stream.continuity.switch_server(cut, std::nullopt, std::nullopt);
  stream.phase = StreamPhase::kContinued;
  stream.first_after_cut = stream.finder.first_sequence();
  stream.packets_since_cut = 0;
  stream.resumed = !std::exchange(stream.reports_cut, false);
  rtsp::StreamWords& words = c.words.sessions[target.session].streams[target.stream];
  words.sequence_offset = cut.sequence_offset;
  words.timestamp_offset = cut.timestamp_offset;
  rtp::LiveShift& shift = c.clocks[target.session].live;
  if (!shift.known && stream.play_timestamp && stream.position.anchored())
    shift = {true, stream.position.at(*stream.play_timestamp + cut.timestamp_offset).ns};
  release_held(c, target);
  settle_doubts(c, target.session);
}

// A server that echoes a place may have begun at the key frame before it. Where a stream's packets
// are other than the last server's, another one's content and the reports tell its place.
void Worker::settle_doubts(Connection& c, uint8_t session) {
  const auto settled = std::ranges::find_if(c.stream_state[session], [&](uint32_t slot) {
    return slot != kNoStream && streams_[slot].phase == StreamPhase::kContinued &&
           streams_[slot].finder.result().method == rtp::CutMethod::kContent;
  });
  if (settled == c.stream_state[session].end()) return;
  for (uint8_t i = 0; i < rtsp::kMaxStreams; ++i) {
    const uint32_t slot = c.stream_state[session][i];
    if (slot == kNoStream || streams_[slot].phase != StreamPhase::kCutting) continue;
    if (streams_[slot].finder.proposal_in_doubt() && follow_content(streams_[*settled], streams_[slot]))
      release_held(c, {FlowRole::kRtpToClient, session, i, c.index});
  }
}

void Worker::hold(Frame& frame, const Connection& c, const FlowTarget& target) {
  auto& queue = held(c.stream_state[target.session][target.stream]);
  if (queue.size() >= kMaxHeld || kept_ >= options_.max_kept) return drop(frame.mbuf, Drop::kParkFull);
  queue.push_back({frame.mbuf, frame.port});
  ++kept_;
}

void Worker::drop_held(uint32_t slot) {
  if (slot == kNoStream) return;
  kept_ -= held(slot).size();
  for (const Parked& parked : held(slot)) drop(parked.frame, Drop::kFenced);
  held(slot).clear();
}

void Worker::release_held(Connection& c, const FlowTarget& target) {
  std::vector<Parked> queue;
  queue.swap(held(c.stream_state[target.session][target.stream]));
  kept_ -= queue.size();
  for (const Parked& parked : queue) {
    if (parked.port == kInsidePort) {
      take_inside(parked.frame, c, {FlowRole::kRtpToClient, target.session, target.stream, c.index});
    } else {
      handle(parked.frame, parked.port);
    }
  }
}

void Worker::report_resumed(Connection& c, const FlowTarget& target, StreamState& stream,
                            Time last_of_old) {
  if (c.lag_counted != c.failovers && !stream.live) {
    c.lag_counted = c.failovers;
    c.lag += now_ - last_of_old;
  }
  ToControl mail{};
  mail.kind = ToControl::Kind::kResumed;
  mail.connection = c.index;
  mail.at = now_;
  mail.resumed = {target.session,
                  target.stream,
                  stream.finder.result().method,
                  stream.finder.dropped_packets(),
                  last_of_old,
                  c.lag,
                  std::exchange(stream.padded, false)};
  if (!mailbox_.post(mail)) ++stats_.drops[static_cast<size_t>(Drop::kMailboxFull)];
}

}  // namespace midstream
