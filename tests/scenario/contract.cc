#include "tests/scenario/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "tests/scenario/npt_text.h"

namespace midstream::scenario {
namespace {

// What the first server gave its session: the terms that the client knows for good.
const SenderTrack& original(World& world, size_t track) {
  for (const RtspServer::Session& s : world.first_server().sessions())
    if (s.id == world.client().session_id()) return s.sender->tracks()[track];
  throw std::logic_error("the client has no session");
}

std::string name(size_t track) { return fmt::format("track {}: ", track); }

// The SSRC that a stream must keep: what SETUP announced, else what the client saw first.
uint32_t kept_ssrc(const ClientTrack& t) {
  if (t.announced_ssrc) return *t.announced_ssrc;
  const bool media = !t.rtp.empty() && (t.rtcp.empty() || t.rtp[0].time <= t.rtcp[0].time);
  if (media) return t.rtp[0].packet.ssrc;
  return t.rtcp.empty() ? 0 : t.rtcp[0].rtcp.ssrc;
}

// Of servers, as the client must not see them.
std::vector<std::string> foreign_addresses(World& world) {
  std::vector<std::string> all;
  for (size_t i = 0; i < world.server_count(); ++i)
    if (const Address address = world.server(i).host().address();
        address != world.client().server().address)
      all.push_back(to_string(address));
  return all;
}

// "10.99.0.2" is not in "10.99.0.20".
bool names_address(const std::string& text, const std::string& address) {
  for (size_t at = text.find(address); at != std::string::npos; at = text.find(address, at + 1)) {
    const size_t end = at + address.size();
    if (end == text.size() || std::isxdigit(static_cast<unsigned char>(text[end])) == 0) return true;
  }
  return false;
}

bool names_address(const RtspMessage& m, const std::string& address) {
  return names_address(m.body, address) || std::ranges::any_of(m.headers, [&](const auto& h) {
           return names_address(h.second, address);
         });
}

// FFmpeg compares the url with its SETUP's literally.
std::optional<uint32_t> info_number(const std::string& info, const std::string& url,
                                    const std::string& parameter_name) {
  size_t at = info.find("url=" + url + ";");
  if (at == std::string::npos) return std::nullopt;
  const std::string entry = info.substr(at, info.find(',', at) - at);
  const std::string number = parameter(entry, parameter_name);
  if (number.empty()) return std::nullopt;
  return static_cast<uint32_t>(std::stoul(number));
}

// What rtspsrc drops: packets before the RTP-Info of the answer that let them flow.
void check_rtp_info(World& world, Findings& found) {
  for (const auto& [cseq, exchange] : world.client().exchanges()) {
    if (exchange.method != "PLAY" || exchange.answers.empty()) continue;
    const RtspMessage& answer = exchange.answers.front();
    for (size_t i = 0; i < world.client().tracks().size(); ++i) {
      const ClientTrack& t = world.client().tracks()[i];
      const auto sequence = info_number(answer.header("RTP-Info"), t.control, "seq");
      const auto next =
          std::ranges::find_if(t.rtp, [&](const auto& r) { return r.time > answer.time; });
      if (!sequence || next == t.rtp.end()) continue;
      if (static_cast<int16_t>(next->packet.sequence - static_cast<uint16_t>(*sequence)) < 0)
        found.push_back(fmt::format("{}behind the answer to PLAY (CSeq {}) that names {} comes {}",
                                    name(i), cseq, *sequence, next->packet.sequence));
    }
  }
}

// `missing`: frames that may be anything, of all tracks together.
Findings check_track_rtp(World& world, const Expectation& e, size_t i, const Terms& terms,
                         size_t& missing) {
  Findings found;
  const ClientTrack& t = world.client().tracks()[i];
  uint16_t next = terms.first_sequence;
  for (const ReceivedRtp& r : t.rtp) {
    if (!t.channels && r.source != Endpoint{world.client().server().address, t.server_rtp})
      found.push_back(name(i) + "from " + to_string(r.source));
    if (r.packet.ssrc != kept_ssrc(t))
      found.push_back(name(i) + fmt::format("SSRC {:08x}", r.packet.ssrc));
    if (r.packet.payload_type != original(world, i).track->payload_type)
      found.push_back(name(i) + fmt::format("payload type {}", r.packet.payload_type));
    const bool padded =
        r.packet.sequence == static_cast<uint16_t>(next + 1) && missing < e.padded_frames && t.channels;
    missing += padded;
    if (r.packet.sequence != next && !padded && !may_be_lost(e, t))
      found.push_back(name(i) +
                      fmt::format("sequence number {} instead of {}", r.packet.sequence, next));
    next = static_cast<uint16_t>(r.packet.sequence + 1);
    if (found.size() > 10) return found;
  }
  return found;
}

}  // namespace

bool may_be_lost(const Expectation& e, const ClientTrack& t) {
  return t.channels ? e.server_may_drop : e.media_may_be_lost;
}

std::vector<Terms> possible_terms(World& world, size_t track) {
  const SenderTrack& a = original(world, track);
  std::vector<Terms> all{{a.first_sequence, a.base_timestamp}};
  for (const auto& [cseq, exchange] : world.client().exchanges()) {
    if (exchange.method != "PLAY" || exchange.answers.empty()) continue;
    const RtspMessage& answer = exchange.answers.front();
    const std::string& url = world.client().tracks()[track].control;
    const auto sequence = info_number(answer.header("RTP-Info"), url, "seq");
    const auto timestamp = info_number(answer.header("RTP-Info"), url, "rtptime");
    const std::string range = answer.header("Range");
    const size_t place = range.find("npt=");
    if (!sequence || !timestamp || place == std::string::npos) break;
    const uint32_t base = *timestamp - a.track->ticks(read_seconds(range.substr(place + 4)));
    if (*sequence != a.first_sequence || base != a.base_timestamp)
      all.push_back({static_cast<uint16_t>(*sequence), base});
    break;
  }
  return all;
}

Findings check_connection(World& world, const Expectation& e) {
  Findings found = world.violations.all();
  const std::vector<TcpEvent>& events = world.client().connection_events();
  if (!e.connection_lives) return found;
  if (events != std::vector<TcpEvent>{TcpEvent::kConnected})
    found.push_back(fmt::format("the client's connection had {} events instead of one, being connected",
                                events.size()));
  // From the first byte to the last: what did not parse is an oddity (line 2).
  if (e.played_to_the_end && !world.client().unread().empty())
    found.push_back(fmt::format("the client's stream ends in the middle of something: {} bytes",
                                world.client().unread().size()));
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
      for (const std::string& foreign : foreign_addresses(world))
        if (names_address(m, foreign))
          found.push_back(
              fmt::format("the answer to {} (CSeq {}) names {}", exchange.method, cseq, foreign));
      const std::string session = m.header("Session");
      if (!session.empty()) sessions.insert(session.substr(0, session.find(';')));
    }
  }
  if (sessions.size() > 1) found.push_back("more than one Session id");
  if (!e.media_may_be_lost) check_rtp_info(world, found);
  return found;
}

