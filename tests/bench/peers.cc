#include "tests/bench/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace midstream::bench {
namespace {

constexpr MacAddress kRouterMac{{2, 0, 0, 0, 1, 1}};
constexpr MacAddress kServerMacs[2] = {{{2, 0, 0, 0, 0, 0x0a}}, {{2, 0, 0, 0, 0, 0x0b}}};
constexpr uint32_t kFirstClient = 0x0a400001;  // 10.64.0.1
constexpr uint16_t kClientPort = 40000;
constexpr uint16_t kMediaPorts[kStreams] = {5000, 5002};
constexpr uint16_t kServerPorts[2][kStreams] = {{6970, 6972}, {7970, 7972}};
constexpr uint32_t kSequences[2] = {0x2000'0000, 0x4000'0000};  // initial, of a's and b's TCP
constexpr Duration kPace = 20ms;
constexpr size_t kWave = 64;                 // sessions that are set up at a time
constexpr Duration kBeatTurn = 1ms;          // until the servers are known
constexpr uint32_t kKeyPacket = 2;           // where b begins
constexpr uint32_t kBurstPackets = 5;        // to the first new one
constexpr uint8_t kSetUp = 4, kPlaying = 5;  // steps: SYN-ACK, DESCRIBE, SETUP, SETUP, PLAY
constexpr uint32_t kTicks[kStreams] = {3600, 1024};
constexpr uint32_t kClockRates[kStreams] = {90000, 48000};
constexpr size_t kPayloadBytes = 160;

constexpr std::string_view kSdp =
    "v=0\r\no=- 1 1 IN IP4 10.99.0.2\r\ns=film\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
    "a=range:npt=0-600\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42c01e\r\na=control:stream=0\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"
    "a=fmtp:97 streamtype=5;mode=AAC-hbr\r\na=control:stream=1\r\n";

Address client_address(size_t session) {
  return Address::v4(static_cast<uint32_t>(kFirstClient + session));
}
size_t session_of(const Address& client) { return client.v4_value() - kFirstClient; }

const Address& address_of(size_t server) { return server == kA ? kServerA : kServerB; }

// Where each stream of a server begins: sequence number, timestamp, SSRC.
uint16_t first_sequence(size_t server, size_t stream) {
  return static_cast<uint16_t>(server * 20000 + stream * 1000 + 100);
}
uint32_t first_timestamp(size_t server, size_t stream) {
  return static_cast<uint32_t>(server * 0x1000'0000 + stream * 0x100'0000 + 77);
}
uint32_t ssrc_of(size_t server, size_t session, size_t stream) {
  return static_cast<uint32_t>(server << 30 | stream << 28 | session);
}

// The value behind `name`, to the end of its line or `end`.
std::string_view value_of(std::string_view text, std::string_view name, char end = '\r') {
  const size_t begin = text.find(name);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = text.substr(begin + name.size());
  return rest.substr(0, rest.find(end));
}

}  // namespace

// Content depends on stream and number alone: both servers have the same file.
size_t rtp_frame(MutableBytes frame, size_t server, size_t session, size_t stream, uint32_t packet,
                 size_t payload_bytes) {
  std::array<uint8_t, 1500> rtp{};
  rtp[0] = 0x80;
  rtp[1] = static_cast<uint8_t>(0x80 | (96 + stream));  // every packet is an access unit
  store_be16(&rtp[2], static_cast<uint16_t>(first_sequence(server, stream) + packet));
  store_be32(&rtp[4], first_timestamp(server, stream) + packet * kTicks[stream]);
  store_be32(&rtp[8], ssrc_of(server, session, stream));
  rtp[12] = 0x41;  // H.264: a slice of a picture that others refer to
  store_be32(&rtp[16], packet * 2654435761u + static_cast<uint32_t>(stream));
  return net::build_udp_frame(
      frame, {kServerMacs[server], kRouterMac}, {address_of(server), kServerPorts[server][stream]},
      {client_address(session), kMediaPorts[stream]}, Bytes(rtp).first(12 + payload_bytes));
}

Peers::Peers(MeasuredSwitch& dut, size_t sessions) : dut_(dut), sessions_(sessions) {
  waiting_.reserve(sessions);
  moved_after_.reserve(sessions);
}

void Peers::find_servers() {
  const auto up = [&](size_t i) { return dut_.detector().server(i).state() == ServerState::kUp; };
  for (const Time begin = dut_.now(); !up(kA) || !up(kB); dut_.wait(kBeatTurn)) {
    if (dut_.now() - begin > 10s) throw std::runtime_error("the servers are not found");
    dut_.turn();
    run();
  }
}

