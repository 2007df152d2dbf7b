// A worker: everything that one poll-mode core does. Start with worker.cc, it shows a poll and the
// life of a packet; each verb has its file:
//   worker.cc        poll, classify
//   forward.cc       bridge, transmit, hand to control
//   monitor_path.cc  RTSP of connections that nothing is changed in
//   splice_path.cc   RTSP of connections that another server continues, or has served from the start;
//                    splice_messages.cc: message by message, splice_send.cc: what the switch makes
//   service_path.cc  new connections: which server, and the handshake; virtual addresses
//   end_path.cc      RTSP of connections whose client tears down and whose server is gone
//   opening.cc       the client's PLAY at a server that has not played its session yet
//   keep_alive.cc    requests of the switch's own, so that a server does not forget a session
//   media_lines.cc   RTP of streams that nothing happens to: nearly all packets
//   media_path.cc    RTP and RTCP
//   cut_path.cc      the cut, and what waits for it
//   live_path.cc     the cut of live streams
//   interleaved_*.cc connections with media inside: path (monitored), end (BYE, and a server that is
//                    gone), join (behind a failover), half (a frame left half sent), splice and send
//                    (end to end), client (the other direction); see interleaved.h
//   fragment_path.cc fragments in, fragments out
//   icmp_path.cc     errors about packets of followed flows
//   tracking.cc      connections and flows: learn, change, forget
//   fence_path.cc    what a server that was left still sends
//   ending.cc        is an ending a failure? freeze, silence, timers
//   handover.cc      mail from control
//   held_path.cc     sessions whose client's connection is gone
// All functions run on the worker's own core; `now` is the one clock read of the poll.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/bridge.h"
#include "dataplane/connection.h"
#include "dataplane/exchange.h"
#include "dataplane/flow_table.h"
#include "dataplane/fragments.h"
#include "dataplane/interleaved.h"
#include "dataplane/mailbox.h"
#include "dataplane/stream_state.h"
#include "dataplane/tables.h"
#include "dataplane/worker_options.h"
#include "lib/base/timer_wheel.h"

namespace midstream {

class Worker {
 public:
  Worker(const WorkerOptions& options, Tables& tables, Exchange& exchange, Mailbox& mailbox);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // One turn. True if there was anything to do.
  bool poll(Time now);

  const WorkerStats& stats() const { return stats_; }

 private:
  struct Frame {
    rte_mbuf* mbuf = nullptr;
    uint16_t port = 0;
    net::Packet packet;
    MutableBytes bytes;
  };
  struct Parked {
    rte_mbuf* frame;
    uint16_t port;
  };
  struct HeldBye {
    rte_mbuf* frame;
    uint32_t stream;  // its slot
  };
  struct HeldByes {
    std::vector<HeldBye> byes;
    std::vector<Parked> segments;  // media inside: what came with a BYE and behind it
    Time until{};
    TcpSequence passed;  // media inside: up to where the client was sent the byte stream
  };
  struct Inside {  // what a channel carries
    FlowTarget flow;
    uint8_t channel = 0;  // at the other side
  };
  static constexpr uint16_t kInsidePort = UINT16_MAX;  // of a packet that came inside the connection

  // worker.cc
  bool receive(uint16_t port);
  bool take_passed();
  void handle_burst(const Parked* arrived, uint16_t count);
  void prefetch(const FlowTarget& target) const;
  bool begin(Frame& frame, const Parked& arrived);
  bool pass_to_owner(const Frame& frame);
  void handle(rte_mbuf* mbuf, uint16_t port);
  void dispatch(Frame& frame, const FlowTarget* target);
  void handle_flow(Frame& frame, const FlowTarget& target);
  void serve_flow(Frame& frame, const FlowTarget& target);
  void handle_unknown(Frame& frame);

  // forward.cc
  void bridge(Frame& frame);
  void transmit(rte_mbuf* mbuf, uint16_t port);
  void queue(rte_mbuf* mbuf, uint16_t port);
  void flush();
  void hand_to_control(Frame& frame, ToControl::Kind kind, uint32_t connection);
  void drop(rte_mbuf* mbuf, Drop reason);
  bool answer_neighbour(Frame& frame);
  void send_segment(Connection& c, bool to_client, const tcp::Segment& segment);
  void send_udp(const net::LinkHeader& link, uint16_t port, const Endpoint& source,
                const Endpoint& destination, Bytes payload);
  std::optional<MacAddress> mac_for(const Address& address, uint16_t port) const;
  static void replace_link(Frame& frame, net::LinkHeader link);
  void retarget_udp(Frame& frame, const net::LinkHeader& link, const Endpoint& source,
                    const Endpoint& destination);

