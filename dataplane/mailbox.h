// Where worker and control meet: two single-producer single-consumer rings of small values. A full
// ring never blocks: post() says false, the poster counts and goes on.
//
// Mail is taken in bursts, and a turn of either side takes no more than one: so a turn stays short
// however much there is, and of several workers none is kept waiting by another.
//
// Order is the contract: what control posts before a frame to transmit is known to the worker before
// that frame leaves; frames that the worker hands over keep their order.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/stream_state.h"
#include "dataplane/tables.h"

namespace midstream {

// A session's facts for the operator, copied when they change.
struct SessionReport {
  uint32_t connection = 0, generation = 0;
  uint8_t session = 0;
  bool gone = false;
  uint16_t service = 0, server = 0;
  Endpoint client;
  ConnectionState connection_state = ConnectionState::kUnused;
  rtsp::Unprotected unprotected = rtsp::Unprotected::kNone;
  rtsp::PlayState play_state = rtsp::PlayState::kInit;
  uint32_t failovers = 0;
  FixedString<128> id;
  rtsp::Url url;
  uint8_t stream_count = 0;
  std::array<uint32_t, rtsp::kMaxStreams> stream_state;
  std::array<FixedString<32>, rtsp::kMaxStreams> encoding;
};

struct Resumed {  // the first new packet of a stream after a failover
  uint8_t session = 0, stream = 0;
  rtp::CutMethod method = rtp::CutMethod::kNone;
  uint32_t dropped = 0;  // packets of the new server that the client had already
  Time last_of_old{};    // when the client was sent the old server's last packet
  Duration lag{};        // of the session, over all its failovers
  bool padded = false;   // the old server's last packet was half sent, and could not be completed
};

struct ToControl {
  enum class Kind : uint8_t {
    kFrame,            // for the device's own address, or ARP: frame
    kConnectionFrame,  // of a connection that control owns: frame, connection
    kFrozen,           // connection: owned by control from now on
    kSuspect,          // connection's server is silent or said BYE: does it live?
    kReport,           // report; control returns it to the pool
    kResumed,
  };
  Kind kind;
  uint16_t port = 0;
  uint32_t connection = 0;
  uint32_t generation = 0;  // kSuspect
  uint16_t server = 0;      // kSuspect
  rte_mbuf* frame = nullptr;
  Connection* owned = nullptr;
  SessionReport* report = nullptr;
  Time at{};
  Resumed resumed;
};

struct ToWorker {
  enum class Kind : uint8_t {
    kTransmit,      // frame to port
    kHandle,        // frame as if it had been received on port
    kFreezeServer,  // server: hand over every protected connection of it, for `cause`
    kFreeze,        // connection, for `cause` (answer to kSuspect), only if generation fits
    kAlive,         // connection: the server answered, let held endings go
    kExpect,        // connection (owned by control): route TCP of `endpoint` to the client to control
    kExpectMedia,   // connection, session, stream: park media of `endpoint` (RTP port; `rtcp_port`)
    kForgetServer,  // connection (owned by control): an attempt on `endpoint` failed, fence it
    kInside,        // connection: what the server sent inside it so far, from `sequence` on, in frame
    kSplice,        // connection: given back, spliced
    kAbandon,       // connection: given back, nobody can serve it
    kEnd,           // connection: given back, its client tears down: nobody needs to serve it
    kDivert,        // TCP of `endpoint` to `client` is control's (flag), or fenced again
    kHostState,     // server: where its host is; silent (flag) or not: answer ARP for it
    kServerState,   // server: it is down (not flag) or not
  };
  Kind kind;
  bool flag = false;
  uint8_t session = 0, stream = 0;
  uint16_t port = 0;
  uint16_t server = 0;
  uint16_t rtcp_port = 0;
  uint32_t connection = 0, generation = 0;  // kTransmit, kHandle: what the frame belongs to, if to any
  Cause cause = Cause::kFin;
  Endpoint endpoint, client;
  MacAddress mac;  // kHostState: the host's, behind `port`
  bool tagged = false;
  uint16_t vlan_tci = 0;
  rte_mbuf* frame = nullptr;
  TcpSequence sequence;
  Time at{};
};

inline constexpr unsigned kMailBurst = 32;
inline constexpr uint32_t kMailboxEntries = 8192;

class Mailbox {
 public:
  Mailbox(int numa_node, uint32_t entries = kMailboxEntries);
  ~Mailbox();

  // Worker's side.
  bool post(const ToControl& mail);
  unsigned take(std::span<ToWorker, kMailBurst> mails);  // how many there were
  bool has_mail_for_worker() const { return rte_ring_empty(to_worker_.get()) == 0; }
  bool has_room_for_control(unsigned mails) const;  // stays true until the worker itself posts
  // Control's side. send() is for mail that must not be lost: what does not fit waits, in order, for
  // the next flush(); nothing is posted past it.
  bool post(const ToWorker& mail);
  void send(const ToWorker& mail);
  void flush();
  unsigned take(std::span<ToControl, kMailBurst> mails);

  SessionReport* new_report();              // worker; nullptr if the pool is empty
  void free_report(SessionReport* report);  // control

 private:
  struct FreeRing {
    void operator()(rte_ring* ring) const { rte_ring_free(ring); }
  };
  struct FreePool {
    void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
  };
  std::unique_ptr<rte_ring, FreeRing> to_control_, to_worker_;
  std::unique_ptr<rte_mempool, FreePool> reports_;
  std::deque<ToWorker> waiting_;  // control's
};

// Control's side of all workers' mailboxes: what is about a server goes to every worker, all else to
// the worker that the connection belongs to.
class Mailboxes {
 public:
  // `connections` is how many each worker has.
  Mailboxes(unsigned workers, uint32_t connections, int numa_node);

  Mailbox& of(unsigned worker) { return *boxes_[worker]; }
  bool post(const ToWorker& mail) { return of(worker_of(mail.connection)).post(mail); }
  void send(const ToWorker& mail);
  void flush();
  size_t size() const { return boxes_.size(); }
  void free_report(SessionReport* report) { of(worker_of(report->connection)).free_report(report); }

 private:
  unsigned worker_of(uint32_t connection) const { return connection / connections_; }

  uint32_t connections_;
  std::vector<std::unique_ptr<Mailbox>> boxes_;
};

}  // namespace midstream
