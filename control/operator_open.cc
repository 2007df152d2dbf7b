// Opening the socket, and where it is.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "control/operator.h"
#include "control/unix_address.h"

namespace midstream {
namespace {

// Connections that wait for their first turn; a turn takes as many as there are places.
constexpr int kBacklog = kOperatorClients;

// Removes what a switch that is gone has left. What stands in the way, or nothing.
std::optional<std::string> clear_the_way(const std::string& path, const sockaddr_un& address) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;  // bind() reports what matters
  if (!S_ISSOCK(status.st_mode)) return fmt::format("{} is in the way: it is not a socket", path);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return fmt::format("cannot make a socket: {}", std::strerror(errno));
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  ::close(probe);
  if (error == 0 || error == EAGAIN)  // EAGAIN: it lives, and has much to do
    return fmt::format("{} is in use: another switch runs with this --file-prefix", path);
  if (error != ECONNREFUSED) return fmt::format("cannot use {}: {}", path, std::strerror(error));
  ::unlink(path.c_str());
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Operator::open() {
  const auto address = unix_address(path_);
  if (!address) return fmt::format("{} is too long for a socket's path", path_);
  if (auto obstacle = clear_the_way(path_, *address)) return obstacle;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fmt::format("cannot make a socket: {}", std::strerror(errno));
  // On Linux the file that bind() makes inherits the mode: for the switch's own user only.
  ::fchmod(fd, S_IRUSR | S_IWUSR);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    std::string error = fmt::format("cannot listen on {}: {}", path_, std::strerror(errno));
    ::close(fd);
    return error;
  }
  listener_ = fd;
  return std::nullopt;
}

std::string operator_socket_in(const std::string& runtime_directory) {
  return runtime_directory + "/midstream.sock";
}

// The rules of eal_create_runtime_dir() (DPDK 22.11, lib/eal/unix/eal_filesystem.c).
std::string operator_socket_of(const std::string& file_prefix) {
  const char* directory = std::getenv("RUNTIME_DIRECTORY");
  if (directory == nullptr) {
    directory = ::getuid() == 0 ? "/var/run" : std::getenv("XDG_RUNTIME_DIR");
    if (directory == nullptr) directory = "/tmp";
  }
  return operator_socket_in(fmt::format("{}/dpdk/{}", directory, file_prefix));
}

}  // namespace midstream
