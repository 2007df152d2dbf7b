#include "tests/scenario/host.h"

#include <fmt/format.h>
#include <rte_ip.h>

#include <array>

namespace midstream::scenario {
namespace {

constexpr size_t kFrameBytes = 2048;
constexpr int kArpRequests = 3;  // Linux's mcast_solicit
constexpr uint8_t kEchoRequest = 8, kEchoReply = 0, kUnreachable = 3, kPortUnreachable = 3;

// RFC 1071, written apart from the product's.
uint16_t ones_complement(Bytes bytes, uint32_t sum = 0) {
  for (size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : uint32_t{bytes[i]};
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

uint32_t pseudo_header(Bytes ip, uint8_t protocol, size_t length) {
  return ones_complement(ip.subspan(12, 8)) + uint32_t{protocol} + static_cast<uint32_t>(length);
}

}  // namespace

void Violations::add(const std::string& host, const std::string& text) {
  all_.push_back(
      fmt::format("{:.6f} {}: {}", to_seconds(timeline_.now().time_since_epoch()), host, text));
  log_.remark(timeline_.now(), host, "VIOLATION: " + text);
}

Host::Host(Parts parts, std::string name, MacAddress mac, Address address)
    : parts_(parts), name_(std::move(name)), mac_(mac), address_(address) {
  cable_ = parts_.segment.attach(name_, true, [this](const Frame& f) { on_frame(f); });
}

void Host::on_frame(const Frame& frame) {
  const net::Packet p = net::parse_packet(frame);
  if (p.destination_mac != mac_ && !p.destination_mac.is_group()) return;  // flooded, not ours
  if (p.ether_type != net::kEtherTypeArp && p.destination.address != address_) return;
  parts_.log.frame(timeline().now(), name_, false, frame);
  if (p.source_mac.is_group()) parts_.violations.add(name_, "the frame's source is a group address");
  if (p.kind == net::PacketKind::kArp) return on_arp(frame, p);
  if (!checksums_hold(frame, p)) return;
  seen_macs_[p.source.address].insert(p.source_mac);
  heard_from_.insert(p.source.address);
  if (p.kind == net::PacketKind::kTcp) return on_tcp(frame, p);
  if (p.kind == net::PacketKind::kUdp) return on_udp(frame, p);
  if (p.kind == net::PacketKind::kIcmp) return on_icmp(frame, p);
}

bool Host::checksums_hold(const Frame& frame, const net::Packet& p) {
  const Bytes ip = Bytes(frame).subspan(p.l3_offset);
  bool good = ones_complement(ip.first(size_t{ip[0] & 0xfu} * 4)) == 0xffff;
  if (p.kind == net::PacketKind::kTcp || p.kind == net::PacketKind::kUdp) {
    const size_t length = size_t{p.payload_offset} - p.l4_offset + p.payload_bytes;
    const Bytes l4 = Bytes(frame).subspan(p.l4_offset, length);
    const bool unchecked = p.kind == net::PacketKind::kUdp && load_be16(&l4[6]) == 0;
    good = good && (unchecked || ones_complement(l4, pseudo_header(ip, ip[9], length)) == 0xffff);
  }
  if (!good) parts_.violations.add(name_, "wrong checksum: " + describe(frame));
  return good;
}

// --- ARP ---

void Host::on_arp(const Frame& frame, const net::Packet& packet) {
  net::NeighbourMessage m;
  if (!net::parse_arp(frame, packet, m)) return parts_.violations.add(name_, "malformed ARP");
  if (m.sender_mac != packet.source_mac)
    parts_.violations.add(
        name_, "ARP sender " + to_string(m.sender_mac) + " comes from " + to_string(packet.source_mac));
  if (!m.sender.is_unspecified() && (m.target == address_ || arp_.contains(m.sender))) {
    arp_[m.sender] = m.sender_mac;
    seen_macs_[m.sender].insert(m.sender_mac);
  }
  if (m.is_request && m.target == address_) {
    Frame answer(kFrameBytes);
    const net::LinkHeader link{.source = mac_, .destination = m.sender_mac};
    answer.resize(net::build_arp_frame(answer, link, {false, mac_, address_, m.sender_mac, m.sender}));
    send_frame(answer);
  }
  if (auto waiting = unresolved_.extract(m.sender); waiting && arp_.contains(m.sender))
    for (Frame& f : waiting.mapped().frames) send_ip(m.sender, std::move(f));
  else if (waiting)
    unresolved_.insert(std::move(waiting));
}

void Host::ask_for(Address destination) {
  Unresolved& u = unresolved_[destination];
  if (++u.requests > kArpRequests) {
    unresolved_.erase(destination);  // host unreachable
    return;
  }
  Frame request(kFrameBytes);
  const net::LinkHeader link{.source = mac_, .destination = kBroadcastMac};
  request.resize(net::build_arp_frame(request, link, {true, mac_, address_, {}, destination}));
  send_frame(request);
  timeline().after(1s, [this, destination] {
    if (unresolved_.contains(destination)) ask_for(destination);
  });
}

void Host::send_ip(Address destination, Frame frame) {
  if (const auto known = arp_.find(destination); known != arp_.end()) {
    std::copy(known->second.octets.begin(), known->second.octets.end(), frame.begin());
    return send_frame(frame);
  }
  Unresolved& u = unresolved_[destination];
  u.frames.push_back(std::move(frame));
  if (u.requests == 0) ask_for(destination);
}

void Host::send_frame(const Frame& frame) { parts_.segment.send(cable_, frame); }

// --- UDP and ICMP ---

void Host::send_udp(uint16_t source_port, Endpoint destination, Bytes payload) {
  Frame frame(kFrameBytes);
  frame.resize(net::build_udp_frame(frame, link(), {address_, source_port}, destination, payload));
  send_ip(destination.address, std::move(frame));
}

void Host::on_udp(const Frame& frame, const net::Packet& p) {
  const auto handler = udp_.find(p.destination.port);
  if (handler == udp_.end()) return send_port_unreachable(frame, p);
  handler->second(p.source, Bytes(frame).subspan(p.payload_offset, p.payload_bytes));
}

// Headers of our own: ICMP is nothing that the product builds.
void Host::send_icmp(Address destination, Bytes message) {
  Frame frame(34 + message.size());
  std::copy(mac_.octets.begin(), mac_.octets.end(), frame.begin() + 6);
  ByteWriter w(MutableBytes(frame).subspan(12));
  w.u16(net::kEtherTypeIpv4);
  w.u16(0x4500);
  w.u16(static_cast<uint16_t>(20 + message.size()));
  w.u32(0);
  w.u16(0x4001);  // TTL 64, ICMP
  w.u16(0);
  w.u32(address_.v4_value());
  w.u32(destination.v4_value());
  w.bytes(message);
  store_be16(&frame[24], static_cast<uint16_t>(~ones_complement(Bytes(frame).subspan(14, 20))));
  store_be16(&frame[36], 0);
  store_be16(&frame[36], static_cast<uint16_t>(~ones_complement(Bytes(frame).subspan(34))));
  send_ip(destination, std::move(frame));
}

void Host::send_port_unreachable(const Frame& frame, const net::Packet& p) {
  if (p.destination_mac.is_group()) return;
  const Bytes quoted = Bytes(frame).subspan(p.l3_offset, size_t{p.payload_offset} - p.l3_offset);
  Frame message(8);
  message[0] = kUnreachable;
  message[1] = kPortUnreachable;
  message.insert(message.end(), quoted.begin(), quoted.end());
  send_icmp(p.source.address, message);
}

void Host::ping(Address destination) {
  const Frame request{kEchoRequest, 0, 0, 0, 0, 1, 0, 1, 'p', 'i', 'n', 'g'};
  send_icmp(destination, request);
}

void Host::on_icmp(const Frame& frame, const net::Packet& p) {
  const Bytes ip = Bytes(frame).subspan(p.l3_offset, load_be16(&frame[p.l3_offset + 2u]));
  const Bytes message = ip.subspan(size_t{p.l4_offset} - p.l3_offset);
  if (ones_complement(message) != 0xffff) parts_.violations.add(name_, "wrong ICMP checksum");
  net::QuotedFlow quoted;
  if (net::parse_icmp_error(frame, p, quoted)) icmp_errors_.push_back(quoted);
  if (message[0] == kEchoReply) ++pings_answered_;
  if (message[0] != kEchoRequest) return;
  Frame reply(message.begin(), message.end());
  reply[0] = kEchoReply;
  send_icmp(p.source.address, reply);
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
