// The cut: which of B's packets is the first that the client has not got (design: by content).
//
// LastPackets remembers the newest forwarded packets of a stream, one cache line. CutFinder matches
// B's packets against them. A match of B's m with A's n proposes the offset n - m; offsets gather
// votes, one per remembered packet that agrees. The cut stands when the newest remembered packet
// matched, or when a packet lies beyond it at an offset that has votes (B's own copy of the newest
// was lost). Everything at or below the newest is dropped, everything above is forwarded.
// Example: A's last were 5 to 9. B's 71 and 73 hold what 7 and 9 held (72 was lost): offset -64, two
// votes, so B's 74 is the first new packet and becomes 10.
// Payloads that repeat (silence) vote for several offsets; the offset that can still get more votes
// wins, and among equals the one whose timestamps fit. An offset at which B holds something else
// behind its last vote (a parameter set was inserted there) is out.
// The timestamp offset comes from a matched pair; not from one that B clamped: after an accurate
// seek gst gives all of [K, X) the timestamp of X.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>

#include "lib/base/bytes.h"
#include "lib/base/wrapping.h"
#include "lib/rtp/rtp.h"

namespace midstream::rtp {

uint32_t payload_hash(Bytes payload);  // mixes in the length
// The same of a payload of `size` bytes that lies in several places.
class PayloadHash {
 public:
  explicit PayloadHash(size_t size);
  void add(Bytes part);
  uint32_t result();

 private:
  // Words go to the lanes in turn: a step waits for the one four words before it, not for the last.
  static constexpr size_t kLanes = 4;
  void mix(uint64_t word);
  void mix_round(const uint8_t* words);

  uint64_t size_;
  std::array<uint64_t, kLanes> lane_;
  size_t words_ = 0;
  uint64_t word_ = 0;  // the bytes that do not fill a word yet
  size_t filled_ = 0;
};

inline constexpr size_t kLastPackets = 5;
inline constexpr uint32_t kAnchorToleranceSeconds = 2;  // as lib/npt/position.h's
inline constexpr uint32_t kAnchorRounding = 100;        // of a second: servers state whole milliseconds
inline constexpr int kMaxLostAtStart = 16;  // a burst; a number further ahead is no word to go by
inline constexpr uint32_t kReportRounding = 1000;  // of a second: some ticks of 8 kHz, the slowest

// Written by the worker per forwarded packet; sequence numbers and timestamps as the client saw them.
class alignas(64) LastPackets {
 public:
  // `prefix`: goes before a picture and is none of it (a parameter set).
  void add(RtpSequence sequence, RtpTimestamp timestamp, uint32_t hash, bool marker,
           bool prefix = false);
  void clear() { count_ = 0; }
  size_t size() const { return count_; }

  struct Entry {
    RtpSequence sequence;
    bool marker, prefix;
    RtpTimestamp timestamp;
    uint32_t hash;
  };
  // 0 is the one with the highest sequence number (a late packet does not become the newest).
  Entry newest(size_t index) const;

 private:
  std::array<uint32_t, kLastPackets> hash_;  // all four: highest sequence number first
  std::array<RtpTimestamp, kLastPackets> timestamp_;
  std::array<RtpSequence, kLastPackets> sequence_;
  std::array<bool, kLastPackets> marker_, prefix_;
  uint8_t count_ = 0;
};
static_assert(sizeof(LastPackets) == 64);

enum class CutMethod : uint8_t { kNone, kContent, kTimestamp, kKeyframe, kLive };
const char* to_string(CutMethod method);

struct Cut {
  CutMethod method = CutMethod::kNone;
  uint16_t sequence_offset = 0;   // add to B's
  uint32_t timestamp_offset = 0;  // add to B's
};

// What the finder needs beside the packets. All timestamps of A are as the client saw them.
struct CutContext {
  uint32_t clock_rate = 0;            // 0: unknown, content only
  bool has_position = false;          // the two anchors below are valid
  RtpTimestamp client_anchor;         // on the client's clock, the timestamp of `anchor_position_ns`
  RtpTimestamp server_anchor;         // on B's clock, the timestamp of the same NPT
  bool server_anchor_known = true;    // else B's first packet stands for it
  bool position_echoed = false;       // B may not start where it says (Replay::position_echoed)
  bool anchors_proven = false;        // by the content of another stream: nothing can overrule them
  int64_t ticks_since_beginning = 0;  // of B's place since NPT 0: a liar's RTP-Info is off by as much
  uint32_t frame_ticks = 0;           // usual distance of two access units; 0: unknown
  // Highest that the client got: with B-frames it may be older than all that is remembered.
  std::optional<RtpTimestamp> highest_timestamp;
  // What RTP-Info told the client; counts only if A died before its first packet.
  std::optional<RtpSequence> first_sequence;
  std::optional<RtpSequence> server_first_sequence;  // what B's RTP-Info says: the same packet's there
};

class CutFinder {
 public:
  void reset(const LastPackets& last, const CutContext& context);
  void set_context(const CutContext& context) { context_ = context; }  // once B's anchor is known

