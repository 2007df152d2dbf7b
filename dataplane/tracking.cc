// Connections, streams and flows: how they are learned, changed and forgotten.

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

#include "dataplane/worker.h"

namespace midstream {
namespace {

// A stream's place at the client: its port, or its channel.
uint16_t place_of(const rtsp::Stream& stream) {
  return stream.channels ? stream.channels->rtp : stream.client_port.rtp;
}

}  // namespace

// Served by another server than the dialled one, it is spliced from its SYN on. Nothing if there is no
// room, or if the client's port is in use toward that server.
Connection* Worker::begin_connection(const Frame& frame, uint16_t service, uint16_t server,
                                     bool from_client) {
  const net::Packet& packet = frame.packet;
  if (packet.vlan_tags > 1) {  // our own frames carry one
    ++stats_.unprotected[static_cast<size_t>(rtsp::Unprotected::kDoubleTagged)];
    return nullptr;
  }
  const Endpoint& client = from_client ? packet.source : packet.destination;
  const Endpoint& visible = from_client ? packet.destination : packet.source;
  const Endpoint endpoint{options_.server_addresses[server], visible.port};
  const FlowKey from_server{endpoint, client, Protocol::kTcp, {}};
  const auto taken = flows_.find(from_server);
  const bool in_use = taken && taken->role == FlowRole::kControlFromServer &&
                      connections_[taken->connection].closed_at == Time{};
  if (in_use || free_connections_.empty()) return nullptr;
  const uint32_t index = free_connections_.back();
  const uint32_t generation = connections_[index].generation + 1;
  Connection& c = *new (&connections_[index]) Connection{};
  c.index = index;
  c.generation = generation;
  c.state = ConnectionState::kHandshake;
  c.service = service;
  c.client_nic = frame.port;
  c.client = client;
  c.visible = visible;
  c.to_client = {packet.destination_mac, packet.source_mac, packet.vlan_tags > 0, packet.vlan_tci};
  c.begun = c.last_client_sign = c.last_server_sign = now_;
  c.spliced = options_.services[service].own_server != server;
  serve_by(c, server);
  c.conversation.has_credentials = options_.services[service].has_credentials;
  for (auto& session : c.stream_state) session.fill(kNoStream);
  const FlowKey to_visible{c.client, c.visible, Protocol::kTcp, {}};
  // Whoever has the dialled address is not in this connection, whatever it remembers of another one.
  const bool ok = learn_flow(c, to_visible, {FlowRole::kControlFromClient, 0, 0, index}) &&
                  learn_flow(c, to_visible.reversed(), {FlowRole::kFenced, 0, 0, index}) &&
                  learn_flow(c, from_server, {FlowRole::kControlFromServer, 0, 0, index});
  if (!ok) {
    for (uint8_t i = 0; i < c.key_count; ++i) flows_.remove(c.keys[i]);
    return nullptr;
  }
  free_connections_.pop_back();
  ++stats_.connections;
  place(c, false);
  arm(c, now_ + 1s);
  return &c;
}

// There is no routing table: what goes to a client goes where its newest frames came from. Its router
// may have changed, or the client may have moved.
void Worker::note_next_hop(const Frame& frame, Connection& c) {
  const net::Packet& packet = frame.packet;
  const bool tagged = packet.vlan_tags > 0;
  const bool same_vlan =
      tagged == c.to_client.tagged && (!tagged || vlan_of(packet) == (c.to_client.vlan_tci & 0x0fff));
  if (packet.source_mac == c.to_client.destination && frame.port == c.client_nic && same_vlan) return;
  if (!options_.ports[frame.port].client_side) return;
  c.client_nic = frame.port;
  c.to_client.destination = c.to_server.source = packet.source_mac;
  c.to_client.tagged = tagged;
  c.to_client.vlan_tci = packet.vlan_tci;
}

bool Worker::learn_flow(Connection& c, const FlowKey& key, FlowTarget target) {
  if (is_media(target.role)) target = target.at(c.stream_state[target.session][target.stream]);
  const auto end = c.keys.begin() + c.key_count;
  const bool known = std::find(c.keys.begin(), end, key) != end;
  if (!known && c.key_count == kMaxFlowKeys) return false;
  if (!flows_.put(key, target)) return false;
  if (!known) c.keys[c.key_count++] = key;
  return true;
}

// `rtp` is the server's address and RTP port.
void Worker::learn_media(Connection& c, uint8_t session, uint8_t stream, const Endpoint& rtp,
                         uint16_t rtcp_port) {
  const rtsp::PortPair& client = c.conversation.sessions[session].streams[stream].client_port;
  bool ok = learn_flow(c, {rtp, {c.client.address, client.rtp}, Protocol::kUdp, {}},
                       {FlowRole::kRtpToClient, session, stream, c.index});
  if (rtcp_port != rtp.port) {
    ok &= learn_flow(c, {{rtp.address, rtcp_port}, {c.client.address, client.rtcp}, Protocol::kUdp, {}},
                     {FlowRole::kRtcpToClient, session, stream, c.index});
  }
  if (!ok) ++stats_.not_tracked;
}

// What the client sends goes to the address that it dialled and the ports that it was told, for good.
void Worker::learn_reports(Connection& c, uint8_t session, uint8_t stream) {
  const rtsp::Stream& agreed = c.conversation.sessions[session].streams[stream];
  const Address& server = c.visible.address;
  const bool ok = learn_flow(c,
                             {{c.client.address, agreed.client_port.rtp},
                              {server, agreed.server_port.rtp},
                              Protocol::kUdp,
                              {}},
                             {FlowRole::kRtpToServer, session, stream, c.index}) &&
                  learn_flow(c,
                             {{c.client.address, agreed.client_port.rtcp},
                              {server, agreed.server_port.rtcp},
                              Protocol::kUdp,
                              {}},
                             {FlowRole::kRtcpToServer, session, stream, c.index});
  if (!ok) ++stats_.not_tracked;
}

// The UDP of a SETUP that is not followed, so that its addresses can be changed.
void Worker::learn_unknown_media(Connection& c, const rtsp::Message& answer) {
  const rtsp::Header* header = answer.find("Transport");
  if (header == nullptr || answer.is_request) return;
  const rtsp::Transport transport = rtsp::parse_transport(header->value).items[0];
  const auto &server = transport.server_port, &client = transport.client_port;
  if (transport.lower != rtsp::LowerTransport::kUdp || transport.multicast || !server || !client)
    return;
  const auto learn = [&](uint16_t server_port, uint16_t client_port) {
    const Endpoint there{c.client.address, client_port};
    return learn_flow(c, {{c.server_endpoint.address, server_port}, there, Protocol::kUdp, {}},
                      {FlowRole::kUnknownToClient, 0, 0, c.index}) &&
           learn_flow(c, {there, {c.visible.address, server_port}, Protocol::kUdp, {}},
                      {FlowRole::kUnknownToServer, 0, 0, c.index});
  };
  if (!learn(server->rtp, client->rtp) || !learn(server->rtcp, client->rtcp)) ++stats_.not_tracked;
}

void Worker::apply_change(Connection& c, uint8_t change) {
  if (change == rtsp::kNothing) return;
  // What a failover has joined must be translated to its end.
  if ((change & rtsp::kUnprotectedChanged) != 0 && c.failovers == 0) {
    return mark_unprotected(c, c.conversation.unprotected);
  }
  if ((change & rtsp::kStreamsChanged) != 0) learn_streams(c);
  if ((change & rtsp::kPlayChanged) != 0) anchor_streams(c);
  report(c);
}

// A stream is known by the client's port or channel: agreements come, change and go, and their indices
// move.
void Worker::learn_streams(Connection& c) {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    const rtsp::SessionWords words = c.words.sessions[s];
    // After a failover only the sessions that it moved have streams of the old server's making.
    const bool moved =
        c.state == ConnectionState::kSpliced && words.client_id.view() == session.id.view();
    auto old = c.stream_state[s];
    c.stream_state[s].fill(kNoStream);
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      const rtsp::Stream& agreed = session.streams[i];
      const auto known = std::ranges::find_if(old, [&](uint32_t slot) {
        return slot != kNoStream && streams_[slot].client_port == place_of(agreed) &&
               (moved || streams_[slot].phase == StreamPhase::kDirect);
      });
      const uint32_t slot = known != old.end() ? *known : new_stream();
      if (slot == kNoStream) {
        mark_unprotected(c, rtsp::Unprotected::kTooManyStreams);
        break;
      }
      StreamState& state = streams_[slot];
      state.client_port = place_of(agreed);
      rtsp::PortPair ports = agreed.server_port;
      if (state.phase == StreamPhase::kDirect) {
        state.clock_rate = agreed.clock_rate;
        const sdp::Description& description = c.conversation.description;
        if (agreed.media < description.media_count)
          state.codec = rtp::codec_of(description.media[agreed.media].encoding.view());
      } else {
        c.words.sessions[s].streams[i] = words.streams[static_cast<size_t>(known - old.begin())];
        ports = c.words.sessions[s].streams[i].server_port;
      }
      if (known != old.end()) *known = kNoStream;
      c.stream_state[s][i] = slot;
      if (agreed.channels) {
        begin_interleaved(c);
        continue;
      }
      learn_media(c, s, i, {c.server_endpoint.address, ports.rtp}, ports.rtcp);
      learn_reports(c, s, i);
    }
    for (const uint32_t slot : old) free_stream(slot);
  }
}

