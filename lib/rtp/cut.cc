#include "lib/rtp/cut.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace midstream::rtp {

void CutFinder::reset(const LastPackets& last, const CutContext& context) {
  *this = CutFinder{};
  last_ = last;
  context_ = context;
  unique_ = find_unique();
}

bool CutFinder::is_first_new(const Header& header, Bytes payload) {
  if (cut_.method != CutMethod::kNone) return true;
  if (!seen_.any) doubt_anchor(header);
  if (last_.size() == 0) return cut_without_history(header);
  watch_clamping(header);
  vote(header, payload_hash(payload));
  const bool first_new = decide(header);
  if (!seen_.any || header.sequence_number > seen_.sequence)
    seen_ = {true, header.marker, header.sequence_number, header.timestamp};
  dropped_ += !first_new && !holding();
  return first_new;
}

// Votes do not go by timestamps: they stand.
void CutFinder::correct_anchors(RtpTimestamp client, RtpTimestamp server) {
  const auto apart = static_cast<int32_t>(client.value() - server.value() - position_offset());
  const bool confirmed = context_.has_position && is_rounding(apart);
  if (clamped_) context_.server_anchor = clamped_timestamp_;
  context_.position_echoed = anchor_doubted_ = false;
  context_.anchors_proven = true;
  if (confirmed) {
    accept();
    return;
  }
  context_.client_anchor = client;
  context_.server_anchor = server;
  context_.has_position = context_.server_anchor_known = true;
  if (std::exchange(proposed_, false)) seen_ = {};
  proposal_ = {};
  overlap_seen_ |= std::exchange(newest_unit_seen_, false);  // it lay even further back
}

bool CutFinder::accept() {
  if (!holding()) return false;
  cut_ = proposal_;
  return true;
}

RtpSequence CutFinder::first_sequence() const {
  return last_.size() == 0 ? first_offered_ : last_.newest(0).sequence + 1 - cut_.sequence_offset;
}

// B starts at about the place that its anchor names. After a seek on a fresh session gst may state the
// timestamp of NPT 0 instead, off by the whole position: then its first packet's is the better word.
void CutFinder::doubt_anchor(const Header& header) {
  if (context_.anchors_proven) return;
  const auto tolerance = static_cast<int64_t>(kAnchorToleranceSeconds) * context_.clock_rate;
  const int64_t apart = header.timestamp - context_.server_anchor;
  const int64_t beginning = context_.ticks_since_beginning - context_.clock_rate / kAnchorRounding;
  const bool of_the_beginning = beginning > 0 && apart >= beginning;
  anchor_doubted_ = !context_.server_anchor_known || std::abs(apart) > tolerance || of_the_beginning;
  if (anchor_doubted_) context_.server_anchor = header.timestamp;
}

bool CutFinder::give_up(const Header& header, std::optional<uint32_t> timestamp_offset) {
  if (cut_.method != CutMethod::kNone) return false;
  if (last_.size() == 0) return cut_without_history(header);
  cut_ = next_packet_cut(CutMethod::kKeyframe, header,
                         timestamp_offset.value_or(next_frame_offset(header)));
  return true;
}

void CutFinder::cut_live(const Header& header, std::optional<uint32_t> timestamp_offset) {
  if (last_.size() > 0) {
    const uint32_t offset = timestamp_offset.value_or(next_frame_offset(header));
    cut_ = next_packet_cut(CutMethod::kLive, header, offset);
    return;
  }
  cut_without_history(header);
  if (!timestamp_offset) return;
  cut_.method = CutMethod::kLive;
  cut_.timestamp_offset = *timestamp_offset;
}

bool CutFinder::decide(const Header& header) {
  const Candidate* candidate = best(header.sequence_number);
  if (candidate == nullptr) return decide_by_timestamp(header);
  note_unit(header);
  if (header.sequence_number + candidate->offset <= last_.newest(0).sequence) return false;
  if (is_trusted(*candidate, header)) return cut_by_content(*candidate, header);
  return decide_behind_prefix(*candidate, header);
}

// All that A has sent of its newest picture are parameter sets, and so is all that B has of it up to
// here, alike as they may be everywhere: if it is the same picture, it begins now.
bool CutFinder::decide_behind_prefix(const Candidate& candidate, const Header& header) {
  const bool next = header.sequence_number + candidate.offset == last_.newest(0).sequence + 1;
  if (holding() || !next || !last_.newest(0).prefix || !context_.has_position) return false;
  if (is_clamped(header.timestamp) || !is_newest_unit(header)) return false;
  propose(header);
  return context_.anchors_proven && accept();
}

// Other packetisation: B's access unit that lies where A's last one lies is the last to be dropped.
// With B-frames the next one may have a lower timestamp and is new all the same. If that unit was
// lost, the first one that lies behind all of A's is new; but A's own may have been lost, and that
// unit be a B-frame that comes behind it.
bool CutFinder::decide_by_timestamp(const Header& header) {
  if (!tells_place(header)) return false;
  // What A has sent of it may be no more than parameter sets.
  const bool prefix = last_.newest(0).prefix, of_prefix = prefix && is_newest_unit(header);
  if (holding() && !newest_unit_seen_ && !prefix && is_newest_unit(header)) proposal_ = {};
  if (holding()) return false;
  if (!newest_unit_seen_ && !of_prefix && !is_past_newest(header)) return note_unit(header), false;
  propose(header);
  return context_.anchors_proven && newest_unit_seen_ && accept();
}