Findings check_rtp(World& world, const Expectation& e) {
  Findings all;
  size_t missing = 0, malformed = 0;  // of frames that a left half sent
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    malformed += world.client().tracks()[i].malformed;
    const size_t missing_before = missing;
    const Findings found = least_found(world, i, [&](const Terms& terms) {
      missing = missing_before;
      return check_track_rtp(world, e, i, terms, missing);
    });
    all.insert(all.end(), found.begin(), found.end());
  }
  if (malformed > e.padded_frames + e.byes_withheld)
    all.push_back(fmt::format("{} frames are no RTP, no RTCP", malformed));
  return all;
}

Findings check_reports(World& world, const Expectation& e) {
  Findings found;
  // NTP of the movie's start, from the first report of any track. It may wrap, as it will in 2036.
  std::optional<uint64_t> line;
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    const ClientTrack& t = world.client().tracks()[i];
    const SenderTrack& a = original(world, i);
    std::string cname;
    SenderReport last;
    bool bye = false;
    for (const ReceivedRtcp& r : t.rtcp) {
      if (!t.channels && r.source != Endpoint{world.client().server().address, t.server_rtcp})
        found.push_back(name(i) + "report from " + to_string(r.source));
      if (r.rtcp.ssrc != kept_ssrc(t))
        found.push_back(name(i) + fmt::format("report of {:08x}", r.rtcp.ssrc));
      if (!cname.empty() && r.rtcp.cname != cname)
        found.push_back(name(i) + "another CNAME " + r.rtcp.cname);
      cname = r.rtcp.cname;
      bye = bye || r.rtcp.bye;
      if (!r.rtcp.sender) continue;
      const SenderReport& s = *r.rtcp.sender;
      if (!may_be_lost(e, t) && (s.packets < last.packets || s.bytes < last.bytes))
        found.push_back(name(i) + "counts fall");
      if (!may_be_lost(e, t) && last.ntp != 0 && static_cast<int64_t>(s.ntp - last.ntp) <= 0)
        found.push_back(name(i) + "NTP falls");
      last = s;
      const auto ticks = static_cast<int32_t>(s.timestamp - a.base_timestamp);
      const double played = static_cast<double>(ticks) / a.track->clock_rate;
      const uint64_t start = s.ntp - static_cast<uint64_t>(std::llround(played * 4294967296.0));
      if (!line) line = start;
      const double off = static_cast<double>(static_cast<int64_t>(start - *line)) / 4294967.296;
      if (std::abs(off) > e.report_tolerance_ms)
        found.push_back(name(i) + fmt::format("report at {:.6f} is {:.3f} ms off the line",
                                              to_seconds(r.time.time_since_epoch()), off));
    }
    const bool expected = e.played_to_the_end && e.bye_at_the_end;
    if (bye != expected && !(expected && may_be_lost(e, t)) && !e.bye_may_come)
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
  for (size_t i = 0; i < world.server_count(); ++i) {
    const Host& host = world.server(i).host();
    if (host.address() != world.client().server().address &&
        world.client_host().heard_from().contains(host.address()))
      found.push_back("the client saw a packet from " + host.name());
  }
  return found;
}

