#include "control/operator.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace midstream {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Operator::~Operator() {
  for (Client& client : clients_) close(client);
  if (listener_ < 0) return;
  ::close(listener_);
  ::unlink(path_.c_str());
}

size_t Operator::clients() const {
  return static_cast<size_t>(std::count_if(clients_.begin(), clients_.end(),
                                           [](const Client& client) { return client.fd >= 0; }));
}

void Operator::poll(const Handler& handler) {
  if (listener_ < 0) return;
  ++turn_;
  std::array<pollfd, kOperatorClients + 1> ready;
  for (size_t i = 0; i < kOperatorClients; ++i) {
    const Client& client = clients_[i];
    const bool sending = !client.output.empty();
    ready[i] = {client.fd, static_cast<short>(sending ? POLLOUT : POLLIN), 0};
  }
  ready[kOperatorClients] = {listener_, POLLIN, 0};
  // One system call for a turn in which nobody asks, which is nearly every turn. A client with a
  // further request in its input has nothing new to be read, and is served all the same.
  if (::poll(ready.data(), ready.size(), 0) < 0) return;
  for (size_t i = 0; i < kOperatorClients; ++i)
    if (clients_[i].fd >= 0 && (ready[i].revents != 0 || !clients_[i].input.empty()))
      serve(clients_[i], handler);
  if (ready[kOperatorClients].revents != 0) accept_clients();
}

void Operator::accept_clients() {
  // As many as there are places: a crowd at the door must not hold up the control loop.
  for (size_t i = 0; i < kOperatorClients; ++i) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Client& client = free_place();
    client.fd = fd;
    client.active_turn = turn_;
  }
}

Operator::Client& Operator::free_place() {
  auto quieter = [](const Client& a, const Client& b) { return a.active_turn < b.active_turn; };
  auto place = std::find_if(clients_.begin(), clients_.end(),
                            [](const Client& client) { return client.fd < 0; });
  if (place == clients_.end()) place = std::min_element(clients_.begin(), clients_.end(), quieter);
  close(*place);
  return *place;
}

void Operator::serve(Client& client, const Handler& handler) {
  if (client.output.empty() && !client.finished) receive(client);
  if (client.fd >= 0 && client.output.empty()) answer_next_line(client, handler);
  if (client.fd >= 0 && !client.output.empty()) transmit(client);
  if (client.fd >= 0 && client.finished && client.output.empty() && client.input.empty()) close(client);
}

void Operator::receive(Client& client) {
  std::array<char, kLargestRequestBytes> bytes;
  const size_t room = kLargestRequestBytes - client.input.size();
  if (room == 0) return;  // whole lines are waiting
  const ssize_t count = ::recv(client.fd, bytes.data(), room, 0);
  if (count > 0)
    client.input.append(bytes.data(), static_cast<size_t>(count));
  else if (count == 0)
    client.finished = true;  // it may still read the answers to what it has sent
  else if (!would_block())
    close(client);
}

void Operator::answer_next_line(Client& client, const Handler& handler) {
  const size_t newline = client.input.find('\n');
  if (newline != std::string::npos) {
    client.output = answer_line(std::string_view(client.input).substr(0, newline), handler);
    client.input.erase(0, newline + 1);
    client.active_turn = turn_;
  } else if (client.input.size() == kLargestRequestBytes) {
    client.output = "{\"error\":\"a request has at most " + std::to_string(kLargestRequestBytes - 1) +
                    " bytes\"}\n";
    client.input.clear();
    client.finished = true;
  } else if (client.finished) {
    client.input.clear();  // half a request, and its rest will never come
  }
}

void Operator::transmit(Client& client) {
  const ssize_t count = ::send(client.fd, client.output.data() + client.sent,
                               client.output.size() - client.sent, MSG_NOSIGNAL);
  if (count < 0) {
    if (!would_block()) close(client);
    return;
  }
  client.active_turn = turn_;
  client.sent += static_cast<size_t>(count);
  if (client.sent < client.output.size()) return;
  client.output.clear();
  client.sent = 0;
}

void Operator::close(Client& client) {
  if (client.fd >= 0) ::close(client.fd);
  client = Client{};
}

}  // namespace midstream
