// Sessions that were left at a server, still to be torn down there (contract: the old server is
// fenced).
//
// gst ends a session with its connection. live555's and gortsplib's sessions with UDP outlive it and go
// on sending; they need a TEARDOWN with their Session id, which may come on any connection, for
// gortsplib only from the client's own address; till then it refuses the client's ports to any other
// session. So it is paid in the client's name and from its own port: where the server still holds the
// old connection, that ends too (RFC 5961: challenge, RST at the number it names, SYN again).
//
// Any answer settles a debt, 454 as well; so does a refused connection: the process is gone, and its
// sessions with it. Silence does not. It is tried at once if the server lives, as soon as it is back,
// every few seconds otherwise, and in any case before the server is used again for that client.
// Example: a stalls, b takes over; TEARDOWN to a: no answer, 1 owed. a thaws, its heartbeat is
// answered: TEARDOWN, 200 or 454, none owed.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/network.h"
#include "lib/rtsp/headers.h"
#include "lib/tcp/endpoint.h"

namespace midstream {

class OwedTeardowns {
 public:
  struct Session {
    FixedString<128> id;  // in the server's words, as the URL
    rtsp::Url url;
  };
  struct Client {
    Endpoint endpoint;
    MacAddress mac;
    uint32_t connection = 0;  // any of its: which worker it belongs to
  };

  OwedTeardowns(const Config& config, Network& network, Random& random,
                std::function<bool(size_t server)> usable);
  ~OwedTeardowns();

  // `port` is the server's. Paid at once if the server is up.
  void add(size_t server, uint16_t port, const Client& client, const Session& session, Time now);
  void poll(Time now);

  size_t count(size_t server) const;
  bool owed(size_t server, const Endpoint& client) const;
  void pay_now(size_t server, const Endpoint& client, Time now);
  bool paying(size_t server, const Endpoint& client) const;

 private:
  struct Key {
    size_t server = 0;
    Endpoint client;
    bool operator==(const Key&) const = default;
  };
  struct HashKey {
    size_t operator()(const Key& key) const;
  };
  struct Payment {
    explicit Payment(tcp::Endpoint::Emit emit) : endpoint(std::move(emit)) {}
    tcp::Endpoint endpoint;
    Time deadline{};
    uint32_t answered = 0;
  };
  struct Debt {
    Key key;
    uint64_t number = 0;  // counts debts: among equals in time the older one is first
    Network::InName name;
    std::vector<Session> sessions;
    std::optional<Time> due;  // in due_
    std::unique_ptr<Payment> payment;
  };
  using Debts = std::list<Debt>;

  Debt* find(size_t server, const Endpoint& client);
  const Debt* find(size_t server, const Endpoint& client) const;
  void set_due(Debt& debt, std::optional<Time> when);
  void start(Debt& debt, Time now);
  void on_segment(const Key& key, const tcp::Segment& segment, Time now);
  void read_answers(Debt& debt, Time now);
  void settle(Time now);
  bool is_over(Debt& debt, Time now);
  void stop(Debt& debt);
  void forget(Debt& debt);

  Network& network_;
  Random& random_;
  std::function<bool(size_t server)> usable_;
  Debts debts_;  // oldest first
  std::unordered_map<Key, Debts::iterator, HashKey> by_key_;
  std::map<std::pair<Time, uint64_t>, Debt*> due_;  // those of servers that are up and not being paid
  std::vector<Debt*> paying_;
  size_t sessions_ = 0;
  uint64_t number_ = 0;
  Time next_look_{};
  std::vector<bool> was_usable_;
};

}  // namespace midstream