  // service_path.cc
  bool is_virtual(const Address& address) const;
  void to_virtual(Frame& frame);
  void to_service(Frame& frame, uint16_t service, bool from_client);
  void join_midway(Frame& frame, uint16_t service, const tcp::Segment& segment, bool from_client);
  bool usable(uint16_t server) const;
  std::optional<uint16_t> server_of_client(uint16_t service, const Address& client) const;
  std::optional<uint16_t> server_for(uint16_t service, const Address& client);
  void place(const Connection& c, bool gone);
  void relay_handshake(Frame& frame, Connection& c, bool from_client);
  static bool refuses(const Connection& c, const tcp::Segment& in);
  bool try_another_server(Connection& c);
  void serve_by(Connection& c, uint16_t server);
  void join_halves(Connection& c);

  // monitor_path.cc
  void monitor(Frame& frame, Connection& c, bool from_client);
  bool bypassed(const Connection& c, const tcp::Segment& segment, bool from_client) const;
  bool monitor_reset(Connection& c, const tcp::Segment& segment, bool from_client);
  void monitor_stream(Connection& c, const tcp::Segment& segment, bool from_client);
  bool monitor_fin(Connection& c, const tcp::Segment& segment, bool from_client);
  void note_handshake(const Frame& frame, Connection& c, const tcp::Segment& segment, bool from_client);
  void read_messages(Connection& c, bool from_client);
  void note_closed(Connection& c);
  void note_both_finished(Connection& c);
  void mark_unprotected(Connection& c, rtsp::Unprotected reason);

  // splice_path.cc
  enum class Exit : uint8_t { kConsumed, kMalformed, kHeld };
  void relay(Frame& frame, Connection& c, bool from_client);
  Exit relay_reset(Connection& c, const tcp::Segment& in, bool from_client);
  bool take_acknowledgement(Connection& c, const tcp::Segment& in, bool from_client);
  Exit relay_segment(Connection& c, const tcp::Segment& in, bool from_client);
  Exit relay_unread(Connection& c, const tcp::Segment& in, bool from_client);
  bool answer_for_waiting(Connection& c, bool from_client, bool repeated);
  bool relay_repeated(Connection& c, const tcp::Segment& in, tcp::Segment out, bool from_client);

  // splice_messages.cc
  void read_no_more(Connection& c, rtsp::Unprotected reason);
  bool release_messages(Connection& c, bool from_client, const tcp::Segment& out);
  bool translate(Connection& c, bool from_client, const rtsp::Message& message, Bytes raw,
                 rtsp::Replacements& edits, uint8_t& opened);
  bool release(Connection& c, bool from_client, size_t bytes, const rtsp::Replacements& edits,
               const tcp::Segment& out);
  void note_answer(Connection& c, Bytes text);

  // splice_send.cc
  tcp::Segment made_segment(const Connection& c, bool to_client) const;
  static TcpSequence window_edge(const Connection& c, bool to_client);
  size_t segment_room(const Connection& c, bool to_client) const;
  void emit_data(Connection& c, bool to_client, tcp::Segment out, TcpSequence sequence, Bytes bytes);
  size_t read_held(const Connection& c, bool to_client, TcpSequence from, MutableBytes out) const;
  void send_held(Connection& c, bool to_client, tcp::Custody::Span span, tcp::Segment out);
  void send_origin(Connection& c, bool to_client, bool probe = false);
  void give_up_client(Connection& c);
  void acknowledge_sender(Connection& c, bool to_client);

  // keep_alive.cc
  void keep_alive(Connection& c);
  bool is_own_answer(const Connection& c, const rtsp::Message& message) const;
  bool take_out_answer(Connection& c, TcpSequence begin, const rtsp::Message& message);
  void put_between(Connection& c, Bytes bytes);
  void send_inside_to_server(Connection& c, uint8_t channel, Bytes packet);

  // end_path.cc
  bool teardown_is_ours(const Connection& c) const;
  void end_for_client(Connection& c);
  void serve_end(Frame& frame, Connection& c);
  bool take_at_end(Connection& c, const tcp::Segment& in);
  bool finish_half_answer(Connection& c);
  void answer_at_end(Connection& c);
  void acknowledge_at_end(Connection& c);

  // opening.cc
  uint8_t open_cuts(Connection& c, const rtsp::Message& answer);
  void release_opened(Connection& c, uint8_t session);

