// Line 5: what of the movie has come.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/scenario/contract.h"

namespace midstream::scenario {
namespace {

// A packet that some server makes of the movie.
struct Place {
  size_t unit;
  size_t begin, end;  // bytes of the unit
  size_t number;      // of the packet, among all that this server makes
  bool marker;
};

constexpr size_t kInsertedSets = 2;  // parameter sets at the beginning of a server's media

std::string key_of(const Payload& payload) { return {payload.begin(), payload.end()}; }

// Where payloads belong: several places if some are equal (silence), in order.
using Places = std::unordered_map<std::string, std::vector<Place>>;

// As every server cuts it. Units are counted from the first that is expected.
Places make_places(World& world, const Track& track, const std::vector<PlannedPacket>& units,
                   size_t& ways_to_cut) {
  Places places;
  for (size_t i = 0; i < world.server_count(); ++i) {
    const size_t most = world.server(i).personality().packet_bytes;
    bool known = false;
    for (size_t earlier = 0; earlier < i; ++earlier)
      known |= world.server(earlier).personality().packet_bytes == most;
    if (known) continue;
    ++ways_to_cut;
    size_t number = 0;
    for (size_t u = 0; u < units.size(); ++u) {
      for (const Packet& p : packetize(track, *units[u].unit, most)) {
        const bool last = p.end == units[u].packet.end;
        std::vector<Place>& all = places[key_of(p.payload)];
        const Place place{u, p.begin, p.end, number++, units[u].marker && last};
        const auto same = [&](const Place& o) { return o.unit == u && o.begin == p.begin; };
        if (std::ranges::none_of(all, same)) all.push_back(place);
      }
    }
  }
  return places;
}

// Which bytes of which unit have come.
class Coverage {
 public:
  explicit Coverage(const std::vector<PlannedPacket>& units) {
    for (const PlannedPacket& u : units) bytes_.emplace_back(u.packet.end);
  }
  bool any(const Place& p) const { return std::find(from(p), to(p), true) != to(p); }
  void add(const Place& p) {
    auto& unit = bytes_[p.unit];
    std::fill(unit.begin() + offset(p.begin), unit.begin() + offset(p.end), true);
  }
  bool complete(size_t unit) const {
    return std::find(bytes_[unit].begin(), bytes_[unit].end(), false) == bytes_[unit].end();
  }

 private:
  using Bits = std::vector<bool>;
  static std::ptrdiff_t offset(size_t n) { return static_cast<std::ptrdiff_t>(n); }
  Bits::const_iterator from(const Place& p) const { return bytes_[p.unit].begin() + offset(p.begin); }
  Bits::const_iterator to(const Place& p) const { return bytes_[p.unit].begin() + offset(p.end); }

  std::vector<Bits> bytes_;
};

class TrackCheck {
 public:
  // `padded`: frames that may be anything, of all tracks together.
  TrackCheck(World& world, const Expectation& expected, size_t index, const Terms& terms,
             uint32_t& padded)
      : world_(world),
        e_(expected),
        received_(world.client().tracks()[index]),
        terms_(terms),
        padded_(padded) {
    RtspServer& first = world.first_server();
    for (const RtspServer::Session& s : first.sessions())
      if (s.id == world.client().session_id()) a_ = &s.sender->tracks()[index];
    prefix_ = fmt::format("track {}: ", index);
    units_ = plan(first.movie(), *a_->track, e_.position, {});
    places_ = make_places(world, *a_->track, units_, ways_to_cut_);
  }

  Findings run() {
    Coverage coverage(units_);
    std::optional<Place> last;
    std::optional<uint16_t> newest_set;  // links duplicate
    for (const ReceivedRtp* r : in_order()) {
      if (found_.size() > 10) return found_;
      if (is_parameter_set(r->packet.payload)) {
        inserted_ += std::exchange(newest_set, r->packet.sequence) != r->packet.sequence;
        continue;
      }
      const std::string where = fmt::format("{}seq {} ", prefix_, r->packet.sequence);
      const Place* place = find(r->packet, coverage);
      if (place == nullptr) {
        if (padded_ > 0 && received_.channels)
          --padded_;
        else
          found_.push_back(where + "is not of the movie");
        continue;
      }
      if (coverage.any(*place) && (!e_.media_may_come_twice || received_.channels))
        found_.push_back(where + fmt::format("brings unit {} a second time", place->unit));
      if (last && std::pair(place->unit, place->begin) < std::pair(last->unit, last->begin))
        found_.push_back(where + fmt::format("brings unit {} after {}", place->unit, last->unit));
      check_header(where, r->packet, *place);
      if (ways_to_cut_ == 1) check_sequence(where, r->packet, *place);
      coverage.add(*place);
      last = *place;
    }
    if (e_.played_to_the_end && !may_be_lost(e_, received_)) check_complete(coverage);
    return found_;
  }

