#include "control/network.h"

namespace midstream {
namespace {

constexpr Duration kAskInterval = 1s;
constexpr Duration kAskRetry = 100ms;                                // while unanswered
constexpr Duration kHostSilence = 350ms;                             // three requests unanswered
constexpr uint16_t kFirstLocalPort = 49152, kLastLocalPort = 65535;  // RFC 6335 6: dynamic ports
constexpr size_t kMaxSegment = 1600;

Bytes frame_bytes(const rte_mbuf* frame) {
  return {rte_pktmbuf_mtod(frame, const uint8_t*), frame->pkt_len};
}

}  // namespace

Network::Network(const Config& config, std::vector<ControlPort> ports, Mailboxes& mailbox,
                 rte_mempool* pool, Random& random)
    : config_(config),
      ports_(std::move(ports)),
      mailbox_(mailbox),
      pool_(pool),
      random_(random),
      neighbours_(config.servers.size()) {
  for (const ServerConfig& server : config.servers) {
    device_of_.emplace_back();
    for (const Prefix& device : config.device_addresses) {
      if (device.contains(server.address)) device_of_.back() = device.address;
    }
  }
}

template <typename Build>
bool Network::post(uint16_t port, const Build& build, uint32_t connection) {
  rte_mbuf* frame = rte_pktmbuf_alloc(pool_);
  if (frame == nullptr) return false;
  const size_t size = build({rte_pktmbuf_mtod(frame, uint8_t*), rte_pktmbuf_tailroom(frame)});
  rte_pktmbuf_append(frame, static_cast<uint16_t>(size));
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kTransmit;
  mail.port = port;
  mail.connection = connection;
  mail.frame = frame;
  if (size > 0 && mailbox_.post(mail)) return true;
  rte_pktmbuf_free(frame);
  return false;
}

void Network::poll(Time now) {
  for (size_t i = 0; i < neighbours_.size(); ++i) {
    Neighbour& neighbour = neighbours_[i];
    if (neighbour.known && !neighbour.silent && now - neighbour.asked_since >= kHostSilence) {
      neighbour.silent = true;
      tell_host_state(i);
    }
    if (now >= neighbour.next_request) request(i, now);
  }
}

void Network::request(size_t server, Time now) {
  Neighbour& neighbour = neighbours_[server];
  if (neighbour.asked_since == Time::max()) neighbour.asked_since = now;
  // Quickly while a host that lived does not answer, slowly otherwise.
  neighbour.next_request = now + (neighbour.known && !neighbour.silent ? kAskRetry : kAskInterval);
  for (uint16_t port = 0; port < ports_.size(); ++port) {
    if (ports_[port].side != Side::kServer) continue;
    const auto& vlan = config_.servers[server].vlan;
    const net::LinkHeader link{ports_[port].mac, kBroadcastMac, vlan.has_value(), vlan.value_or(0)};
    const net::NeighbourMessage question{
        true, ports_[port].mac, device_of_[server], {}, config_.servers[server].address};
    post(port, [&](MutableBytes out) { return net::build_neighbour_frame(out, link, question); });
  }
}

void Network::tell_host_state(size_t server) {
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kHostState;
  mail.server = static_cast<uint16_t>(server);
  mail.flag = neighbours_[server].silent;
  mail.mac = neighbours_[server].mac;
  mail.port = neighbours_[server].port;
  mail.tagged = neighbours_[server].tagged;
  mail.vlan_tci = neighbours_[server].vlan_tci;
  mailbox_.send(mail);
}

void Network::on_frame(rte_mbuf* frame, uint16_t port, Time now) {
  const Bytes bytes = frame_bytes(frame);
  const net::Packet packet = net::parse_packet(bytes);
  net::NeighbourMessage neighbour;
  tcp::Segment segment;
  if (net::parse_neighbour(bytes, packet, neighbour)) {
    on_neighbour(neighbour, packet, port);
  } else if (packet.kind == net::PacketKind::kTcp) {
    const size_t end = packet.payload_offset + packet.payload_bytes;
    const SegmentHandler* handler = handler_of(packet);
    if (handler != nullptr &&
        tcp::parse_segment(bytes.subspan(packet.l4_offset, end - packet.l4_offset), segment)) {
      (*handler)(segment, now);
    }
  }
  rte_pktmbuf_free(frame);
}

const Network::SegmentHandler* Network::handler_of(const net::Packet& packet) const {
  const auto as_client = client_handlers_.find({packet.source, packet.destination});
  if (as_client != client_handlers_.end()) return &as_client->second;
  for (const Prefix& device : config_.device_addresses) {
    if (device.address != packet.destination.address) continue;
    const auto own = handlers_.find(packet.destination.port);
    if (own != handlers_.end()) return &own->second;
  }
  return nullptr;
}

void Network::on_neighbour(const net::NeighbourMessage& message, const net::Packet& packet,
                           uint16_t port) {
  if (message.is_request) {
    const net::LinkHeader link{ports_[port].mac, message.sender_mac, packet.vlan_tags > 0,
                               packet.vlan_tci};
    const net::NeighbourMessage answer{false, ports_[port].mac, message.target, message.sender_mac,
                                       message.sender};
    post(port, [&](MutableBytes out) { return net::build_neighbour_frame(out, link, answer); });
  }
  for (size_t i = 0; i < neighbours_.size(); ++i) {
    if (message.sender != config_.servers[i].address || ports_[port].side != Side::kServer) continue;
    Neighbour& neighbour = neighbours_[i];
    const auto before = neighbour.place();
    neighbour.mac = message.sender_mac;
    neighbour.port = port;
    neighbour.tagged = packet.vlan_tags > 0;
    neighbour.vlan_tci = packet.vlan_tci;
    neighbour.known = true;
    neighbour.silent = false;
    if (neighbour.asked_since != Time::max() && !message.is_request) {
      neighbour.next_request = neighbour.asked_since + kAskInterval;
      neighbour.asked_since = Time::max();
    }
    if (neighbour.place() != before) tell_host_state(i);
  }
}

uint16_t Network::listen(SegmentHandler handler) {
  uint16_t port;
  do {
    port = static_cast<uint16_t>(random_.between(kFirstLocalPort, kLastLocalPort));
  } while (handlers_.contains(port));
  handlers_[port] = std::move(handler);
  return port;
}

void Network::listen(const InName& name, SegmentHandler handler) {
  client_handlers_[{{config_.servers[name.server].address, name.server_port}, name.client}] =
      std::move(handler);
  divert(name, true);
}

void Network::stop_listening(const InName& name) {
  client_handlers_.erase({{config_.servers[name.server].address, name.server_port}, name.client});
  divert(name, false);
}

void Network::divert(const InName& name, bool on) {
  ToWorker mail{};
  mail.kind = ToWorker::Kind::kDivert;
  mail.flag = on;
  mail.connection = name.connection;
  mail.endpoint = {config_.servers[name.server].address, name.server_port};
  mail.client = name.client;
  mailbox_.send(mail);
}

bool Network::send(const InName& name, const tcp::Segment& segment) {
  return send(name.server, name.client_mac, name.client.address, name.connection, segment);
}

net::LinkHeader Network::link_to(size_t server, const MacAddress& source) const {
  const Neighbour& neighbour = neighbours_[server];
  return {source, neighbour.mac, neighbour.tagged, neighbour.vlan_tci};
}

bool Network::send_from_device(size_t server, const tcp::Segment& segment) {
  return send(server, ports_[neighbours_[server].port].mac, device_of_[server], 0, segment);
}

bool Network::send_as_client(size_t server, const Connection& connection, const tcp::Segment& segment) {
  return send(server, connection.to_client.destination, connection.client.address, connection.index,
              segment);
}

bool Network::hand_over(const Connection& connection, TcpSequence sequence, Bytes bytes) {
  while (!bytes.empty()) {
    rte_mbuf* const frame = rte_pktmbuf_alloc(pool_);
    if (frame == nullptr) return false;
    const size_t size = std::min<size_t>(bytes.size(), rte_pktmbuf_tailroom(frame));
    std::copy_n(bytes.begin(), size,
                reinterpret_cast<uint8_t*>(rte_pktmbuf_append(frame, static_cast<uint16_t>(size))));
    ToWorker mail{};
    mail.kind = ToWorker::Kind::kInside;
    mail.connection = connection.index;
    mail.frame = frame;
    mail.sequence = sequence;
    mailbox_.send(mail);
    sequence += size;
    bytes = bytes.subspan(size);
  }
  return true;
}

bool Network::send(size_t server, const MacAddress& source_mac, const Address& source,
                   uint32_t connection, const tcp::Segment& segment) {
  if (!neighbours_[server].known) return false;
  uint8_t bytes[kMaxSegment];
  const size_t size = tcp::write_segment(segment, bytes);
  const auto build = [&](MutableBytes out) {
    return net::build_tcp_frame(out, link_to(server, source_mac), source,
                                config_.servers[server].address, Bytes(bytes, size));
  };
  return size > 0 && post(neighbours_[server].port, build, connection);
}

}  // namespace midstream
