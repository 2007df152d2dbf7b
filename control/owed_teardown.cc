#include "control/owed_teardown.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/hash.h"
#include "lib/rtsp/message.h"

namespace midstream {
namespace {

// Sessions, all servers; about 50 MB, so that several storms of 10,000 fit. Beyond: the oldest are let
// go.
constexpr size_t kMaxOwed = 65536;
constexpr size_t kMaxPayments = 16;  // at once: a server that has just come back has other things to do
constexpr Duration kRetry = 5s;      // a server that is up but does not answer
constexpr Duration kLook = 1ms;      // at the timers of payments under way
constexpr Duration kConnectLimit = 1s;
constexpr Duration kAnswerLimit = 2s;

}  // namespace

OwedTeardowns::OwedTeardowns(const Config& config, Network& network, Random& random,
                             std::function<bool(size_t server)> usable)
    : network_(network),
      random_(random),
      usable_(std::move(usable)),
      was_usable_(config.servers.size()) {}

OwedTeardowns::~OwedTeardowns() = default;

size_t OwedTeardowns::HashKey::operator()(const Key& key) const {
  const uint64_t hash = fnv1a(as_text(key.client.address.octets));
  return (hash ^ key.client.port) * kFnvPrime ^ key.server;
}

OwedTeardowns::Debt* OwedTeardowns::find(size_t server, const Endpoint& client) {
  const auto found = by_key_.find({server, client});
  return found == by_key_.end() ? nullptr : &*found->second;
}
const OwedTeardowns::Debt* OwedTeardowns::find(size_t server, const Endpoint& client) const {
  const auto found = by_key_.find({server, client});
  return found == by_key_.end() ? nullptr : &*found->second;
}

void OwedTeardowns::add(size_t server, uint16_t port, const Client& client, const Session& session,
                        Time now) {
  if (session.id.empty()) return;
  if (sessions_ == kMaxOwed) forget(debts_.front());
  Debt* debt = find(server, client.endpoint);
  if (debt == nullptr) {
    debt = &debts_.emplace_back();
    debt->key = {server, client.endpoint};
    debt->number = number_++;
    by_key_.emplace(debt->key, std::prev(debts_.end()));
  }
  debt->name = {server, port, client.endpoint, client.mac, client.connection};
  if (usable_(server)) {
    set_due(*debt, now);
  } else {
    was_usable_[server] = false;  // due when it is back
  }
  if (std::ranges::any_of(debt->sessions,
                          [&](const Session& s) { return s.id.view() == session.id.view(); }))
    return;
  debt->sessions.push_back(session);
  ++sessions_;
}

void OwedTeardowns::set_due(Debt& debt, std::optional<Time> when) {
  if (debt.due) due_.erase({*debt.due, debt.number});
  debt.due = debt.payment ? std::nullopt : when;
  if (debt.due) due_[{*debt.due, debt.number}] = &debt;
}

void OwedTeardowns::forget(Debt& debt) {
  stop(debt);
  set_due(debt, std::nullopt);
  sessions_ -= debt.sessions.size();
  const auto place = by_key_.find(debt.key);
  const auto in_order = place->second;
  by_key_.erase(place);
  debts_.erase(in_order);
}

size_t OwedTeardowns::count(size_t server) const {
  size_t count = 0;
  for (const Debt& debt : debts_) count += debt.key.server == server ? debt.sessions.size() : 0;
  return count;
}

bool OwedTeardowns::owed(size_t server, const Endpoint& client) const {
  return find(server, client) != nullptr;
}

bool OwedTeardowns::paying(size_t server, const Endpoint& client) const {
  const Debt* debt = find(server, client);
  return debt != nullptr && debt->payment;
}

void OwedTeardowns::pay_now(size_t server, const Endpoint& client, Time now) {
  Debt* debt = find(server, client);
  if (debt != nullptr && !debt->payment) start(*debt, now);
}

// What the sessions are asked to end with, on one connection, one behind the other.
void OwedTeardowns::start(Debt& debt, Time now) {
  set_due(debt, std::nullopt);
  paying_.push_back(&debt);
  debt.payment = std::make_unique<Payment>(
      [this, name = debt.name](const tcp::Segment& segment) { network_.send(name, segment); });
  network_.listen(debt.name, [this, key = debt.key](const tcp::Segment& segment, Time at) {
    on_segment(key, segment, at);
  });
  tcp::EndpointOptions options;
  options.local_port = debt.key.client.port;
  options.remote_port = debt.name.server_port;
  options.initial_sequence = TcpSequence(random_.u32());
  options.give_up = kConnectLimit;
  debt.payment->deadline = now + kAnswerLimit;
  debt.payment->endpoint.open(options, now);
  uint32_t cseq = 0;
  for (const Session& session : debt.sessions) {
    const std::string text = fmt::format("TEARDOWN {} RTSP/1.0\r\nCSeq: {}\r\nSession: {}\r\n\r\n",
                                         session.url.view(), ++cseq, session.id.view());
    if (!debt.payment->endpoint.send(as_bytes(text), now)) break;  // the rest: next time
  }
}

void OwedTeardowns::on_segment(const Key& key, const tcp::Segment& segment, Time now) {
  Debt* debt = find(key.server, key.client);
  if (debt == nullptr || !debt->payment) return;
  debt->payment->endpoint.on_segment(segment, now);
  read_answers(*debt, now);
  next_look_ = now;  // settled there: this may be the end of it
}

// Answers come in the order of the requests (RFC 2326 9.1).
void OwedTeardowns::read_answers(Debt& debt, Time now) {
  tcp::Endpoint& endpoint = debt.payment->endpoint;
  while (!endpoint.readable().empty() && !debt.sessions.empty()) {
    rtsp::Message message;
    const rtsp::ParseResult parsed = rtsp::parse_message(endpoint.readable(), message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) return;
    const bool final_answer =
        parsed.status == rtsp::ParseStatus::kDone && !message.is_request && message.status >= 200;
    endpoint.consume(parsed.bytes);
    if (!final_answer) continue;
    debt.sessions.erase(debt.sessions.begin());
    --sessions_;
    ++debt.payment->answered;
    debt.payment->deadline = now + kAnswerLimit;
  }
}

// True if this payment has ended, whatever is still owed.
bool OwedTeardowns::is_over(Debt& debt, Time now) {
  Payment& payment = *debt.payment;
  payment.endpoint.poll(now);
  const tcp::EndpointError error = payment.endpoint.error();
  if (error == tcp::EndpointError::kRefused) {
    sessions_ -= debt.sessions.size();
    debt.sessions.clear();
  }
  return debt.sessions.empty() || error != tcp::EndpointError::kNone || now >= payment.deadline;
}

void OwedTeardowns::settle(Time now) {
  const std::vector<Debt*> paying = paying_;
  for (Debt* debt : paying) {
    if (!is_over(*debt, now)) continue;
    // gst closes behind each TEARDOWN: the others have a connection of their own.
    const Time next_try = debt->payment->answered > 0 ? now : now + kRetry;
    stop(*debt);
    if (debt->sessions.empty()) {
      forget(*debt);
    } else {
      set_due(*debt, next_try);
    }
  }
}

void OwedTeardowns::stop(Debt& debt) {
  if (!debt.payment) return;
  debt.payment->endpoint.reset();
  network_.stop_listening(debt.name);
  debt.payment.reset();
  std::erase(paying_, &debt);
}

void OwedTeardowns::poll(Time now) {
  for (size_t server = 0; server < was_usable_.size(); ++server) {
    const bool back = usable_(server) && !was_usable_[server];
    was_usable_[server] = usable_(server);
    if (!back) continue;
    for (Debt& debt : debts_)
      if (debt.key.server == server) set_due(debt, now);
  }
  if (!paying_.empty() && now >= next_look_) {
    settle(now);
    next_look_ = now + kLook;
  }
  while (!due_.empty() && due_.begin()->first.first <= now && paying_.size() < kMaxPayments) {
    Debt& debt = *due_.begin()->second;
    set_due(debt, std::nullopt);
    if (usable_(debt.key.server)) start(debt, now);  // else when it is back
  }
}

}  // namespace midstream