Findings check_all_but_media(World& world, const Expectation& expected) {
  Findings all;
  for (const auto check :
       {check_connection, check_responses, check_rtp, check_reports, check_old_server_fenced}) {
    const Findings found = check(world, expected);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

Findings check_all(World& world, const Expectation& expected) {
  Findings all = check_all_but_media(world, expected);
  const Findings found = check_media(world, expected);
  all.insert(all.end(), found.begin(), found.end());
  return all;
}

std::vector<Frame> frames(const World& world, Host& host, bool sent, Host& peer) {
  std::vector<Frame> found;
  for (const PacketLog::Entry& e : world.log.entries()) {
    if (e.frame.empty() || e.host != host.name() || e.sent != sent) continue;
    const net::Packet p = net::parse_packet(e.frame);
    if ((sent ? p.destination : p.source).address == peer.address()) found.push_back(e.frame);
  }
  return found;
}

void check_contract_but_media(World& world, const Expectation& expected) {
  CHECK(check_connection(world, expected) == Findings{});
  CHECK(check_responses(world, expected) == Findings{});
  CHECK(check_rtp(world, expected) == Findings{});
  CHECK(check_reports(world, expected) == Findings{});
  CHECK(check_old_server_fenced(world, expected) == Findings{});
}

void check_contract(World& world, const Expectation& expected) {
  check_contract_but_media(world, expected);
  CHECK(check_media(world, expected) == Findings{});
}

}  // namespace midstream::scenario