 private:
  // As the client's player sorts them.
  std::vector<const ReceivedRtp*> in_order() const {
    std::vector<std::pair<int64_t, const ReceivedRtp*>> all;
    int64_t extended = terms_.first_sequence;
    for (const ReceivedRtp& r : received_.rtp) {
      const auto step = static_cast<int16_t>(r.packet.sequence - static_cast<uint16_t>(extended));
      all.emplace_back(extended + step, &r);
      extended = std::max(extended, extended + step);
    }
    std::ranges::stable_sort(all, {}, &std::pair<int64_t, const ReceivedRtp*>::first);
    std::vector<const ReceivedRtp*> sorted;
    for (const auto& [sequence, packet] : all) sorted.push_back(packet);
    return sorted;
  }

  // Of several equal ones the one that its timestamp names, else the first that has not come.
  const Place* find(const RtpPacket& packet, const Coverage& coverage) const {
    const auto at = places_.find(key_of(packet.payload));
    if (at == places_.end()) return nullptr;
    const auto named = std::ranges::find_if(
        at->second, [&](const Place& p) { return off(packet, p) <= e_.timestamp_tolerance; });
    if (named != at->second.end()) return &*named;
    const auto fresh =
        std::ranges::find_if(at->second, [&](const Place& p) { return !coverage.any(p); });
    return fresh == at->second.end() ? &at->second.back() : &*fresh;
  }

  uint32_t timestamp_of(const Place& place) const {
    return terms_.base_timestamp + a_->track->ticks(units_[place.unit].pts);
  }
  uint32_t off(const RtpPacket& packet, const Place& place) const {
    return std::min(packet.timestamp - timestamp_of(place), timestamp_of(place) - packet.timestamp);
  }

  void check_header(const std::string& where, const RtpPacket& packet, const Place& place) {
    if (off(packet, place) > e_.timestamp_tolerance)
      found_.push_back(
          where + fmt::format("has timestamp {} instead of {}", packet.timestamp, timestamp_of(place)));
    if (packet.marker != place.marker) found_.push_back(where + "has the wrong marker");
  }

  // Servers that cut alike: sequence numbers count packets, whatever was lost; only what a server
  // inserts may be lost without a trace.
  void check_sequence(const std::string& where, const RtpPacket& packet, const Place& place) {
    const auto count = static_cast<uint16_t>(packet.sequence - terms_.first_sequence);
    const auto beyond = static_cast<uint16_t>(count - place.number - inserted_);
    const size_t lost_sets = may_be_lost(e_, received_) ? kInsertedSets * world_.server_count() : 0;
    if (beyond > lost_sets + e_.padded_frames)
      found_.push_back(where + fmt::format("is packet {} of the movie", place.number));
    else
      inserted_ += beyond;
  }

  void check_complete(const Coverage& coverage) {
    std::vector<size_t> missing;
    std::vector<uint32_t> frames;
    for (size_t u = 0; u < units_.size(); ++u) {
      if (coverage.complete(u)) continue;
      missing.push_back(u);
      const uint32_t frame = units_[u].unit->frame;
      if (frames.empty() || frames.back() != frame) frames.push_back(frame);
    }
    if (frames.size() > std::max(e_.frames_left_half, received_.channels ? e_.padded_frames : 0))
      found_.push_back(fmt::format("{}{} of {} units never came whole, the first is {}", prefix_,
                                   missing.size(), units_.size(), missing.front()));
  }

  World& world_;
  const Expectation& e_;
  const ClientTrack& received_;
  const Terms terms_;
  uint32_t& padded_;
  const SenderTrack* a_ = nullptr;
  std::string prefix_;
  std::vector<PlannedPacket> units_;
  size_t ways_to_cut_ = 0;
  Places places_;
  size_t inserted_ = 0;
  Findings found_;
};

}  // namespace

Findings check_media(World& world, const Expectation& expected) {
  Findings found;
  uint32_t padded = expected.padded_frames;
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const uint32_t padded_before = padded;
    const Findings of_track = least_found(world, i, [&](const Terms& terms) {
      padded = padded_before;
      return TrackCheck(world, expected, i, terms, padded).run();
    });
    found.insert(found.end(), of_track.begin(), of_track.end());
  }
  return found;
}

}  // namespace midstream::scenario
