// Mail from control: sessions given back, frames to send, servers to leave.

#include <array>
#include <utility>

#include "dataplane/worker.h"

namespace midstream {
namespace {

constexpr size_t kMaxParked = 4096;  // frames a connection: two seconds of 20 Mbit/s
constexpr unsigned kLeftATurn = 16;  // connections: some 100 us, packets wait meanwhile
// The rest of the mailbox is for the frames of those that have left already.
constexpr unsigned kRoomToLeave = kMailboxEntries * 3 / 4;

}  // namespace

bool Worker::take_mail() {
  if (!mailbox_.has_mail_for_worker()) return false;
  std::array<ToWorker, kMailBurst> mails;
  const unsigned count = mailbox_.take(mails);
  for (unsigned i = 0; i < count; ++i) handle_mail(mails[i]);
  return count > 0;
}

void Worker::handle_mail(const ToWorker& mail) {
  Connection& c = connections_[mail.connection];
  const bool current = mail.generation == c.generation;
  switch (mail.kind) {
    case ToWorker::Kind::kTransmit:
      return transmit(mail.frame, mail.port);
    case ToWorker::Kind::kHandle:
      return handle(mail.frame, mail.port);
    case ToWorker::Kind::kFreezeServer:
      return leaving_.push_back({mail.server, mail.cause, now_, 0});
    case ToWorker::Kind::kFreeze:
      if (!current || !c.suspected || mail.server != c.server) return;
      c.suspected = false;
      if (ending_is_failure(c)) {
        freeze(c, c.cause);
      } else if (teardown_is_ours(c)) {
        end_for_client(c);
        choose_paths(c);
      }
      return;
    case ToWorker::Kind::kAlive:
      if (!current || c.state == ConnectionState::kFrozen || mail.server != c.server) return;
      c.suspected = false;
      c.trusted_until = now_ + options_.stall;
      tell_ends(c);
      return choose_paths(c);
    case ToWorker::Kind::kExpect:
      if (!learn_flow(c, {mail.endpoint, c.client, Protocol::kTcp, {}},
                      {FlowRole::kControlFromServer, 0, 0, c.index})) {
        ++stats_.not_tracked;
      }
      return;
    case ToWorker::Kind::kExpectMedia:
      return learn_media(c, mail.session, mail.stream, mail.endpoint, mail.rtcp_port);
    case ToWorker::Kind::kForgetServer:
      drop_parked(c);
      return fence_server(c, mail.endpoint.address);
    case ToWorker::Kind::kInside:
      return take_early(c, mail.frame, mail.sequence);
    case ToWorker::Kind::kSplice:
      start_splice(c);
      return choose_paths(c);
    case ToWorker::Kind::kAbandon:
      abandon(c);
      return choose_paths(c);
    case ToWorker::Kind::kEnd:
      drop_parked(c);
      end_for_client(c);
      return choose_paths(c);
    case ToWorker::Kind::kDivert:
      return divert({mail.endpoint, mail.client, Protocol::kTcp, {}}, mail.flag);
    case ToWorker::Kind::kHostState:
      return note_host(mail);
    case ToWorker::Kind::kServerState:
      hosts_[mail.server].healthy = mail.flag;
      return;
  }
}

// All connections of a server that is down, as many a turn as media can wait for and control has room
// for. Its state is read first: the rest of a frozen one is control's.
bool Worker::leave_servers() {
  if (leaving_.empty()) return false;
  Leaving& leaving = leaving_.front();
  const std::span<Connection> own = own_connections();
  for (unsigned left = 0; leaving.next < own.size(); ++leaving.next) {
    Connection& c = own[leaving.next];
    const bool ours = c.state == ConnectionState::kMonitored || c.state == ConnectionState::kSpliced;
    // One that came to it since then has found it up again.
    if (!ours || c.server != leaving.server || c.begun > leaving.since || c.failed_at > leaving.since)
      continue;
    if (++left > kLeftATurn || !mailbox_.has_room_for_control(kRoomToLeave)) return true;
    if (ending_is_failure(c)) {
      freeze(c, leaving.cause);
    } else if (teardown_is_ours(c)) {
      end_for_client(c);
      choose_paths(c);
    }
  }
  leaving_.erase(leaving_.begin());
  return true;
}

void Worker::note_host(const ToWorker& mail) {
  HostState& host = hosts_[mail.server];
  host.known = true;
  host.silent = mail.flag;
  host.mac = mail.mac;
  host.port = mail.port;
  host.tagged = mail.tagged;
  host.vlan_tci = mail.vlan_tci;
}

void Worker::start_splice(Connection& c) {
  c.state = ConnectionState::kSpliced;
  ++c.version;
  c.spliced = true;
  ++c.failovers;
  c.suspected = false;
  c.last_server_sign = now_;
  c.keep_alive.due = now_ + c.keep_alive.interval;
  c.keep_alive.outstanding = 0;
  for (auto& session : c.stream_state) {
    for (const uint32_t slot : session) {
      if (slot == kNoStream) continue;
      streams_[slot].interval.restart(now_);
      streams_[slot].said_bye = streams_[slot].ended = false;
    }
  }
  report(c);
  arm(c, now_ + options_.stall / 4);
  apply_change(c, std::exchange(c.change, rtsp::kNothing));
  if (c.interleaved) start_joining(c);
  replay_parked(c);
  send_origin(c, false);
  send_origin(c, true);
  acknowledge_sender(c, true);
  if (c.interleaved) {
    pass_units(c, nullptr, make_to_client(c.splice, c.splice.to_server.input_base));
    return acknowledge_sender(c, false);
  }
  release_messages(c, false, make_to_client(c.splice, c.splice.to_server.input_base));
}

// Nobody can serve it: the client is told (contract: honesty). RFC 5961 3.2 has a client obey only at
// exactly RCV.NXT, which is one of these two.
void Worker::abandon(Connection& c) {
  const tcp::Custody& custody = c.splice.to_client.custody;
  tcp::Segment reset;
  reset.flags.rst = reset.flags.ack = true;
  reset.acknowledgement = c.from_client.next_expected();
  reset.sequence = custody.end();
  send_segment(c, true, reset);
  if (custody.begin() != custody.end()) {
    reset.sequence = custody.begin();
    send_segment(c, true, reset);
  }
  drop_parked(c);
  fence_server(c, c.server_endpoint.address);
  c.spliced = true;  // what still comes for it has no other side any more
  ++c.failovers;
  c.state = ConnectionState::kClosed;
  c.closed_at = now_;
  report(c);
  arm(c, now_ + 1s);
}

// A flow that is in use stays what it is. A fence keeps its connection, and comes back.
void Worker::divert(const FlowKey& key, bool on) {
  const auto target = flows_.find(key);
  if (on && target && target->role != FlowRole::kFenced) return;
  if (!on && (!target || target->role != FlowRole::kDiverted)) return;
  const uint32_t connection = target ? target->connection : kNoConnection;
  if (!on && connection == kNoConnection) return flows_.remove(key);
  const FlowRole role = on ? FlowRole::kDiverted : FlowRole::kFenced;
  if (!flows_.put(key, {role, 0, 0, connection})) ++stats_.not_tracked;
}

void Worker::park(Frame& frame, Connection& c) {
  auto& queue = parked(c);
  if (queue.size() >= kMaxParked || kept_ >= options_.max_kept)
    return drop(frame.mbuf, Drop::kParkFull);
  queue.push_back({frame.mbuf, frame.port});
  ++kept_;
}

void Worker::drop_parked(const Connection& c) {
  kept_ -= parked(c).size();
  for (const Parked& parked : parked(c)) drop(parked.frame, Drop::kFenced);
  parked(c).clear();
}

void Worker::replay_parked(Connection& c) {
  std::vector<Parked> queue;
  queue.swap(parked(c));
  kept_ -= queue.size();
  for (const Parked& parked : queue) handle(parked.frame, parked.port);
}

}  // namespace midstream