uint32_t Worker::new_stream() {
  if (free_streams_.empty()) return kNoStream;
  const uint32_t slot = free_streams_.back();
  free_streams_.pop_back();
  std::destroy_at(&streams_[slot]);
  std::construct_at(&streams_[slot]);
  return slot;
}

void Worker::free_stream(uint32_t slot) {
  if (slot == kNoStream) return;
  drop_held(slot);
  streams_[slot].path = MediaPath::kWhole;
  free_streams_.push_back(slot);
}

void Worker::anchor_streams(Connection& c) {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    const bool played = session.play_count != c.play_count[s];
    c.play_count[s] = session.play_count;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (c.stream_state[s][i] == kNoStream) continue;
      StreamState& state = streams_[c.stream_state[s][i]];
      if (!played) {
        if (session.state == rtsp::PlayState::kPaused) state.position.on_pause();
        continue;
      }
      const rtsp::Stream& agreed = session.streams[i];
      const Npt start = session.play_start.value_or(state.position.newest());
      state.position.on_play(
          {start, agreed.info_timestamp, agreed.info_sequence, session.scale, session.resumed},
          state.clock_rate, now_);
      if (!session.resumed) state.started = state.position.anchored();
      state.interval.restart(now_);
      state.said_bye = state.ended = false;
      drop_bye(c, c.stream_state[s][i]);
    }
  }
  if (c.conversation.any_playing()) arm(c, now_ + options_.stall);
}

