#include "tests/scenario/world.h"

#include <algorithm>

namespace midstream::scenario {
namespace {

// The last packets, and those that the switch holds for content to overrule timestamps.
constexpr Duration kUnderway = 3500ms;
constexpr uint16_t kIpv6Mss = 1440;  // an MTU of 1500 less 40 and 20

Place at(Place place, const std::string& usual) {
  if (place.address.empty()) place.address = usual;
  return place;
}

// What is sent inside the connection may wait for its window.
bool has_left(const RtspServer::Session& s) {
  return std::ranges::all_of(s.sender->tracks(), [](const SenderTrack& t) {
    return t.connection == nullptr || t.connection->over() || t.connection->all_acknowledged();
  });
}

// The switch may still have to deliver what is inside the connection.
bool is_quiet(const ClientTrack& t, Time now) {
  return !t.channels || t.rtp.empty() || now >= t.rtp.back().time + kUnderway;
}

void limit_mss(TcpOptions& tcp) { tcp.mss = std::min(tcp.mss, kIpv6Mss); }

}  // namespace

std::string address_of(unsigned n, bool ipv6) {
  return (ipv6 ? "fd00:99::" : "10.99.0.") + std::to_string(n);
}

World::World(const WorldOptions& o)
    : random(o.seed),
      clients(timeline, log, o.seed + 1),
      servers(timeline, log, o.seed + 2),
      behind(timeline, log, o.seed + 3) {
  Host& client = add_host("client", at(o.client_place, address_of(10, o.ipv6)),
                          o.client_is_behind_a_router ? behind : clients);
  client.upstream() = client.downstream() = o.client_link;
  ClientOptions client_options = o.client;
  const bool transparent = o.service == ServiceMode::kTransparent;
  if (o.ipv6) limit_mss(client_options.tcp);
  if (client_options.server.port == 0)
    client_options.server = {parse_address(transparent ? at(o.a_place, address_of(2, o.ipv6)).address
                                                       : address_of(100, o.ipv6))
                                 .value(),
                             o.a.port};
  dialled_ = client_options.server;
  client_ = std::make_unique<RtspClient>(client, client_options);
  const ServerOptions* options[] = {&o.a, &o.b, &o.c};
  const Place places[] = {o.a_place, o.b_place, {}};
  const char* names[] = {"a", "b", "c"};
  for (size_t i = 0; i < o.servers; ++i) {
    ServerOptions server = *options[i];
    server.movie = o.movie;
    if (o.ipv6) limit_mss(server.tcp);
    if (i == 1 && o.b_has_other_content) server.movie.content += 1;
    // Machines have clocks of their own.
    server.personality.wall_clock += 12345ms * static_cast<int>(i);
    server.first_rtp_port = static_cast<uint16_t>(server.first_rtp_port + 100 * i);
    add_server(names[i], at(places[i], address_of(static_cast<unsigned>(2 + i), o.ipv6)), server);
    hosts_.back()->upstream() = hosts_.back()->downstream() = o.server_link;
  }
}

Host& World::add_host(const std::string& name, const std::string& address, bool client_side) {
  return add_host(name, {address, {}, {}}, client_side ? clients : servers);
}

Host& World::add_host(const std::string& name, const Place& place, Segment& segment) {
  const MacAddress mac{{2, 0, 0, 0, &segment == &servers ? uint8_t{2} : uint8_t{1},
                        static_cast<uint8_t>(hosts_.size() + 1)}};
  const Host::Parts parts{timeline, log, violations, random, segment};
  hosts_.push_back(std::make_unique<Host>(parts, name, mac, parse_address(place.address).value()));
  Host& host = *hosts_.back();
  if (place.vlan) host.join_vlan(*place.vlan);
  if (!place.gateway.empty()) host.use_gateway(parse_address(place.gateway).value());
  return host;
}

void World::add_server(const std::string& name, const Place& place, ServerOptions options) {
  Host& host = add_host(name, place, servers);
  servers_.push_back(std::make_unique<RtspServer>(host, std::move(options)));
}

RtspServer* World::newest_server() const {
  RtspServer* newest = nullptr;
  for (const auto& server : servers_) {
    const RtspServer::Session* session = server->newest_session();
    if (session == nullptr) continue;
    if (newest == nullptr || session->since > newest->newest_session()->since) newest = server.get();
  }
  return newest;
}

RtspServer& World::first_server() {
  for (const auto& server : servers_)
    for (const RtspServer::Session& s : server->sessions())
      if (s.id == client().session_id()) return *server;
  return a();
}

bool World::run_to_the_end(Duration limit) {
  const auto said_bye = [](const ClientTrack& t) { return !t.rtcp.empty() && t.rtcp.back().rtcp.bye; };
  const Time since = timeline.now();
  return run_until(
      [&] {
        if (std::ranges::all_of(client().tracks(), said_bye)) return true;
        const RtspServer* server = newest_server();
        if (server == nullptr || server->personality().says_bye) return false;
        const auto finished = server->newest_session()->sender->finished();
        return finished && timeline.now() >= std::max(*finished, since) + kUnderway &&
               has_left(*server->newest_session()) &&
               std::ranges::all_of(client().tracks(),
                                   [&](const ClientTrack& t) { return is_quiet(t, timeline.now()); });
      },
      limit);
}

}  // namespace midstream::scenario
