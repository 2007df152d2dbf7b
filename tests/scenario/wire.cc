#include "tests/scenario/wire.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace midstream::scenario {
namespace {

constexpr size_t kFrameBytes = 65536;            // the kernel hands over what it has merged
constexpr int kReceiveBuffer = 4 * 1024 * 1024;  // a busy machine may not run us for a while
constexpr Duration kLongestWait = 1s;            // for an event that is far away

Duration steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

[[noreturn]] void fail(const std::string& interface, const char* what) {
  throw std::runtime_error(interface + ": " + what + ": " + std::strerror(errno));
}

int open_socket(const std::string& interface) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0) fail(interface, "no packet socket");
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (where.sll_ifindex == 0) fail(interface, "no such interface");
  if (::bind(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0)
    fail(interface, "cannot bind");
  const int on = 1;
  ::setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  return fd;
}

MacAddress hardware_address(int fd, const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(fd, SIOCGIFHWADDR, &request) != 0) fail(interface, "no hardware address");
  MacAddress mac;
  std::copy_n(request.ifr_hwaddr.sa_data, 6, mac.octets.begin());
  return mac;
}

}  // namespace

Wire::Wire(Timeline& timeline, Segment& segment, const std::string& interface)
    : timeline_(timeline), segment_(segment), socket_(open_socket(interface)) {
  mac_ = hardware_address(socket_, interface);
  // A full transmit queue loses the frame, as a cable would.
  cable_ = segment.attach("wire", false, [this](const Frame& f) {
    (void)!::send(socket_, f.data(), f.size(), MSG_DONTWAIT);
  });
  segment.from(cable_).delay = segment.to(cable_).delay = Duration(0);
  ahead_ = timeline.now().time_since_epoch() - steady();
}

Wire::~Wire() { ::close(socket_); }

void Wire::advance() {
  const Time now{steady() + ahead_};
  if (now > timeline_.now()) timeline_.run_for(now - timeline_.now());
}

void Wire::receive_all() {
  std::array<uint8_t, kFrameBytes> buffer;
  for (;;) {
    const ssize_t bytes = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (bytes <= 0) return;
    segment_.send(cable_, Frame(buffer.begin(), buffer.begin() + bytes));
  }
}

void Wire::run(const std::function<bool()>& on_input) {
  for (;;) {
    advance();
    Duration wait = kLongestWait;
    if (const auto next = timeline_.next()) wait = std::min(wait, *next - timeline_.now());
    std::array<pollfd, 2> ready{{{socket_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    const timespec limit{wait / 1s, (wait % 1s).count()};
    if (::ppoll(ready.data(), ready.size(), &limit, nullptr) < 0 && errno != EINTR) return;
    advance();
    receive_all();
    if (ready[1].revents != 0 && !on_input()) return;
  }
}

}  // namespace midstream::scenario