  // media_lines.cc
  bool pass_media(Frame& frame, const FlowTarget& target);
  bool rewrite(Frame& frame, StreamState& stream, rtp::Header& header);
  void choose_paths(const Connection& c);
  void close_paths(const Connection& c);
  MediaPath path_of(const Connection& c, const StreamState& stream) const;
  void note_signs(Connection& c) const;

  // media_path.cc
  void rtp_to_client(Frame& frame, Connection& c, const FlowTarget& target);
  void rtcp_to_client(Frame& frame, Connection& c, const FlowTarget& target);
  void pass_unknown(Frame& frame, Connection& c, bool to_client);
  void media_to_server(Frame& frame, Connection& c, const FlowTarget& target);
  bool continue_stream(Connection& c, const FlowTarget& target, StreamState& stream, Frame& frame);
  void tell_ends(Connection& c);
  void tell_end(Connection& c, const FlowTarget& target, const StreamState& stream);
  void account(StreamState& stream, const rtp::Header& header, Bytes packet);
  void account(StreamState& stream, const rtp::Header& header, size_t packet_bytes, Bytes payload_begin,
               uint32_t payload_hash);
  void publish(StreamState& stream, uint32_t ssrc);
  static void note_receiver(StreamState& stream, Bytes report);

  // cut_path.cc
  bool find_cut(Connection& c, const FlowTarget& target, StreamState& stream, Frame& frame,
                const rtp::Header& header);
  void fix_cut(Connection& c, const FlowTarget& target, StreamState& stream);
  void settle_overdue_cuts(Connection& c);
  void settle_doubts(Connection& c, uint8_t session);
  void hold(Frame& frame, const Connection& c, const FlowTarget& target);
  void release_held(Connection& c, const FlowTarget& target);
  void drop_held(uint32_t slot);
  void report_resumed(Connection& c, const FlowTarget& target, StreamState& stream, Time last_of_old);

  // live_path.cc
  bool find_live_cut(Connection& c, const FlowTarget& target, StreamState& stream, Frame& frame,
                     const rtp::Header& header);
  std::optional<uint32_t> offset_of_session(const Connection& c, const FlowTarget& target,
                                            const StreamState& stream, const rtp::Header& header) const;
  std::optional<uint32_t> live_offset(Connection& c, const FlowTarget& target,
                                      const StreamState& stream, const rtp::Header& header) const;
  int64_t session_time(const Connection& c, uint8_t session, const StreamState& stream) const;
  void request_picture(Connection& c, const FlowTarget& target, StreamState& stream,
                       uint32_t server_ssrc);

  // interleaved_path.cc
  std::optional<Inside> inside(const Connection& c, uint8_t channel, bool of_server) const;
  void begin_interleaved(Connection& c);
  void end_interleaved(Connection& c);
  bool keep_text(Connection& c);
  bool keep_copy(Chain& chain, TcpSequence sequence, Bytes bytes);
  void count_kept(Connection& c);
  void let_acknowledged_go(Connection& c);
  void bound_custody(Connection& c);
  bool monitor_interleaved(Frame& frame, Connection& c, const tcp::Segment& segment);
  void read_units(Connection& c);
  size_t read_frame(Connection& c, size_t size);
  size_t read_message(Connection& c, size_t size);
  size_t skip_garbage(const Connection& c, Bytes bytes);
  void account_frame(Connection& c, StreamState& stream, TcpSequence begin, size_t size);
  bool learn_report(Connection& c, const Inside& target, StreamState& stream, TcpSequence begin,
                    size_t size);

  // interleaved_end.cc
  void hold_segment(Frame& frame, const Connection& c);
  bool holds_bye(Connection& c, const Inside& target, StreamState& stream);
  bool names_an_end(const Connection& c, Bytes bytes) const;
  bool holds_units(const Connection& c) const;
  void look_ahead(Connection& c);
  void let_units_go(Connection& c);
  bool hide_bye(const Connection& c, TcpSequence passed);
  void settle_interleaved(Connection& c);

  // interleaved_splice.cc
  Exit relay_interleaved(Frame& frame, Connection& c, const tcp::Segment& in);
  Exit take_fin(Connection& c, const tcp::Segment& in, tcp::Segment out);
  void pass_rest(Connection& c, TcpSequence end, const tcp::Segment& out);
  bool pass_units(Connection& c, Frame* frame, const tcp::Segment& out);
  bool pass_unit(Connection& c);
  void pass_bytes(Connection& c, uint32_t size);
  bool pass_report(Connection& c, const Inside& target, StreamState& stream, uint32_t whole,
                   uint32_t there);
  void replace_unit(Connection& c, uint32_t whole, Bytes text);
  bool pass_message(Connection& c, uint32_t there);

