// New connections to a service: which server gets them, and the handshake of those that another server
// answers than the one that was dialled. They are spliced from their SYN on, number for number.

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr Duration kRefusedFor = 500ms;  // by then heartbeats or a probe have judged

}  // namespace

bool Worker::is_virtual(const Address& address) const {
  for (const WorkerService& service : options_.services) {
    if (!service.own_server && service.endpoint.address == address) return true;
  }
  return false;
}

// Answers ping; everything else that nobody is there for ends here, and TCP is told so.
void Worker::to_virtual(Frame& frame) {
  const MacAddress& own = options_.ports[frame.port].mac;
  if (net::answer_echo(frame.bytes, frame.packet, own)) return transmit(frame.mbuf, frame.port);
  answer_with_reset(frame);
  drop(frame.mbuf, Drop::kNobodyThere);
}

// Could answer a SYN now, as far as anybody knows.
bool Worker::usable(uint16_t server) const {
  const HostState& host = hosts_[server];
  return host.known && !host.silent && host.healthy && now_ >= host.refused_until;
}

// Where the newest living connection of this client to this service is served.
std::optional<uint16_t> Worker::server_of_client(uint16_t service, const Address& client) const {
  const Place* newest = nullptr;
  for (const Place& place : places_) {
    if (!place.living || place.service != service || place.client != client) continue;
    if (usable(place.server) && (newest == nullptr || place.begun >= newest->begun)) newest = &place;
  }
  return newest == nullptr ? std::nullopt : std::optional(newest->server);
}

// A client's connections belong together. Otherwise a transparent service's own server is served by
// itself while it is up, and one whom nobody can stand in for is left to speak for itself.
std::optional<uint16_t> Worker::server_for(uint16_t index, const Address& client) {
  const WorkerService& service = options_.services[index];
  if (const auto known = server_of_client(index, client)) return known;
  if (const auto own = service.own_server;
      own && hosts_[*own].healthy && !hosts_[*own].silent && now_ >= hosts_[*own].refused_until)
    return own;
  candidates_.clear();
  for (const uint16_t server : service.servers) {
    if (!usable(server)) continue;
    candidates_.push_back({server, living_.count(index, server), options_.server_addresses[server]});
  }
  const auto chosen = choose_server(service.balance, client, candidates_);
  return chosen ? chosen : service.own_server;
}

// What the choice for the next connection looks at.
void Worker::place(const Connection& c, bool gone) {
  Place& place = places_[c.index - first_connection_];
  if (place.living) living_.add(options_.index, place.service, place.server, -1);
  place = {!gone && c.closed_at == Time{}, c.service, c.server, c.begun, c.client.address};
  if (place.living) living_.add(options_.index, place.service, place.server, 1);
}

// A SYN-ACK without a SYN answers what went another way, and data belongs to what began before us: such
// a connection is there to be shown. Whatever else comes alone is an echo of something that is over.
void Worker::join_midway(Frame& frame, uint16_t index, const tcp::Segment& segment, bool from_client) {
  const auto own = options_.services[index].own_server;
  const bool one_sided = !from_client && segment.flags.syn && segment.flags.ack;
  if (!own || (!one_sided && segment.payload.empty())) {
    return own ? bridge(frame) : to_virtual(frame);
  }
  Connection* c = begin_connection(frame, index, *own, from_client);
  if (c == nullptr) return bridge(frame);
  mark_unprotected(*c, one_sided ? rtsp::Unprotected::kOneSided : rtsp::Unprotected::kJoinedWithoutSyn);
  monitor(frame, *c, from_client);
}

// TCP from or to a service that belongs to no connection.
void Worker::to_service(Frame& frame, uint16_t index, bool from_client) {
  const WorkerService& service = options_.services[index];
  const net::Packet& packet = frame.packet;
  const size_t end = packet.payload_offset + packet.payload_bytes;
  tcp::Segment segment;
  if (!tcp::parse_segment(Bytes(frame.bytes).subspan(packet.l4_offset, end - packet.l4_offset),
                          segment)) {
    return drop(frame.mbuf, Drop::kMalformed);
  }
  if (!from_client || !segment.flags.syn || segment.flags.ack)
    return join_midway(frame, index, segment, from_client);
  const auto server = server_for(index, frame.packet.source.address);
  Connection* c = server ? begin_connection(frame, index, *server, true) : nullptr;
  if (server && c == nullptr) ++stats_.not_tracked;
  if (c != nullptr && !c->spliced) return monitor(frame, *c, true);
  if (c != nullptr) return relay_handshake(frame, *c, true);
  if (server && server == service.own_server) return bridge(frame);  // passes, not tracked
  answer_with_reset(frame);
  drop(frame.mbuf, server ? Drop::kTableFull : Drop::kNoServer);
}

// A server's answer to a SYN that nobody listens for (RFC 9293 3.10.7.3).
bool Worker::refuses(const Connection& c, const tcp::Segment& in) {
  return in.flags.rst && in.flags.ack && in.acknowledgement == c.client_half.initial + 1;
}

