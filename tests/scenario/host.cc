#include "tests/scenario/host.h"

#include <fmt/format.h>
#include <rte_ip.h>

#include <array>

namespace midstream::scenario {
namespace {

constexpr size_t kFrameBytes = 2048;
constexpr int kArpRequests = 3;  // Linux's mcast_solicit

}  // namespace

uint16_t ones_complement(Bytes bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : uint32_t{bytes[i]};
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

uint32_t pseudo_header(const net::Packet& p, uint8_t protocol, size_t length) {
  const bool v4 = p.source.address.is_v4();
  const Bytes source = Bytes(p.source.address.octets),
              destination = Bytes(p.destination.address.octets);
  return ones_complement(source.subspan(v4 ? 12 : 0)) +
         uint32_t{ones_complement(destination.subspan(v4 ? 12 : 0))} + uint32_t{protocol} +
         static_cast<uint32_t>(length);
}

void Violations::add(const std::string& host, const std::string& text) {
  all_.push_back(
      fmt::format("{:.6f} {}: {}", to_seconds(timeline_.now().time_since_epoch()), host, text));
  log_.remark(timeline_.now(), host, "VIOLATION: " + text);
}

Host::Host(Parts parts, std::string name, MacAddress mac, Address address)
    : parts_(parts), name_(std::move(name)), mac_(mac), address_(address) {
  cable_ = parts_.segment.attach(name_, true, [this](const Frame& f) { on_frame(f); });
}

bool Host::hears(const net::Packet& p) const {
  if (p.destination_mac != mac_ && !p.destination_mac.is_group()) return false;  // flooded, not ours
  const bool in_my_vlan = vlan_ ? p.vlan_tags == 1 && (p.vlan_tci & 0xfff) == (*vlan_ & 0xfff)
                                : p.vlan_tags == 0 || (p.vlan_tci & 0xfff) == 0;
  return in_my_vlan;
}

bool Host::is_mine(const Address& destination) const {
  return destination == address_ || destination == net::solicited_node(address_) ||
         (!destination.is_v4() && destination.octets[0] == 0xff && destination.octets[15] == 1);
}

void Host::on_frame(const Frame& frame) {
  const net::Packet p = net::parse_packet(frame);
  if (!hears(p)) return;
  if (p.ether_type != net::kEtherTypeArp && !is_mine(p.destination.address)) {
    if (forward_ && p.destination_mac == mac_) forward_(frame, p);
    return;
  }
  parts_.log.frame(timeline().now(), name_, false, frame);
  if (p.source_mac.is_group()) parts_.violations.add(name_, "the frame's source is a group address");
  net::NeighbourMessage neighbour;
  if (net::parse_neighbour(frame, p, neighbour)) return on_neighbour(neighbour, p);
  if (p.kind == net::PacketKind::kArp) return parts_.violations.add(name_, "malformed ARP");
  largest_received_ = std::max(largest_received_, frame.size() - p.l3_offset);
  if (p.kind == net::PacketKind::kFragment) return collect(frame, p);
  take(frame, p);
}

void Host::take(const Frame& frame, const net::Packet& p) {
  if (!checksums_hold(frame, p)) return;
  seen_macs_[p.source.address].insert(p.source_mac);
  seen_tags_.insert(p.vlan_tags > 0 ? p.vlan_tci : uint16_t{0});
  heard_from_.insert(p.source.address);
  if (p.kind == net::PacketKind::kTcp) return on_tcp(frame, p);
  if (p.kind == net::PacketKind::kUdp) return on_udp(frame, p);
  if (p.kind == net::PacketKind::kIcmp) return on_icmp(frame, p);
}

bool Host::checksums_hold(const Frame& frame, const net::Packet& p) {
  const Bytes ip = Bytes(frame).subspan(p.l3_offset);
  const bool v4 = p.source.address.is_v4();
  bool good = !v4 || ones_complement(ip.first(size_t{ip[0] & 0xfu} * 4)) == 0xffff;
  if (p.kind == net::PacketKind::kTcp || p.kind == net::PacketKind::kUdp) {
    const size_t length = size_t{p.payload_offset} - p.l4_offset + p.payload_bytes;
    const Bytes l4 = Bytes(frame).subspan(p.l4_offset, length);
    const bool unchecked = p.kind == net::PacketKind::kUdp && load_be16(&l4[6]) == 0;
    const uint8_t protocol = p.kind == net::PacketKind::kTcp ? 6 : 17;
    if (unchecked && !v4) good = false;  // RFC 8200 8.1
    good = good && (unchecked || ones_complement(l4, pseudo_header(p, protocol, length)) == 0xffff);
  }
  if (!good) parts_.violations.add(name_, "wrong checksum: " + describe(frame));
  return good;
}

// --- ARP and neighbour discovery ---

void Host::on_neighbour(const net::NeighbourMessage& m, const net::Packet& packet) {
  if (m.sender_mac != packet.source_mac)
    parts_.violations.add(name_, "neighbour message of " + to_string(m.sender_mac) + " comes from " +
                                     to_string(packet.source_mac));
  if (!m.sender.is_unspecified() && (m.target == address_ || arp_.contains(m.sender))) {
    arp_[m.sender] = m.sender_mac;
    seen_macs_[m.sender].insert(m.sender_mac);
  }
  if (!m.is_request && m.target == address_) ++advertisements_;
  if (m.is_request && m.target == address_) {
    Frame answer(kFrameBytes);
    net::LinkHeader link = this->link();
    link.destination = m.sender_mac;
    answer.resize(
        net::build_neighbour_frame(answer, link, {false, mac_, address_, m.sender_mac, m.sender}));
    send_frame(answer);
  }
  if (auto waiting = unresolved_.extract(m.sender); waiting && arp_.contains(m.sender))
    for (Frame& f : waiting.mapped().frames) send_to(m.sender, std::move(f));
  else if (waiting)
    unresolved_.insert(std::move(waiting));
}

void Host::solicit(Address target, const MacAddress& destination) {
  Frame request(kFrameBytes);
  net::LinkHeader link = this->link();
  link.destination = destination;
  request.resize(net::build_neighbour_frame(request, link, {true, mac_, address_, {}, target}));
  send_frame(request);
}

void Host::probe(Address neighbour) { solicit(neighbour, arp_.at(neighbour)); }

void Host::ask_for(Address destination) {
  Unresolved& u = unresolved_[destination];
  if (++u.requests > kArpRequests) {
    unresolved_.erase(destination);  // host unreachable
    return;
  }
  solicit(destination, kBroadcastMac);
  timeline().after(1s, [this, destination] {
    if (unresolved_.contains(destination)) ask_for(destination);
  });
}

void Host::send_ip(Address destination, Frame frame) {
  const uint8_t prefix = address_.is_v4() ? 120 : 64;
  const bool off_link = gateway_ && !Prefix{address_, prefix}.contains(destination);
  send_to(off_link ? *gateway_ : destination, std::move(frame));
}

void Host::send_to(Address destination, Frame frame) {
  if (const auto known = arp_.find(destination); known != arp_.end()) {
    std::copy(known->second.octets.begin(), known->second.octets.end(), frame.begin());
    return send_frame(frame);
  }
  Unresolved& u = unresolved_[destination];
  u.frames.push_back(std::move(frame));
  if (u.requests == 0) ask_for(destination);
}

void Host::send_frame(const Frame& frame) { parts_.segment.send(cable_, frame); }

// --- UDP ---

void Host::send_udp(uint16_t source_port, Endpoint destination, Bytes payload) {
  Frame frame(kFrameBytes + payload.size());
  frame.resize(net::build_udp_frame(frame, link(), {address_, source_port}, destination, payload));
  const size_t link_bytes = vlan_ ? 18 : 14;
  if (frame.size() > mtu_ + link_bytes) return send_in_pieces(destination.address, frame);
  send_ip(destination.address, std::move(frame));
}

void Host::on_udp(const Frame& frame, const net::Packet& p) {
  const auto handler = udp_.find(p.destination.port);
  if (handler == udp_.end()) return send_port_unreachable(frame, p);
  handler->second(p.source, Bytes(frame).subspan(p.payload_offset, p.payload_bytes));
}

// --- TCP ---

TcpPeer& Host::make_peer(Flow flow, const TcpOptions& options) {
  TcpPeer::Wiring wiring{
      timeline(), random(),
      [this, to = flow.remote.address](const tcp::Segment& s) { send_segment(to, s); },
      [this, flow](const std::string& text) {
        parts_.violations.add(name_, "tcp " + to_string(flow.remote) + ": " + text);
      }};
  peers_.push_back(std::make_unique<TcpPeer>(std::move(wiring), flow.local_port, flow.remote, options));
  connections_[flow] = peers_.back().get();
  return *peers_.back();
}

TcpPeer& Host::connect(uint16_t local_port, Endpoint remote, const TcpOptions& options) {
  TcpPeer& peer = make_peer({local_port, remote}, options);
  peer.open();
  return peer;
}

void Host::listen(uint16_t port, const TcpOptions& options, Accept accept) {
  listeners_[port] = {options, std::move(accept)};
}

void Host::send_segment(Address destination, const tcp::Segment& segment) {
  std::array<uint8_t, kFrameBytes> bytes;
  const size_t size = tcp::write_segment(segment, bytes);
  Frame frame(kFrameBytes);
  frame.resize(net::build_tcp_frame(frame, link(), address_, destination, Bytes(bytes).first(size)));
  send_ip(destination, std::move(frame));
}

void Host::on_tcp(const Frame& frame, const net::Packet& p) {
  const size_t header_bytes = size_t{p.payload_offset} - p.l4_offset;
  tcp::Segment s;
  if (!tcp::parse_segment(Bytes(frame).subspan(p.l4_offset, header_bytes + p.payload_bytes), s))
    return parts_.violations.add(name_, "malformed TCP segment");
  const Flow flow{p.destination.port, p.source};
  if (const auto known = connections_.find(flow); known != connections_.end() && !known->second->over())
    return known->second->on_segment(s, header_bytes);
  const auto listener = listeners_.find(flow.local_port);
  if (listener == listeners_.end() || !s.flags.syn || s.flags.ack) return refuse(s, p.source.address);
  TcpPeer& peer = make_peer(flow, listener->second.options);
  listener->second.accept(peer);
  peer.accept(s);
}

// RFC 9293 3.10.7.1.
void Host::refuse(const tcp::Segment& s, Address destination) {
  if (s.flags.rst) return;
  tcp::Segment reset;
  reset.source_port = s.destination_port;
  reset.destination_port = s.source_port;
  reset.flags.rst = true;
  if (s.flags.ack) {
    reset.sequence = s.acknowledgement;
  } else {
    reset.flags.ack = true;
    reset.acknowledgement = s.end();
  }
  send_segment(destination, reset);
}

void Host::cut_off() {
  parts_.log.remark(timeline().now(), name_, "--- cut off ---");
  upstream().up = downstream().up = false;
}

void Host::reconnect() {
  parts_.log.remark(timeline().now(), name_, "--- connected again ---");
  upstream().up = downstream().up = true;
}

void Host::die(Death how) {
  parts_.log.remark(timeline().now(), name_, "--- the process dies ---");
  listeners_.clear();
  udp_.clear();
  for (const auto& [flow, peer] : connections_) {
    if (how == Death::kFin) peer->abandon();
    if (how == Death::kReset) peer->abort();
  }
}

}  // namespace midstream::scenario