  // interleaved_send.cc
  void tell_hole(Connection& c, const tcp::Segment& in);
  bool repeat_kept(Connection& c, const tcp::Segment& in, const tcp::Segment& out);
  void emit_passed(Connection& c, Frame* frame, const tcp::Segment& out);
  bool emit_in_place(Connection& c, Frame& frame, tcp::Segment out, TcpSequence begin, uint32_t size);
  void limit_window(const Connection& c, tcp::Segment& to_server) const;
  bool opens_again(Connection& c);

  // interleaved_join.cc
  void begin_joining(Connection& c);
  void take_over(Connection& c);
  bool joined(const Connection& c) const;
  bool all_cut(const Connection& c) const;
  void leave_joining(Connection& c);
  void start_joining(Connection& c);
  bool join_unit(Connection& c);
  void take_inside(rte_mbuf* mbuf, Connection& c, const FlowTarget& target);
  void take_early(Connection& c, rte_mbuf* mbuf, TcpSequence sequence);
  rte_mbuf* make_linear(size_t size);
  void put_inside(Connection& c, uint8_t channel, Bytes packet);
  void put_in_order(Connection& c, Bytes bytes);
  void put_behind(Connection& c);

  // interleaved_half.cc
  uint8_t half_channel(const Connection& c) const;
  StreamState* half_stream(const Connection& c);
  bool continues_half(const Connection& c, uint8_t channel, Bytes packet) const;
  void settle_half(Connection& c, const FlowTarget& target, StreamState& stream, MutableBytes packet,
                   rtp::Header& header);
  void settle_overdue_half(Connection& c);
  void learn_half_report(Connection& c);
  bool pad_half(Connection& c, Bytes like);

  // interleaved_client.cc
  static size_t client_frame(const Connection& c, Bytes bytes);
  void note_client_frame(Connection& c, Bytes frame);
  bool release_frame(Connection& c, Bytes frame, const tcp::Segment& out);

  // fragment_path.cc
  void handle_fragment(Frame& frame);
  bool is_followed(const FlowKey& key) const;
  bool may_be_followed(const net::Fragment& fragment) const;
  void transmit_in_pieces(rte_mbuf* mbuf, uint16_t port);
  bool cut(Bytes frame, const net::Packet& packet, const net::FragmentSize& size, uint16_t port);
  rte_mbuf* build_udp(const net::LinkHeader& link, uint16_t port, const Endpoint& source,
                      const Endpoint& destination, Bytes payload);

  // icmp_path.cc
  bool on_icmp(Frame& frame);
  void icmp_to_server(Frame& frame, Connection& c, const FlowTarget& target, net::QuotedFlow& quoted);
  void icmp_to_client(Frame& frame, Connection& c, const FlowTarget& target, net::QuotedFlow& quoted);
  void note_path_mtu(Connection& c, bool to_client, const net::QuotedFlow& quoted);

  // tracking.cc
  void note_next_hop(const Frame& frame, Connection& c);
  Connection* begin_connection(const Frame& frame, uint16_t service, uint16_t server, bool from_client);
  void apply_change(Connection& c, uint8_t change);
  void learn_streams(Connection& c);
  uint32_t new_stream();
  void free_stream(uint32_t slot);
  void anchor_streams(Connection& c);
  bool learn_flow(Connection& c, const FlowKey& key, FlowTarget target);
  void learn_media(Connection& c, uint8_t session, uint8_t stream, const Endpoint& rtp,
                   uint16_t rtcp_port);
  void learn_unknown_media(Connection& c, const rtsp::Message& answer);
  void learn_reports(Connection& c, uint8_t session, uint8_t stream);
  void forget(Connection& c);
  void report(const Connection& c, bool gone = false);

  // fence_path.cc
  void fence_server(Connection& c, const Address& server);
  bool fenced(const Frame& frame) const;
  void answer_with_reset(const Frame& frame);
  bool begins_anew(const Frame& frame, const Connection& c) const;

