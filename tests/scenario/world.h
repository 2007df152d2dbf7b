// A whole test world: client, servers a, b, c with the same movie, two Ethernet segments, and between
// them either a plain bridge (the harness testing itself) or the switch under test.
//
//   client 10.99.0.10 --- | switch | --- a 10.99.0.2, b 10.99.0.3, c 10.99.0.4
//
// Or the same in IPv6: fd00:99::10, fd00:99::2 and so on. One seed decides everything that is random.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/rtsp_client.h"
#include "tests/scenario/rtsp_server.h"

namespace midstream::scenario {

enum class ServiceMode { kTransparent, kVirtual };

// Where a host stands, if not in the one flat network.
struct Place {
  std::string address;           // empty: the usual one
  std::optional<uint16_t> vlan;  // with priority bits
  std::string gateway;
};

struct WorldOptions {
  uint64_t seed = 1;
  ClientOptions client;
  MovieOptions movie;                // of all servers
  ServerOptions a, b, c;             // their movie is replaced by the above ...
  bool b_has_other_content = false;  // ... but for this
  size_t servers = 2;
  ServiceMode service = ServiceMode::kTransparent;  // the client dials a's address, or nobody's
  bool ipv6 = false;
  Place client_place, a_place, b_place;
  bool client_is_behind_a_router =
      false;  // then on a segment of its own, and the test builds the router
  LinkQuality client_link, server_link;
};

class World {
 public:
  explicit World(const WorldOptions& options);

  Timeline timeline;
  PacketLog log;
  Violations violations{timeline, log};
  Random random;
  Segment clients, servers, behind;

  Host& client_host() { return *hosts_[0]; }
  RtspServer& server(size_t index) { return *servers_[index]; }
  size_t server_count() const { return servers_.size(); }
  // Another host: on the clients' side or the servers'.
  Host& add_host(const std::string& name, const std::string& address, bool client_side);
  Host& add_host(const std::string& name, const Place& place, Segment& segment);

  RtspClient& client() { return *client_; }
  const Endpoint& dialled() const { return dialled_; }  // by the client
  RtspServer& a() { return server(0); }
  RtspServer& b() { return server(1); }
  RtspServer& c() { return server(2); }

  void run_for(Duration d) { timeline.run_for(d); }
  template <typename Condition>
  bool run_until(Condition&& condition, Duration limit) {
    return timeline.run_until(condition, limit);
  }
  // Until the client has had a BYE for every track, or the server that plays has sent all and is not
  // one to say BYE; false if the time is over.
  bool run_to_the_end(Duration limit = 20s);
  // The session at any server that was set up last, and that server; null if there is none.
  RtspServer* newest_server() const;
  // The server that gave the client its Session id: its terms are the client's for good.
  RtspServer& first_server();

 private:
  void add_server(const std::string& name, const Place& place, ServerOptions options);

  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<RtspServer>> servers_;
  std::unique_ptr<RtspClient> client_;
  Endpoint dialled_;
};

// 10.99.0.n or fd00:99::n, with n written in decimal digits both times.
std::string address_of(unsigned n, bool ipv6);

inline const Address kClientAddress = Address::v4(0x0a63000a);
inline const Address kServerA = Address::v4(0x0a630002), kServerB = Address::v4(0x0a630003);
inline const Address kVirtualAddress = Address::v4(0x0a630064);  // 10.99.0.100

}  // namespace midstream::scenario