// Waves that fit into any ring, each to its end.
template <typename Begin, typename Count>
void Peers::in_waves(size_t sessions, Begin begin, Count count) {
  for (size_t first = 0; first < sessions; first += kWave) {
    const size_t end = std::min(first + kWave, sessions);
    for (size_t i = first; i < end; ++i) begin(i);
    for (const Time since = dut_.now(); count() < end;) {
      if (dut_.now() - since > 10s) throw std::runtime_error("a session cannot be set up");
      dut_.turn();
      run();
    }
  }
}

void Peers::open_all(size_t sessions) {
  in_waves(
      sessions, [&](size_t i) { open(i); }, [&] { return opened_; });
}

void Peers::play_all(size_t sessions) {
  in_waves(
      sessions, [&](size_t i) { play(i); }, [&] { return playing_; });
}

void Peers::sign_all(size_t sessions) {
  size_t signs = 0;
  in_waves(
      sessions, [&](size_t i) { sign(i), ++signs, dut_.turn(); }, [&] { return signs; });
}

void Peers::run() {
  const Duration begin = clock_.read();
  dut_.take_sent(
      [this](Side side, Bytes frame) { side == Side::kClient ? to_client(frame) : to_server(frame); });
  go_on_with_b();
  cpu_time_ += clock_.read() - begin - clock_.cost();
}

void Peers::send(Side side, Bytes frame) {
  if (!dut_.receive(side, frame)) ++lost_;
}

// --- clients ---

void Peers::open(size_t session) {
  tcp::Segment syn;
  syn.source_port = kClientPort;
  syn.destination_port = kRtspPort;
  syn.sequence = TcpSequence(static_cast<uint32_t>(session));
  syn.flags.syn = true;
  syn.window = 65535;
  syn.mss = 1460;
  syn.window_scale = 7;
  syn.sack_permitted = true;
  syn.timestamps = tcp::Timestamps{TcpTimestamp(1), {}};
  std::array<uint8_t, 128> bytes, frame;
  const size_t size = tcp::write_segment(syn, bytes);
  const size_t whole =
      net::build_tcp_frame(frame, {kRouterMac, kServerMacs[kA]}, client_address(session), kServerA,
                           Bytes(bytes).first(size));
  send(Side::kClient, Bytes(frame).first(whole));
}

void Peers::play(size_t session) {
  client_says(session, fmt::format("PLAY rtsp://10.99.0.2/film/ RTSP/1.0\r\nCSeq: 4\r\n"
                                   "Session: a{:08x}\r\nRange: npt=0-\r\n\r\n",
                                   session));
}

void Peers::sign(size_t session) { client_says(session, {}); }

void Peers::to_client(Bytes frame) {
  const net::Packet packet = net::parse_packet(frame);
  const size_t session = session_of(packet.destination.address);
  if (session >= sessions_.size()) return;  // not for a client: flooded
  if (packet.kind == net::PacketKind::kTcp) {
    tcp::Segment segment;
    const size_t bytes = size_t{packet.payload_offset} + packet.payload_bytes - packet.l4_offset;
    if (tcp::parse_segment(frame.subspan(packet.l4_offset, bytes), segment))
      client_hears(session, segment);
    return;
  }
  if (packet.kind != net::PacketKind::kUdp || a_lives_) return;
  for (size_t stream = 0; stream < kStreams; ++stream) {
    if (packet.destination.port != kMediaPorts[stream]) continue;
    Session& s = sessions_[session];
    const bool was_moved = s.streams_moved == (1 << kStreams) - 1;
    s.streams_moved |= static_cast<uint8_t>(1 << stream);
    if (was_moved || s.streams_moved != (1 << kStreams) - 1) continue;
    ++moved_;
    moved_after_.push_back(dut_.now() - killed_);
  }
}

void Peers::client_hears(size_t session, const tcp::Segment& segment) {
  Session& s = sessions_[session];
  if (segment.flags.rst) ++told_;
  if (segment.flags.rst || segment.length() == 0) return;
  s.sequence = segment.acknowledgement.value();
  s.acknowledgement = segment.end().value();
  ++s.step;
  const std::string transport =
      "Transport: RTP/AVP;unicast;client_port=" + std::string(s.step == 2 ? "5000-5001" : "5002-5003");
  switch (s.step) {
    case 1:
      return client_says(session,
                         "DESCRIBE rtsp://10.99.0.2/film RTSP/1.0\r\nCSeq: 1\r\n"
                         "Accept: application/sdp\r\n\r\n");
    case 2:
      return client_says(session, "SETUP rtsp://10.99.0.2/film/stream=0 RTSP/1.0\r\nCSeq: 2\r\n" +
                                      transport + "\r\n\r\n");
    case 3:
      return client_says(session,
                         fmt::format("SETUP rtsp://10.99.0.2/film/stream=1 RTSP/1.0\r\nCSeq: 3\r\n"
                                     "Session: a{:08x}\r\n{}\r\n\r\n",
                                     session, transport));
    default:
      opened_ += s.step == kSetUp ? 1 : 0;
      playing_ += s.step == kPlaying ? 1 : 0;
      return client_says(session, {});
  }
}