void CutFinder::propose(const Header& header) {
  proposal_ = next_packet_cut(CutMethod::kTimestamp, header, position_offset());
  proposed_ = true;
}

// Also while content seems to match: the first packet of a unit may be the same although the others
// are cut in other places.
void CutFinder::note_unit(const Header& header) {
  if (!tells_place(header)) return;
  const bool newest_unit = is_newest_unit(header);
  const int32_t ahead = ahead_of_newest(header);
  if (newest_unit && context_.anchors_proven && is_rounding(ahead)) context_.client_anchor -= ahead;
  newest_unit_seen_ |= newest_unit;
  overlap_seen_ |= !is_past_newest(header);
}

bool CutFinder::tells_place(const Header& header) const {
  return context_.has_position && !is_clamped(header.timestamp) && begins_unit(header);
}

int32_t CutFinder::ahead_of_newest(const Header& header) const {
  return header.timestamp + position_offset() - last_.newest(0).timestamp;
}

bool CutFinder::is_newest_unit(const Header& header) const {
  return std::abs(int64_t{ahead_of_newest(header)}) <= frame_ticks() / 2;
}

// Reports and positions are whole ticks of either stream's clock: what they tell of another's is off by
// some.
bool CutFinder::is_rounding(int32_t ticks) const {
  return std::abs(ticks) <= static_cast<int32_t>(context_.clock_rate / kReportRounding);
}

bool CutFinder::begins_unit(const Header& header) const {
  if (!seen_.any) return true;
  // Late, or once more: what it begins has been seen.
  if (header.sequence_number <= seen_.sequence) return false;
  return seen_.marker || seen_.timestamp != header.timestamp;
}

bool CutFinder::is_past_newest(const Header& header) const {
  const int32_t ahead = header.timestamp + position_offset() - highest_timestamp();
  return !is_clamped(header.timestamp) && ahead > static_cast<int32_t>(frame_ticks() / 2);
}

// Two access units in a row with one timestamp: that is no timestamp of theirs.
void CutFinder::watch_clamping(const Header& header) {
  if (!seen_.any || !seen_.marker || seen_.timestamp != header.timestamp) return;
  if (header.sequence_number - seen_.sequence != 1) return;
  if (proposal_.method != CutMethod::kNone && !clamped_) proposal_ = Cut{};  // was made by none
  clamped_ = true;
  clamped_timestamp_ = header.timestamp;
}

uint32_t CutFinder::frame_ticks() const {
  if (context_.frame_ticks != 0) return context_.frame_ticks;
  return context_.clock_rate / 25;  // 40 ms: video at 25 frames a second, two usual audio packets
}

RtpTimestamp CutFinder::highest_timestamp() const {
  RtpTimestamp highest = last_.newest(0).timestamp;
  for (size_t i = 1; i < last_.size(); ++i) highest = later(highest, last_.newest(i).timestamp);
  return later(highest, context_.highest_timestamp.value_or(highest));
}

uint32_t CutFinder::next_frame_offset(const Header& header) const {
  return (highest_timestamp() + frame_ticks()).value() - header.timestamp.value();
}

bool CutFinder::cut_by_content(const Candidate& candidate, const Header& header) {
  const auto matched_pair = timestamp_offset(candidate);
  const bool continues_newest_unit =
      !last_.newest(0).marker && seen_.any && !seen_.marker && seen_.timestamp == header.timestamp;
  cut_.method = CutMethod::kContent;
  cut_.sequence_offset = candidate.offset;
  if (matched_pair) {
    cut_.timestamp_offset = *matched_pair;
  } else if (context_.has_position) {
    cut_.timestamp_offset = position_offset();
  } else if (continues_newest_unit) {
    cut_.timestamp_offset = last_.newest(0).timestamp.value() - header.timestamp.value();
  } else {
    cut_.timestamp_offset = next_frame_offset(header);
  }
  return true;
}

Cut CutFinder::next_packet_cut(CutMethod method, const Header& header,
                               uint32_t timestamp_offset) const {
  const RtpSequence next = last_.newest(0).sequence + 1;
  return {method, static_cast<uint16_t>(next - header.sequence_number), timestamp_offset};
}

// The client has got nothing: everything is new to it.
bool CutFinder::cut_without_history(const Header& header) {
  cut_.method = context_.has_position ? CutMethod::kTimestamp : CutMethod::kKeyframe;
  first_offered_ = first_of_server(header);
  if (context_.first_sequence) {
    cut_.sequence_offset = static_cast<uint16_t>(*context_.first_sequence - first_offered_);
  }
  if (context_.has_position) cut_.timestamp_offset = position_offset();
  return true;
}

// The number that the first packet has by RTP-Info, if that is why this one is further: what lies
// between was lost. A server may name the number before its first packet's, but that has the timestamp
// of the place or an earlier one.
RtpSequence CutFinder::first_of_server(const Header& header) const {
  if (!context_.server_first_sequence || anchor_doubted_) return header.sequence_number;
  const int lost = header.sequence_number - *context_.server_first_sequence;
  if (lost < 0 || lost > kMaxLostAtStart) return header.sequence_number;
  const bool behind_place = context_.has_position && header.timestamp > context_.server_anchor;
  return lost > 1 || behind_place ? *context_.server_first_sequence : header.sequence_number;
}

}  // namespace midstream::rtp
