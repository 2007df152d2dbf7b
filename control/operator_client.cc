#include "control/operator_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "control/operator.h"
#include "control/unix_address.h"

namespace midstream {
namespace {

// A page holds the control loop of the switch up: 0.5 ms at this size (measured, sessions).
constexpr size_t kRowsAtATime = 200;
// The switch answers within a turn of its control loop; a stopped one must not hang the shell.
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

[[noreturn]] void fail(std::string text) { throw OperatorError{std::move(text)}; }

[[noreturn]] void fail_io() {
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    fail(fmt::format("the switch has not answered for {} s", kPatience.tv_sec));
  fail(fmt::format("the switch has closed the connection: {}", std::strerror(errno)));
}

}  // namespace

OperatorClient::~OperatorClient() {
  if (fd_ >= 0) ::close(fd_);
}

void OperatorClient::connect(const std::string& socket_path) {
  const auto address = unix_address(socket_path);
  if (!address) fail(fmt::format("{} is too long for a socket's path", socket_path));
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail(fmt::format("cannot make a socket: {}", std::strerror(errno)));
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0) return;
  if (errno == ENOENT || errno == ECONNREFUSED)
    fail(fmt::format("no switch is running at {}; if it has another --file-prefix, name it",
                     socket_path));
  if (errno == EAGAIN) fail_io();
  fail(fmt::format("cannot connect to {}: {}", socket_path, std::strerror(errno)));
}

void OperatorClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) fail_io();
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
}

std::string OperatorClient::read_line() {
  size_t searched = 0;
  for (;;) {
    const size_t newline = input_.find('\n', searched);
    if (newline != std::string::npos) {
      std::string line = input_.substr(0, newline);
      input_.erase(0, newline + 1);
      return line;
    }
    searched = input_.size();
    if (searched > kLargestAnswerBytes) fail("the switch sends an answer without an end");
    std::array<char, 65536> bytes;
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count == 0) fail("the switch has closed the connection: it is stopping, or too many ask");
    if (count < 0 && errno != EINTR) fail_io();
    if (count > 0) input_.append(bytes.data(), static_cast<size_t>(count));
  }
}

nlohmann::json OperatorClient::ask(const nlohmann::json& request) {
  send(request.dump() + '\n');
  nlohmann::json answer = nlohmann::json::parse(read_line(), nullptr, false);
  if (answer.is_object() && answer.contains("error") && answer["error"].is_string())
    fail("the switch says: " + answer["error"].get<std::string>());
  if (!answer.is_object() || !answer.contains("rows") || !answer["rows"].is_array())
    fail("the switch's answer has no rows: do switch and midstreamctl have the same version?");
  return answer;
}

nlohmann::json for_each_row(const Ask& ask, const std::string& command, nlohmann::json after,
                            const std::function<void(const nlohmann::json& row)>& take) {
  for (;;) {
    const nlohmann::json answer =
        ask({{"command", command}, {"after", after}, {"limit", kRowsAtATime}});
    for (const nlohmann::json& row : answer["rows"]) {
      take(row);
      if (row.is_object() && row.contains("id")) after = row["id"];
    }
    const nlohmann::json next = answer.value("next", nlohmann::json());
    if (next.is_null()) return after;
    after = next;
  }
}

}  // namespace midstream
