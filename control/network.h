// Control's way to the servers: the device's own addresses, ARP and neighbour discovery, and frames to
// and from the worker.
//
// Control has no port of its own: it mails frames to the worker, which transmits them, and gets what
// is addressed to the device. Requests to every server (ARP or neighbour solicitations, by the family
// of its address) keep their MAC addresses fresh and tell whether their hosts live. The device needs no
// link-local address of its own: it asks from its configured one and answers whoever asks for that.
#pragma once

#include <rte_mempool.h>

#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "control/config.h"
#include "dataplane/mailbox.h"
#include "lib/base/random.h"
#include "lib/net/packet.h"
#include "lib/tcp/segment.h"

namespace midstream {

struct ControlPort {
  Side side = Side::kServer;
  MacAddress mac;
};

// How to reach a server's host on the server side.
struct Neighbour {
  MacAddress mac;
  uint16_t port = 0;  // NIC
  bool tagged = false;
  uint16_t vlan_tci = 0;
  bool known = false;              // has answered at least once
  bool silent = false;             // does not answer now
  Time asked_since = Time::max();  // first request without an answer
  Time next_request{};

  // What workers know of it.
  auto place() const { return std::tuple(mac, port, tagged, vlan_tci, known, silent); }
};

class Network {
 public:
  using SegmentHandler = std::function<void(const tcp::Segment&, Time)>;

  Network(const Config& config, std::vector<ControlPort> ports, Mailboxes& mailbox, rte_mempool* pool,
          Random& random);

  void poll(Time now);                                      // asks for neighbours
  void on_frame(rte_mbuf* frame, uint16_t port, Time now);  // takes the frame

  const Neighbour& neighbour(size_t server) const { return neighbours_[server]; }

  // A TCP connection of the device's own to a server: gives its local port.
  uint16_t listen(SegmentHandler handler);
  void stop_listening(uint16_t port) { handlers_.erase(port); }
  // False if the server's host has never answered or there is no buffer.
  bool send_from_device(size_t server, const tcp::Segment& segment);
  // In a client's name: source address and MAC are the client's. Leaves behind the mail that was sent
  // about this connection.
  bool send_as_client(size_t server, const Connection& connection, const tcp::Segment& segment);

  // What the server has sent inside the connection so far, to its worker.
  bool hand_over(const Connection& connection, TcpSequence sequence, Bytes bytes);

  // A connection that is held in a client's name, beside what the client itself has.
  struct InName {
    size_t server = 0;
    uint16_t server_port = 0;
    Endpoint client;
    MacAddress client_mac;
    uint32_t connection = 0;  // any of this client: whose worker
  };
  // What the server sends on it, until that is stopped. Nothing is heard if the client itself has a
  // connection between the two.
  void listen(const InName& name, SegmentHandler handler);
  void stop_listening(const InName& name);
  bool send(const InName& name, const tcp::Segment& segment);

  const Address& device_address(size_t server) const { return device_of_[server]; }
  net::LinkHeader link_to(size_t server, const MacAddress& source) const;

 private:
  void on_neighbour(const net::NeighbourMessage& message, const net::Packet& packet, uint16_t port);
  void request(size_t server, Time now);
  bool send(size_t server, const MacAddress& source_mac, const Address& source, uint32_t connection,
            const tcp::Segment& segment);
  template <typename Build>  // size_t(MutableBytes): writes a frame
  bool post(uint16_t port, const Build& build, uint32_t connection = 0);
  void tell_host_state(size_t server);
  void divert(const InName& name, bool on);
  const SegmentHandler* handler_of(const net::Packet& packet) const;

  const Config& config_;
  std::vector<ControlPort> ports_;
  Mailboxes& mailbox_;
  rte_mempool* pool_;
  Random& random_;
  std::vector<Neighbour> neighbours_;
  std::vector<Address> device_of_;
  std::unordered_map<uint16_t, SegmentHandler> handlers_;
  std::map<std::pair<Endpoint, Endpoint>, SegmentHandler> client_handlers_;  // by server and client
};

}  // namespace midstream
