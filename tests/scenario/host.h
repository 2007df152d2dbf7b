// A computer on a cable: an Ethernet and an IPv4 or IPv6 address, ARP or neighbour discovery both ways,
// UDP ports, TCP connections, ICMP, and the manners of a kernel whose process has died. It may live in
// a VLAN, and behind a gateway; route_to() makes a router out of two of them.
//
// Every frame it accepts is checked: IP, TCP and UDP checksums, and that one IP address keeps to one
// Ethernet address (a client must never see that its server's place was taken). What is wrong goes to
// Violations, and with that fails the test.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/net/packet.h"
#include "tests/scenario/network.h"
#include "tests/scenario/tcp_peer.h"

namespace midstream::scenario {

// What no peer may do. Collected over the run of a test and asserted empty by the contract.
class Violations {
 public:
  Violations(Timeline& timeline, PacketLog& log) : timeline_(timeline), log_(log) {}

  void add(const std::string& host, const std::string& text);
  const std::vector<std::string>& all() const { return all_; }
  void clear() { all_.clear(); }

 private:
  Timeline& timeline_;
  PacketLog& log_;
  std::vector<std::string> all_;
};

// RFC 1071, written apart from the product's; `sum` is what came before.
uint16_t ones_complement(Bytes bytes, uint32_t sum = 0);
uint32_t pseudo_header(const net::Packet& packet, uint8_t protocol, size_t length);

enum class Death { kFin, kReset };  // how its TCP connections end; reset: with data unread

class Host {
 public:
  using UdpHandler = std::function<void(Endpoint source, Bytes payload)>;
  using Accept = std::function<void(TcpPeer&)>;

  struct Parts {
    Timeline& timeline;
    PacketLog& log;
    Violations& violations;
    Random& random;
    Segment& segment;
  };

  Host(Parts parts, std::string name, MacAddress mac, Address address);

  void bind_udp(uint16_t port, UdpHandler handler) { udp_[port] = std::move(handler); }
  void unbind_udp(uint16_t port) { udp_.erase(port); }
  void send_udp(uint16_t source_port, Endpoint destination, Bytes payload);

  TcpPeer& connect(uint16_t local_port, Endpoint remote, const TcpOptions& options);
  void listen(uint16_t port, const TcpOptions& options, Accept accept);

  void ping(Address destination);
  void send_icmp(Address destination, Bytes message);  // with any checksum
  size_t pings_answered() const { return pings_answered_; }

  void cut_off();  // the cable is pulled: nothing in or out
  void reconnect();
  // The process dies: its connections end as told, its ports are closed from now on.
  void die(Death how);

  // --- the link ---
  void join_vlan(uint16_t tci) { vlan_ = tci; }  // with its priority bits
  std::optional<uint16_t> vlan() const { return vlan_; }
  void use_gateway(Address gateway) { gateway_ = gateway; }
  // What is for others beyond `other` leaves through it: a router with a foot in both networks.
  void route_to(Host& other);
  // UDP datagrams that are larger leave in fragments, the last first if told so.
  void set_mtu(size_t mtu) { mtu_ = mtu; }
  void send_last_fragment_first(bool yes) { last_fragment_first_ = yes; }
  size_t fragments_received() const { return fragments_received_; }
  size_t largest_received() const { return largest_received_; }  // IP packet
  void forget_arp() { arp_.clear(); }
  void probe(Address neighbour);  // asks the one whose address it believes to know (RFC 4861 7.3.3)
  size_t advertisements() const { return advertisements_; }  // answers to us
  LinkQuality& upstream() { return parts_.segment.from(cable_); }
  LinkQuality& downstream() { return parts_.segment.to(cable_); }
  void lose_received(Segment::Filter filter) { parts_.segment.lose_to(cable_, std::move(filter)); }
  void lose_sent(Segment::Filter filter) { parts_.segment.lose_from(cable_, std::move(filter)); }
  void send_frame(const Frame& frame);  // as it is

  void violation(const std::string& text) { parts_.violations.add(name_, text); }
  const std::string& name() const { return name_; }
  Address address() const { return address_; }
  MacAddress mac() const { return mac_; }
  Timeline& timeline() { return parts_.timeline; }
  Random& random() { return parts_.random; }
  const std::vector<net::QuotedFlow>& icmp_errors() const { return icmp_errors_; }
  const std::map<Address, std::set<MacAddress>>& seen_macs() const { return seen_macs_; }
  const std::set<uint16_t>& seen_tags() const { return seen_tags_; }   // of IP; 0 for none
  const std::set<Address>& heard_from() const { return heard_from_; }  // IP, not only ARP

 private:
  struct Flow {
    uint16_t local_port;
    Endpoint remote;
    auto operator<=>(const Flow&) const = default;
  };
  struct Listener {
    TcpOptions options;
    Accept accept;
  };
  struct Unresolved {
    int requests = 0;
    std::vector<Frame> frames;
  };

  void on_frame(const Frame& frame);
  void take(const Frame& frame, const net::Packet& packet);
  void collect(const Frame& frame, const net::Packet& packet);
  void send_in_pieces(Address destination, const Frame& frame);
  bool checksums_hold(const Frame& frame, const net::Packet& packet);
  bool hears(const net::Packet& packet) const;
  bool is_mine(const Address& destination) const;
  void on_neighbour(const net::NeighbourMessage& message, const net::Packet& packet);
  void on_icmp(const Frame& frame, const net::Packet& packet);
  void on_udp(const Frame& frame, const net::Packet& packet);
  void on_tcp(const Frame& frame, const net::Packet& packet);
  void refuse(const tcp::Segment& segment, Address destination);
  void send_port_unreachable(const Frame& frame, const net::Packet& packet);
  void send_segment(Address destination, const tcp::Segment& segment);
  void send_ip(Address destination, Frame frame);  // destination MAC still to be written
  void send_to(Address neighbour, Frame frame);
  void ask_for(Address destination);
  void solicit(Address target, const MacAddress& destination);
  TcpPeer& make_peer(Flow flow, const TcpOptions& options);
  net::LinkHeader link() const {
    return {.source = mac_, .tagged = vlan_.has_value(), .vlan_tci = vlan_.value_or(0)};
  }

  Parts parts_;
  std::string name_;
  MacAddress mac_;
  Address address_;
  std::optional<uint16_t> vlan_;
  size_t mtu_ = 1500;
  bool last_fragment_first_ = false;
  uint32_t identification_ = 0x4711;
  size_t fragments_received_ = 0, largest_received_ = 0;
  struct Pieces {
    std::map<size_t, Frame> data;  // by offset
    std::optional<size_t> total;
  };
  std::map<std::pair<Address, uint32_t>, Pieces> pieces_;
  std::optional<Address> gateway_;
  std::function<void(const Frame&, const net::Packet&)> forward_;
  size_t cable_;
  std::map<Address, MacAddress> arp_;
  std::map<Address, Unresolved> unresolved_;
  std::map<uint16_t, UdpHandler> udp_;
  std::map<uint16_t, Listener> listeners_;
  std::map<Flow, TcpPeer*> connections_;
  std::vector<std::unique_ptr<TcpPeer>> peers_;  // all that ever were: timers refer to them
  std::vector<net::QuotedFlow> icmp_errors_;
  std::map<Address, std::set<MacAddress>> seen_macs_;
  std::set<uint16_t> seen_tags_;
  std::set<Address> heard_from_;
  size_t advertisements_ = 0;
  size_t pings_answered_ = 0;
};

}  // namespace midstream::scenario