// Until the client has answered the SYN-ACK both ends repeat themselves, and the switch takes nothing
// on. Data with a SYN is left out: it comes again.
void Worker::relay_handshake(Frame& frame, Connection& c, bool from_client) {
  const net::Packet& packet = frame.packet;
  const size_t end = packet.payload_offset + packet.payload_bytes;
  tcp::Segment in;
  if (!tcp::parse_segment(Bytes(frame.bytes).subspan(packet.l4_offset, end - packet.l4_offset), in)) {
    return drop(frame.mbuf, Drop::kMalformed);
  }
  if (!from_client && packet.source != c.server_endpoint) return drop(frame.mbuf, Drop::kFenced);
  (from_client ? c.last_client_sign : c.last_server_sign) = now_;

  const bool answered = c.server_half.sent != c.server_half.initial;
  const bool established = from_client && answered && in.flags.ack && !in.flags.rst && !in.flags.syn &&
                           in.acknowledgement > c.server_half.initial;
  if (established) {
    join_halves(c);
    return relay(frame, c, true);
  }
  if (in.flags.syn && from_client == !in.flags.ack) note_handshake(frame, c, in, from_client);
  const bool refused = !from_client && !answered && refuses(c, in);
  const bool lost = from_client && in.flags.syn && !usable(c.server);
  if ((refused || lost) && try_another_server(c)) return drop(frame.mbuf, Drop::kAnswered);
  in.payload = {};
  send_segment(c, !from_client, in);
  const bool given_up = from_client && in.flags.rst && in.sequence == c.client_half.initial + 1;
  if (refused || given_up) note_closed(c);
  rte_pktmbuf_free(frame.mbuf);
}

// The chosen server does not take the connection. Nothing has passed yet: the same SYN goes to the
// next.
bool Worker::try_another_server(Connection& c) {
  hosts_[c.server].refused_until = now_ + kRefusedFor;
  const auto next = server_for(c.service, c.client.address);
  if (!next || !usable(*next)) return false;
  const Endpoint endpoint{options_.server_addresses[*next], options_.services[c.service].endpoint.port};
  if (!learn_flow(c, {endpoint, c.client, Protocol::kTcp, {}},
                  {FlowRole::kControlFromServer, 0, 0, c.index})) {
    return false;
  }
  serve_by(c, *next);
  place(c, false);
  c.spliced = options_.services[c.service].own_server != *next;
  if (c.spliced &&
      !learn_flow(c, {c.visible, c.client, Protocol::kTcp, {}}, {FlowRole::kFenced, 0, 0, c.index}))
    ++stats_.not_tracked;
  const TcpHalf& half = c.client_half;
  tcp::Segment syn;
  syn.flags.syn = true;
  syn.sequence = half.initial;
  syn.window = half.window;
  syn.mss = half.mss;
  syn.window_scale = half.window_scale;
  syn.sack_permitted = half.sack_permitted;
  if (half.has_timestamps) syn.timestamps = tcp::Timestamps{half.newest_timestamp, {}};
  send_segment(c, false, syn);
  return true;
}

// The client's own MAC is the source into the server side, as if the client were on that link.
void Worker::serve_by(Connection& c, uint16_t server) {
  const HostState& host = hosts_[server];
  c.server = server;
  c.server_endpoint = {options_.server_addresses[server], options_.services[c.service].endpoint.port};
  c.to_server = {c.to_client.destination, host.mac, host.tagged, host.vlan_tci};
  c.server_nic = host.port;
}

// Nothing lies between the halves yet: one side's numbers, scales and clocks are the other's.
void Worker::join_halves(Connection& c) {
  const TcpHalf &client = c.client_half, &server = c.server_half;
  const bool timestamps = client.has_timestamps && server.has_timestamps;
  const bool sack = client.sack_permitted && server.sack_permitted;
  const bool scaled = client.window_scale && server.window_scale;
  tcp::Splice& splice = c.splice;
  splice.client = {timestamps, sack, scaled ? *client.window_scale : uint8_t{0}};
  splice.server = {timestamps, sack, scaled ? *server.window_scale : uint8_t{0}};
  splice.presented_scale = splice.server.window_scale;
  splice.presented_client_scale = splice.client.window_scale;
  splice.client_floor = splice.server_floor = server.newest_timestamp;
  splice.newest_client = client.newest_timestamp;
  // What a SYN says is not scaled (RFC 7323 2.2).
  splice.window_to_client = tcp::rescale_window(server.window, 0, splice.server.window_scale);
  splice.window_to_server = tcp::rescale_window(client.window, 0, splice.client.window_scale);
  const auto begin = [](tcp::Direction& direction, TcpSequence first) {
    direction.edits.reset(first, first);
    direction.custody.reset(first);
    direction.released = direction.input_base = first;
  };
  begin(splice.to_client, server.initial + 1);
  begin(splice.to_server, client.initial + 1);
  if (c.visible.address != c.server_endpoint.address) {
    c.words.host.server = c.server_endpoint;
    c.words.host.visible = options_.services[c.service].text;
  }
  c.state = ConnectionState::kSpliced;
  ++c.version;
  report(c);
}

}  // namespace midstream