  // To be called for B's packets in order of arrival until it says true: the cut stands, and
  // first_sequence() and all behind it are to be forwarded. False: drop the packet as already
  // delivered, or, while holding(), keep it.
  bool is_first_new(const Header& header, Bytes payload);
  // By timestamps the last packet was the first new one. Content may still show that they mislead (a
  // server's RTP-Info off by a frame): the packets from there on are worth keeping for a moment.
  bool holding() const {
    return cut_.method == CutMethod::kNone && proposal_.method != CutMethod::kNone;
  }
  // How far it goes on the client's clock.
  std::optional<RtpTimestamp> held_until() const {
    if (!holding()) return std::nullopt;
    return seen_.timestamp + proposal_.timestamp_offset;
  }
  // B names the place that it was asked for, but its packets do not show an accurate seek: it may have
  // started at the key frame before, and the proposal is then early by up to a key frame's distance.
  // Or nothing of what it sends has been delivered, and its clock is not known for certain.
  bool proposal_in_doubt() const {
    return (context_.position_echoed && !clamped_) || (!overlap_seen_ && anchor_doubted_);
  }
  // Another stream's content has shown where B is: about where it had said, and then its own word is
  // the more exact one, or further back. What was kept while holding is to be offered again.
  void correct_anchors(RtpTimestamp client, RtpTimestamp server);
  // Takes the proposal: no content came. False if there is none.
  bool accept();
  // Ends the search: this packet is the first to forward, at the given offset or else one frame after
  // the newest (kKeyframe). Also how resume = "keyframe" is cut. False if the cut already stands.
  bool give_up(const Header& header, std::optional<uint32_t> timestamp_offset = std::nullopt);

  // Ends the search in a live stream (lib/rtp/live.h): this packet is the first to forward.
  // Without an offset nobody knows its place on the client's clock.
  void cut_live(const Header& header, std::optional<uint32_t> timestamp_offset);
  void pass_over() {  // a packet of a live stream before that
    ++dropped_;
    context_.server_first_sequence.reset();
  }

  const Cut& result() const { return cut_; }
  RtpSequence first_sequence() const;  // B's number of the first packet to forward, once the cut stands
  uint32_t dropped_packets() const { return dropped_; }

 private:
  // An offset that B's packets voted for. Bit i stands for last_.newest(i).
  struct Candidate {
    uint16_t offset = 0;
    uint8_t matched = 0;                                      // B's packet there holds the same
    uint8_t differed = 0;                                     // B's packet there holds something else
    std::array<RtpTimestamp, kLastPackets> server_timestamp;  // of the matched ones
  };
  // Each packet adds at most kLastPackets offsets, and an offset is decided after as many packets.
  static constexpr size_t kCandidates = 16;

  struct Seen {  // B's previous packet
    bool any = false, marker = false;
    RtpSequence sequence;
    RtpTimestamp timestamp;
  };

  uint8_t find_unique() const;
  void vote(const Header& header, uint32_t hash);
  void compare(Candidate& candidate, const Header& header, uint32_t hash) const;
  Candidate& add_candidate(uint16_t offset, RtpSequence at);
  void watch_clamping(const Header& header);

  const Candidate* best(RtpSequence at) const;
  std::tuple<bool, bool, int, uint32_t> rank(const Candidate& candidate, RtpSequence at) const;
  int possible_votes(const Candidate& candidate, RtpSequence at) const;
  bool is_broken(const Candidate& candidate) const;
  bool is_trusted(const Candidate& candidate, const Header& header) const;
  std::optional<uint32_t> timestamp_offset(const Candidate& candidate) const;
  uint32_t misfit(const Candidate& candidate) const;

  void doubt_anchor(const Header& header);
  bool decide(const Header& header);
  bool decide_behind_prefix(const Candidate& candidate, const Header& header);
  bool decide_by_timestamp(const Header& header);
  void propose(const Header& header);
  void note_unit(const Header& header);
  bool tells_place(const Header& header) const;
  int32_t ahead_of_newest(const Header& header) const;
  bool is_newest_unit(const Header& header) const;
  bool is_rounding(int32_t ticks) const;
  bool begins_unit(const Header& header) const;
  bool is_past_newest(const Header& header) const;
  bool is_clamped(RtpTimestamp timestamp) const { return clamped_ && timestamp == clamped_timestamp_; }
  // An accurate seek gives what lies before the place the timestamp of the place, whatever RTP-Info
  // says.
  uint32_t position_offset() const {
    const bool by_clamping = clamped_ && !context_.anchors_proven;
    const RtpTimestamp server = by_clamping ? clamped_timestamp_ : context_.server_anchor;
    return context_.client_anchor.value() - server.value();
  }
  uint32_t frame_ticks() const;
  RtpTimestamp highest_timestamp() const;
  uint32_t next_frame_offset(const Header& header) const;

  bool cut_by_content(const Candidate& candidate, const Header& header);
  Cut next_packet_cut(CutMethod method, const Header& header, uint32_t timestamp_offset) const;
  bool cut_without_history(const Header& header);
  RtpSequence first_of_server(const Header& header) const;

  LastPackets last_;
  CutContext context_;
  Cut cut_, proposal_;
  RtpSequence first_offered_;
  uint32_t dropped_ = 0;
  std::array<Candidate, kCandidates> candidate_;
  uint8_t candidates_ = 0;
  uint8_t unique_ = 0;  // the remembered packets that are like no other, as bits
  Seen seen_;
  bool clamped_ = false;            // B gave one timestamp to several access units,
  RtpTimestamp clamped_timestamp_;  // this one
  // By timestamp, B has sent A's newest access unit, or at least one that does not lie behind it.
  bool newest_unit_seen_ = false, overlap_seen_ = false;
  bool proposed_ = false;        // packets are kept
  bool anchor_doubted_ = false;  // B's first packet stands for what RTP-Info should have said
};
static_assert(std::is_trivially_copyable_v<CutFinder>);

}  // namespace midstream::rtp
