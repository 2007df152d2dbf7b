// CutFinder: which offsets B's packets vote for, and what a vote is worth.
#include <algorithm>
#include <bit>
#include <tuple>

#include "lib/rtp/cut.h"

namespace midstream::rtp {
namespace {

// Two equal packets may be parameter sets, which a server repeats at every key frame.
constexpr int kStrongVotes = 3;

uint8_t bit(size_t i) { return static_cast<uint8_t>(1u << i); }

}  // namespace

// Which of the remembered packets are like no other.
uint8_t CutFinder::find_unique() const {
  uint8_t unique = 0;
  for (size_t i = 0; i < last_.size(); ++i) {
    int alike = 0;
    for (size_t j = 0; j < last_.size(); ++j) alike += last_.newest(i).hash == last_.newest(j).hash;
    if (alike == 1) unique |= bit(i);
  }
  return unique;
}

void CutFinder::vote(const Header& header, uint32_t hash) {
  for (uint8_t i = 0; i < candidates_; ++i) compare(candidate_[i], header, hash);
  for (size_t i = 0; i < last_.size(); ++i) {
    if (last_.newest(i).hash != hash) continue;
    const auto offset = static_cast<uint16_t>(last_.newest(i).sequence - header.sequence_number);
    const auto known = [&](const Candidate& c) { return c.offset == offset; };
    if (std::any_of(candidate_.begin(), candidate_.begin() + candidates_, known)) continue;
    compare(add_candidate(offset, header.sequence_number), header, hash);
  }
}

void CutFinder::compare(Candidate& candidate, const Header& header, uint32_t hash) const {
  const RtpSequence here = header.sequence_number + candidate.offset;
  for (size_t i = 0; i < last_.size(); ++i) {
    if (last_.newest(i).sequence != here) continue;
    if (last_.newest(i).hash == hash) {
      candidate.matched |= bit(i);
      candidate.server_timestamp[i] = header.timestamp;
    } else {
      candidate.differed |= bit(i);
    }
  }
}

// When the table is full the least promising makes room.
CutFinder::Candidate& CutFinder::add_candidate(uint16_t offset, RtpSequence at) {
  const auto less_promising = [&](const Candidate& a, const Candidate& b) {
    return std::tuple(!is_broken(a), rank(a, at)) < std::tuple(!is_broken(b), rank(b, at));
  };
  Candidate* place;
  if (candidates_ == kCandidates) {
    place = std::min_element(candidate_.begin(), candidate_.end(), less_promising);
  } else {
    place = &candidate_[candidates_++];
  }
  *place = Candidate{.offset = offset};
  return *place;
}

// The offset that has or can still get the most votes, the first found among equals. But a payload
// that is like no other outweighs any silence, and in silence timestamps outweigh votes: B may have
// started amid it. An offset that was given the lie is out.
const CutFinder::Candidate* CutFinder::best(RtpSequence at) const {
  const Candidate* best = nullptr;
  for (uint8_t i = 0; i < candidates_; ++i) {
    if (is_broken(candidate_[i])) continue;
    if (best == nullptr || rank(candidate_[i], at) > rank(*best, at)) best = &candidate_[i];
  }
  return best;
}

std::tuple<bool, bool, int, uint32_t> CutFinder::rank(const Candidate& candidate,
                                                      RtpSequence at) const {
  const uint32_t misfit = this->misfit(candidate);
  return {(candidate.matched & unique_) != 0, misfit <= frame_ticks() / 2,
          possible_votes(candidate, at), ~misfit};
}

// The votes that it has, and those that packets behind `at` may still give.
int CutFinder::possible_votes(const Candidate& candidate, RtpSequence at) const {
  int votes = std::popcount(candidate.matched);
  for (size_t i = 0; i < last_.size(); ++i) {
    const bool still_to_come = last_.newest(i).sequence > at + candidate.offset;
    if (still_to_come && (candidate.matched & bit(i)) == 0) ++votes;
  }
  return votes;
}

// Bit 0 is the newest: a difference at a lower bit than any match lies behind the last match.
bool CutFinder::is_broken(const Candidate& candidate) const {
  return std::countr_zero(candidate.differed) < std::countr_zero(candidate.matched);
}

// Enough packets agree, and one of them is like no other: that needs no timestamps. Weaker evidence
// must not contradict those that there are: either they agree, or by them too the packet lies behind
// the newest.
bool CutFinder::is_trusted(const Candidate& candidate, const Header& header) const {
  const int enough = std::min(kStrongVotes, static_cast<int>(last_.size()));
  const bool like_no_other = (candidate.matched & unique_) != 0;
  if (like_no_other && std::popcount(candidate.matched) >= enough) return true;
  if (!context_.has_position) return like_no_other || unique_ == 0;
  return misfit(candidate) <= frame_ticks() / 2 || is_past_newest(header);
}

// From the newest matched pair whose timestamps are those of one access unit on both sides.
std::optional<uint32_t> CutFinder::timestamp_offset(const Candidate& candidate) const {
  for (size_t i = 0; i < last_.size(); ++i) {
    if ((candidate.matched & bit(i)) == 0) continue;
    const RtpTimestamp server = candidate.server_timestamp[i], client = last_.newest(i).timestamp;
    bool sound = !is_clamped(server);
    for (size_t j = 0; j < last_.size(); ++j) {
      if ((candidate.matched & bit(j)) == 0) continue;
      const bool one_unit_for_server = candidate.server_timestamp[j] == server;
      sound &= one_unit_for_server == (last_.newest(j).timestamp == client);
    }
    if (sound) return client.value() - server.value();
  }
  return std::nullopt;
}

// How far the candidate's timestamps are from what the two PLAY answers say; 0 if that is unknown.
uint32_t CutFinder::misfit(const Candidate& candidate) const {
  if (!context_.has_position) return 0;
  const auto offset = timestamp_offset(candidate);
  if (!offset) return UINT32_MAX;
  const uint32_t ahead = *offset - position_offset();
  return std::min(ahead, 0 - ahead);
}

}  // namespace midstream::rtp