  // ending.cc
  bool must_go_on(const Connection& c, const rtsp::Session& session) const;
  bool is_opening(const Connection& c) const;
  bool ending_is_failure(const Connection& c) const;
  bool client_listens(const Connection& c, const rtsp::Session& session) const;
  bool plays_on(const Connection& c) const;
  bool all_ended(const Connection& c, const rtsp::Session& session) const;
  bool near_end(const Connection& c, const rtsp::Session& session) const;
  bool freeze(Connection& c, Cause cause);
  void suspect(Connection& c, Cause cause);
  bool silent(const Connection& c) const;
  void hold_bye(Frame& frame, Connection& c, const FlowTarget& target);
  void judge_bye(Connection& c, uint8_t session);
  void let_byes_go(Connection& c);
  void drop_byes(const Connection& c);
  void drop_bye(const Connection& c, uint32_t slot);
  void arm(Connection& c, Time when);
  void on_timer(Connection& c);

  // held_path.cc
  void acknowledge_alone(Connection& c);
  void let_go(Connection& c);
  void adopt_session(Connection& c, const rtsp::Message& message);
  void move_session(Connection& from, uint8_t old_index, Connection& to, uint8_t index);
  void move_flows(Connection& from, uint8_t old_index, Connection& to, uint8_t index);

  // handover.cc
  bool take_mail();
  bool leave_servers();
  void handle_mail(const ToWorker& mail);
  void note_host(const ToWorker& mail);
  void start_splice(Connection& c);
  void abandon(Connection& c);
  void divert(const FlowKey& key, bool on);
  void park(Frame& frame, Connection& c);
  void drop_parked(const Connection& c);
  void replay_parked(Connection& c);

  std::span<Connection> own_connections() {
    return connections_.subspan(first_connection_, places_.size());
  }

  HeldByes& held_byes(const Connection& c) { return held_byes_[c.index - first_connection_]; }
  const HeldByes& held_byes(const Connection& c) const {
    return held_byes_[c.index - first_connection_];
  }
  std::unique_ptr<Interleaved>& interleaved(const Connection& c) {
    return interleaved_[c.index - first_connection_];
  }
  const std::unique_ptr<Interleaved>& interleaved(const Connection& c) const {
    return interleaved_[c.index - first_connection_];
  }
  std::vector<Parked>& parked(const Connection& c) { return parked_[c.index - first_connection_]; }
  std::vector<Parked>& held(uint32_t slot) { return held_[slot - first_stream_]; }

  WorkerOptions options_;
  Exchange& exchange_;
  Mailbox& mailbox_;
  WorkerStats stats_;
  Time now_{};
  FlowTable flows_;
  Fragments fragments_;
  StationTable stations_;
  TimerWheel timers_;

  uint32_t first_connection_, first_stream_;  // of this worker
  std::span<Connection> connections_;         // of all workers; others' are not touched
  std::vector<uint32_t> free_connections_;
  std::span<StreamState> streams_;  // likewise
  std::vector<uint32_t> free_streams_;
  // By connection and stream of this worker.
  std::vector<HeldByes> held_byes_;
  std::vector<std::unique_ptr<Interleaved>> interleaved_;  // if it is
  std::vector<std::vector<Parked>> parked_;                // media that came before the splice
  std::vector<std::vector<Parked>> held_;  // media that may be new, while the cut is open
  size_t kept_ = 0;                        // frames in both: they come out of the ports' own pool

  struct HostState {
    bool known = false;   // has answered ARP
    bool silent = false;  // does not answer now
    bool healthy = true;  // not known to be down
    Time refused_until{};
    MacAddress mac;
    uint16_t port = 0;
    bool tagged = false;
    uint16_t vlan_tci = 0;
  };
  std::vector<HostState> hosts_;  // by server

  struct Leaving {  // a server that is down
    uint16_t server;
    Cause cause;
    Time since;
    size_t next;  // connection
  };
  std::vector<Leaving> leaving_;

  // What the next connection of a client goes by; apart from the connections, which control may own.
  struct Place {
    bool living = false;
    uint16_t service = 0, server = 0;
    Time begun{};
    Address client;
  };
  std::vector<Place> places_;  // by connection, this worker's
  std::vector<Candidate> candidates_;
  LivingConnections& living_;
  std::span<std::atomic<uint32_t>> custody_;  // bytes by connection, for all to read

  static constexpr uint16_t kBurst = 32;
  struct Burst {  // that is being handled; here, so that it need not be made anew each time
    std::array<Frame, kBurst> frames;
    std::array<FlowKey, kBurst> keys;
    std::array<FlowTarget, kBurst> targets;
  } burst_;
  struct TransmitBuffer {
    uint16_t count = 0;
    rte_mbuf* frames[kBurst];
  };
  std::vector<TransmitBuffer> transmit_;
};

}  // namespace midstream