void Peers::client_says(size_t session, std::string_view text) {
  const Session& s = sessions_[session];
  tcp::Segment segment;
  segment.source_port = kClientPort;
  segment.destination_port = kRtspPort;
  segment.sequence = TcpSequence(s.sequence);
  segment.acknowledgement = TcpSequence(s.acknowledgement);
  segment.flags.ack = true;
  segment.flags.psh = !text.empty();
  segment.window = 512;
  segment.timestamps = tcp::Timestamps{TcpTimestamp(s.step + 1u), TcpTimestamp(s.step)};
  segment.payload = as_bytes(text);
  std::array<uint8_t, 1024> bytes, frame;
  const size_t size = tcp::write_segment(segment, bytes);
  const size_t whole =
      net::build_tcp_frame(frame, {kRouterMac, kServerMacs[kA]}, client_address(session), kServerA,
                           Bytes(bytes).first(size));
  send(Side::kClient, Bytes(frame).first(whole));
}

// --- servers ---

void Peers::to_server(Bytes frame) {
  const net::Packet packet = net::parse_packet(frame);
  if (packet.kind == net::PacketKind::kArp) return answer_neighbour(frame, packet);
  if (packet.kind != net::PacketKind::kTcp) return;
  tcp::Segment segment;
  const size_t bytes = size_t{packet.payload_offset} + packet.payload_bytes - packet.l4_offset;
  if (!tcp::parse_segment(frame.subspan(packet.l4_offset, bytes), segment)) return;
  if (packet.destination.address == kServerA) server_hears(kA, packet, segment);
  if (packet.destination.address == kServerB) server_hears(kB, packet, segment);
}

void Peers::answer_neighbour(Bytes frame, const net::Packet& packet) {
  net::NeighbourMessage question;
  if (!net::parse_neighbour(frame, packet, question) || !question.is_request) return;
  for (const size_t server : {kA, kB}) {
    if (question.target != address_of(server)) continue;
    std::array<uint8_t, 64> out;
    const net::NeighbourMessage reply{false, kServerMacs[server], address_of(server),
                                      question.sender_mac, question.sender};
    const size_t size =
        net::build_neighbour_frame(out, {kServerMacs[server], question.sender_mac}, reply);
    send(Side::kServer, Bytes(out).first(size));
  }
}

// A server without memory: what a segment acknowledges is where its answer begins.
void Peers::server_hears(size_t server, const net::Packet& packet, const tcp::Segment& segment) {
  if (segment.flags.rst || segment.length() == 0) return;
  tcp::Segment out;
  out.acknowledgement = segment.end();
  out.sequence = segment.acknowledgement;
  out.flags.ack = true;
  if (segment.timestamps)
    out.timestamps = tcp::Timestamps{TcpTimestamp(kSequences[server]), segment.timestamps->value};
  if (server == kA && !a_lives_) {
    out.flags.rst = true;
    return send_tcp(server, packet.source, packet.source_mac, out, {});
  }
  if (segment.flags.syn) {
    out.flags.syn = true;
    out.sequence = TcpSequence(kSequences[server]);
    out.mss = segment.mss;
    out.window_scale = segment.window_scale;
    out.sack_permitted = segment.sack_permitted;
    return send_tcp(server, packet.source, packet.source_mac, out, {});
  }
  const std::string_view request = as_text(segment.payload);
  const bool beat = packet.source.address == kDevice;
  const size_t session = beat ? 0 : session_of(packet.source.address);
  const std::string text = answer(server, session, request);
  out.flags.psh = true;
  send_tcp(server, packet.source, packet.source_mac, out, text);
  if (beat) {
    ++beats_sent_;
    beats_[server] = {packet.source, static_cast<uint32_t>(out.sequence.value() + text.size())};
  }
  if (server == kB && request.starts_with("PLAY")) start_b(session);
}

