#include "tests/scenario/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

namespace midstream::scenario {
namespace {

// What server a gave its first session: the terms that the client knows for good.
const SenderTrack& original(World& world, size_t track) {
  return world.a().sessions().front().sender->tracks()[track];
}

std::string name(size_t track) { return fmt::format("track {}: ", track); }

uint32_t distance(uint32_t a, uint32_t b) { return std::min(a - b, b - a); }

}  // namespace

Findings check_connection(World& world, const Expectation& e) {
  Findings found = world.violations.all();
  const std::vector<TcpEvent>& events = world.client().connection_events();
  if (!e.connection_lives) return found;
  if (events != std::vector<TcpEvent>{TcpEvent::kConnected})
    found.push_back(fmt::format("the client's connection had {} events instead of one, being connected",
                                events.size()));
  return found;
}

Findings check_responses(World& world, const Expectation& e) {
  Findings found = world.client().oddities();
  std::set<std::string> sessions;
  for (const auto& [cseq, exchange] : world.client().exchanges()) {
    if (exchange.answers.size() > 1 || (exchange.answers.empty() && e.all_requests_answered))
      found.push_back(
          fmt::format("{} (CSeq {}) has {} answers", exchange.method, cseq, exchange.answers.size()));
    for (const RtspMessage& m : exchange.answers) {
      const std::string session = m.header("Session");
      if (!session.empty()) sessions.insert(session.substr(0, session.find(';')));
    }
  }
  if (sessions.size() > 1) found.push_back("more than one Session id");
  return found;
}

Findings check_rtp(World& world, const Expectation& e) {
  Findings found;
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    const SenderTrack& a = original(world, i);
    uint16_t next = a.first_sequence;
    for (const ReceivedRtp& r : t.rtp) {
      if (r.source != Endpoint{world.a().host().address(), a.server_rtp})
        found.push_back(name(i) + "from " + to_string(r.source));
      if (r.packet.ssrc != a.ssrc) found.push_back(name(i) + fmt::format("SSRC {:08x}", r.packet.ssrc));
      if (r.packet.payload_type != a.track->payload_type)
        found.push_back(name(i) + fmt::format("payload type {}", r.packet.payload_type));
      if (r.packet.sequence != next && !e.media_may_be_lost)
        found.push_back(name(i) +
                        fmt::format("sequence number {} instead of {}", r.packet.sequence, next));
      next = static_cast<uint16_t>(r.packet.sequence + 1);
      if (found.size() > 10) return found;
    }
  }
  return found;
}

// Every unit once, in order, on a's clock. With losses: nothing twice, nothing foreign, at its place.
Findings check_media(World& world, const Expectation& e) {
  Findings found;
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const SenderTrack& a = original(world, i);
    const auto planned = plan(world.a().movie(), *a.track, e.position, false, false);
    std::vector<bool> seen(planned.size());
    uint16_t inserted = 0;  // parameter sets that b added
    for (const ReceivedRtp& r : world.client().tracks()[i].rtp) {
      if (is_parameter_set(r.packet.payload)) {
        ++inserted;
        continue;
      }
      // The movies of the tests have less than 65536 packets a track.
      const size_t at = static_cast<uint16_t>(r.packet.sequence - a.first_sequence - inserted);
      const std::string where = name(i) + fmt::format("packet {} (seq {}) ", at, r.packet.sequence);
      if (at >= planned.size() || planned[at].payload != r.packet.payload) {
        const auto real = std::ranges::find(planned, r.packet.payload, &PlannedPacket::payload);
        found.push_back(where + (real == planned.end()
                                     ? "is not of the movie"
                                     : fmt::format("is the movie's {}", real - planned.begin())));
      } else if (seen[at] && !e.media_may_come_twice) {
        found.push_back(where + "came twice");
      } else {
        seen[at] = true;
        const uint32_t timestamp = a.base_timestamp + a.track->ticks(planned[at].pts);
        if (distance(r.packet.timestamp, timestamp) > e.timestamp_tolerance)
          found.push_back(where +
                          fmt::format("has timestamp {} instead of {}", r.packet.timestamp, timestamp));
        if (r.packet.marker != planned[at].marker) found.push_back(where + "has the wrong marker");
      }
      if (found.size() > 10) return found;
    }
    const auto missing = std::ranges::count(seen, false);
    if (e.played_to_the_end && missing > 0 && !e.media_may_be_lost)
      found.push_back(name(i) + fmt::format("{} of {} packets never came, the first is {}", missing,
                                            seen.size(),
                                            std::ranges::find(seen, false) - seen.begin()));
  }
  return found;
}

Findings check_reports(World& world, const Expectation& e) {
  Findings found;
  std::optional<double> line;  // NTP seconds of the movie's start, from the first report of any track
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    const SenderTrack& a = original(world, i);
    std::string cname;
    SenderReport last;
    bool bye = false;
    for (const ReceivedRtcp& r : t.rtcp) {
      if (r.source != Endpoint{world.a().host().address(), static_cast<uint16_t>(a.server_rtp + 1)})
        found.push_back(name(i) + "report from " + to_string(r.source));
      if (r.rtcp.ssrc != a.ssrc)
        found.push_back(name(i) + fmt::format("report of {:08x}", r.rtcp.ssrc));
      if (!cname.empty() && r.rtcp.cname != cname)
        found.push_back(name(i) + "another CNAME " + r.rtcp.cname);
      cname = r.rtcp.cname;
      bye = bye || r.rtcp.bye;
      if (!r.rtcp.sender) continue;
      const SenderReport& s = *r.rtcp.sender;
      if (!e.media_may_be_lost && (s.packets < last.packets || s.bytes < last.bytes))
        found.push_back(name(i) + "counts fall");
      if (!e.media_may_be_lost && s.ntp <= last.ntp) found.push_back(name(i) + "NTP falls");
      last = s;
      const auto ticks = static_cast<int32_t>(s.timestamp - a.base_timestamp);
      const double start =
          static_cast<double>(s.ntp) / 4294967296.0 - static_cast<double>(ticks) / a.track->clock_rate;
      if (!line) line = start;
      if (const double off = (start - *line) * 1e3; std::abs(off) > e.report_tolerance_ms)
        found.push_back(name(i) + fmt::format("report at {:.6f} is {:.3f} ms off the line",
                                              to_seconds(r.time.time_since_epoch()), off));
    }
    if (bye != e.played_to_the_end)
      found.push_back(name(i) + (bye ? "BYE before the end" : "no BYE at the end"));
  }
  return found;
}

Findings check_old_server_fenced(World& world, const Expectation&) {
  Findings found;
  for (const auto& [address, macs] : world.client_host().seen_macs())
    if (macs.size() > 1)
      found.push_back(to_string(address) + " was seen from more than one Ethernet address");
  for (const net::QuotedFlow& flow : world.client_host().icmp_errors())
    found.push_back("an ICMP error reached the client, about " + to_string(flow.destination));
  for (size_t i = 1; i < world.server_count(); ++i)
    if (world.client_host().heard_from().contains(world.server(i).host().address()))
      found.push_back("the client saw a packet from " + world.server(i).host().name());
  return found;
}

void check_contract(World& world, const Expectation& expected) {
  CHECK(check_connection(world, expected) == Findings{});
  CHECK(check_responses(world, expected) == Findings{});
  CHECK(check_rtp(world, expected) == Findings{});
  CHECK(check_media(world, expected) == Findings{});
  CHECK(check_reports(world, expected) == Findings{});
  CHECK(check_old_server_fenced(world, expected) == Findings{});
}

}  // namespace midstream::scenario