void Worker::forget(Connection& c) {
  report(c, true);
  for (uint8_t i = 0; i < c.key_count; ++i) {
    const auto target = flows_.find(c.keys[i]);
    if (target && target->connection == c.index) flows_.remove(c.keys[i]);
  }
  for (auto& session : c.stream_state) {
    for (uint32_t& slot : session) {
      free_stream(std::exchange(slot, kNoStream));
    }
  }
  drop_byes(c);
  drop_parked(c);
  end_interleaved(c);
  timers_.cancel(c.index - first_connection_);
  c.state = ConnectionState::kUnused;
  free_connections_.push_back(c.index);
}

void Worker::report(const Connection& c, bool gone) {
  place(c, gone);
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = c.conversation.sessions[s];
    // A connection without a session is worth a row only if it cannot be protected.
    const bool bare = s == 0 && (c.conversation.unprotected != rtsp::Unprotected::kNone || gone);
    if (session.id.empty() && !bare) continue;
    SessionReport* report = mailbox_.new_report();
    if (report == nullptr) continue;
    report->connection = c.index;
    report->generation = c.generation;
    report->session = s;
    report->gone = gone || c.closed_at != Time{};
    report->service = c.service;
    report->server = c.server;
    report->client = c.client;
    report->connection_state = c.state;
    report->unprotected = c.conversation.unprotected;
    report->play_state = session.state;
    report->failovers = c.failovers;
    report->id = session.id;
    report->url = session.url.empty() ? c.conversation.base : session.url;
    report->stream_count = session.stream_count;
    report->stream_state = c.stream_state[s];
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      const uint8_t media = session.streams[i].media;
      if (media < c.conversation.description.media_count) {
        report->encoding[i] = c.conversation.description.media[media].encoding;
      }
    }
    ToControl mail{};
    mail.kind = ToControl::Kind::kReport;
    mail.connection = c.index;
    mail.report = report;
    mail.at = now_;
    if (!mailbox_.post(mail)) mailbox_.free_report(report);
  }
}

}  // namespace midstream
