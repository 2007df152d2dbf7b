#include "control/owed_teardown.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/rtsp/message.h"

namespace midstream {
namespace {

constexpr size_t kMaxOwed = 4096;    // sessions, all servers; about 3 MB. Beyond: the oldest are let go
constexpr size_t kMaxPayments = 16;  // at once: a server that has just come back has other things to do
constexpr Duration kRetry = 5s;      // a server that is up but does not answer
constexpr Duration kLook = 100ms;    // for debts that are due
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

void OwedTeardowns::add(size_t server, uint16_t port, const Client& client, const Session& session,
                        Time now) {
  if (session.id.empty()) return;
  if (sessions_ == kMaxOwed) forget_oldest();
  const auto [place, fresh] = debts_.try_emplace({server, client.endpoint});
  Debt& debt = place->second;
  if (fresh) debt.since = now;
  debt.name = {server, port, client.endpoint, client.mac, client.connection};
  debt.next_try = now;
  if (std::ranges::any_of(debt.sessions,
                          [&](const Session& s) { return s.id.view() == session.id.view(); }))
    return;
  debt.sessions.push_back(session);
  ++sessions_;
  next_look_ = now;
}

void OwedTeardowns::forget_oldest() {
  const auto oldest =
      std::ranges::min_element(debts_, {}, [](const auto& d) { return d.second.since; });
  stop(*oldest);
  sessions_ -= oldest->second.sessions.size();
  debts_.erase(oldest);
}

size_t OwedTeardowns::count(size_t server) const {
  size_t count = 0;
  for (const auto& [key, debt] : debts_) count += key.server == server ? debt.sessions.size() : 0;
  return count;
}

bool OwedTeardowns::owed(size_t server, const Endpoint& client) const {
  return debts_.contains({server, client});
}

bool OwedTeardowns::paying(size_t server, const Endpoint& client) const {
  const auto found = debts_.find({server, client});
  return found != debts_.end() && found->second.payment;
}

void OwedTeardowns::pay_now(size_t server, const Endpoint& client, Time now) {
  const auto found = debts_.find({server, client});
  if (found != debts_.end() && !found->second.payment) start(*found, now);
}

// What the sessions are asked to end with, on one connection, one behind the other.
void OwedTeardowns::start(Debts::value_type& entry, Time now) {
  auto& [key, debt] = entry;
  ++payments_;
  debt.payment = std::make_unique<Payment>(
      [this, name = debt.name](const tcp::Segment& segment) { network_.send(name, segment); });
  network_.listen(debt.name, [this, key = key](const tcp::Segment& segment, Time at) {
    on_segment(key, segment, at);
  });
  tcp::EndpointOptions options;
  options.local_port = key.client.port;
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
  const auto found = debts_.find(key);
  if (found == debts_.end() || !found->second.payment) return;
  found->second.payment->endpoint.on_segment(segment, now);
  read_answers(found->second, now);
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

// True if nothing is owed any more.
bool OwedTeardowns::settle(Debts::value_type& entry, Time now) {
  Debt& debt = entry.second;
  Payment& payment = *debt.payment;
  payment.endpoint.poll(now);
  const tcp::EndpointError error = payment.endpoint.error();
  if (error == tcp::EndpointError::kRefused) {
    sessions_ -= debt.sessions.size();
    debt.sessions.clear();
  }
  const bool ended = error != tcp::EndpointError::kNone || now >= payment.deadline;
  if (!debt.sessions.empty() && !ended) return false;
  // gst closes behind each TEARDOWN: the others have a connection of their own.
  debt.next_try = payment.answered > 0 ? now : now + kRetry;
  stop(entry);
  return debt.sessions.empty();
}

void OwedTeardowns::stop(Debts::value_type& entry) {
  Debt& debt = entry.second;
  if (!debt.payment) return;
  debt.payment->endpoint.reset();
  network_.stop_listening(debt.name);
  debt.payment.reset();
  --payments_;
}

void OwedTeardowns::poll(Time now) {
  for (size_t server = 0; server < was_usable_.size(); ++server) {
    const bool back = usable_(server) && !was_usable_[server];
    was_usable_[server] = usable_(server);
    if (!back) continue;
    for (auto& [key, debt] : debts_)
      if (key.server == server) debt.next_try = now;
    next_look_ = now;
  }
  if (payments_ == 0 && now < next_look_) return;
  for (auto it = debts_.begin(); it != debts_.end();) {
    Debt& debt = it->second;
    const bool due = now >= debt.next_try && usable_(it->first.server);
    if (!debt.payment && due && payments_ < kMaxPayments) start(*it, now);
    it = debt.payment && settle(*it, now) ? debts_.erase(it) : std::next(it);
  }
  next_look_ = now + kLook;
}

}  // namespace midstream