std::string Peers::answer(size_t server, size_t session, std::string_view request) const {
  const std::string_view cseq = value_of(request, "CSeq: ");
  const std::string id = fmt::format("{}{:08x}", server == kA ? 'a' : 'b', session);
  const std::string ok = fmt::format("RTSP/1.0 200 OK\r\nCSeq: {}\r\n", cseq);
  if (request.starts_with("DESCRIBE"))
    return fmt::format(
        "{}Content-Type: application/sdp\r\nContent-Base: rtsp://10.99.0.2/film/\r\n"
        "Content-Length: {}\r\n\r\n{}",
        ok, kSdp.size(), kSdp);
  if (request.starts_with("SETUP")) {
    const size_t stream = request.find("stream=1") != std::string_view::npos ? 1 : 0;
    const uint16_t port = kServerPorts[server][stream], client = kMediaPorts[stream];
    return fmt::format(
        "{}Session: {};timeout=60\r\nTransport: RTP/AVP;unicast;client_port={}-{};"
        "server_port={}-{};ssrc={:08X};mode=\"PLAY\"\r\n\r\n",
        ok, id, client, client + 1, port, port + 1, ssrc_of(server, session, stream));
  }
  if (!request.starts_with("PLAY")) return ok + "\r\n";
  const std::string place(value_of(request, "Range: npt=", '-'));
  const double seconds = std::stod(place);
  const uint32_t first = server == kA ? 0 : kKeyPacket;
  std::string info;
  for (size_t stream = 0; stream < kStreams; ++stream) {
    info += fmt::format(
        "{}url=rtsp://10.99.0.2/film/stream={};seq={};rtptime={}", stream == 0 ? "" : ",", stream,
        static_cast<uint16_t>(first_sequence(server, stream) + first),
        first_timestamp(server, stream) + static_cast<uint32_t>(seconds * kClockRates[stream] + 0.5));
  }
  return fmt::format("{}Session: {}\r\nRange: npt={}-600\r\nRTP-Info: {}\r\n\r\n", ok, id, place, info);
}

void Peers::send_tcp(size_t server, const Endpoint& to, const MacAddress& mac, tcp::Segment segment,
                     std::string_view text) {
  segment.source_port = kRtspPort;
  segment.destination_port = to.port;
  segment.window = 65535;
  segment.payload = as_bytes(text);
  std::array<uint8_t, 2048> bytes, frame;
  const size_t size = tcp::write_segment(segment, bytes);
  const size_t whole = net::build_tcp_frame(frame, {kServerMacs[server], mac}, address_of(server),
                                            to.address, Bytes(bytes).first(size));
  send(Side::kServer, Bytes(frame).first(whole));
}

void Peers::send_rtp(size_t server, size_t session, size_t stream, uint32_t packet) {
  std::array<uint8_t, 256> frame;
  const size_t size = rtp_frame(frame, server, session, stream, packet, kPayloadBytes);
  send(Side::kServer, Bytes(frame).first(size));
}

void Peers::send_from_a(uint32_t packet) {
  for (size_t session = 0; session < sessions_.size(); ++session) {
    for (size_t stream = 0; stream < kStreams; ++stream) send_rtp(kA, session, stream, packet);
    constexpr size_t kBatch = 512;  // less than the port's ring has
    if (session % kBatch != kBatch - 1 && session + 1 != sessions_.size()) continue;
    for (size_t i = 0; i < 2 * kStreams * kBatch / 32; ++i) {
      dut_.turn();
      run();
    }
  }
}

void Peers::kill_a() {
  a_lives_ = false;
  killed_ = dut_.now();
  tcp::Segment reset;
  reset.sequence = TcpSequence(beats_[kA].sequence);
  reset.flags.rst = true;
  send_tcp(kA, beats_[kA].device, {}, reset, {});
}

void Peers::reset_by_a(size_t session) {
  a_lives_ = false;
  killed_ = dut_.now();
  tcp::Segment reset;
  reset.sequence = TcpSequence(sessions_[session].acknowledgement);
  reset.flags.rst = true;
  send_tcp(kA, {client_address(session), kClientPort}, kRouterMac, reset, {});
}

void Peers::start_b(size_t session) {
  Session& s = sessions_[session];
  const bool fresh = s.next_packet == 0;
  s.next_packet = kKeyPacket + kBurstPackets;
  s.next_sent = dut_.now() + kPace;
  for (uint32_t packet = kKeyPacket; packet < s.next_packet; ++packet) {
    for (size_t stream = 0; stream < kStreams; ++stream) send_rtp(kB, session, stream, packet);
  }
  if (fresh) waiting_.push_back(session);
}

void Peers::go_on_with_b() {
  std::erase_if(waiting_, [this](size_t session) {
    Session& s = sessions_[session];
    if (s.streams_moved == (1 << kStreams) - 1) return true;
    if (dut_.now() < s.next_sent) return false;
    for (size_t stream = 0; stream < kStreams; ++stream) send_rtp(kB, session, stream, s.next_packet);
    ++s.next_packet;
    s.next_sent = dut_.now() + kPace;
    return false;
  });
}

}  // namespace midstream::bench
