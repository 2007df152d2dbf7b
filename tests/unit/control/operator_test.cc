#include "control/operator.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "control/unix_address.h"

namespace midstream {
namespace {

// A directory of its own, as the EAL makes one for each --file-prefix.
struct RuntimeDirectory {
  std::string path;
  RuntimeDirectory() {
    char name[] = "/tmp/midstream-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~RuntimeDirectory() {
    ::unlink(socket().c_str());
    ::rmdir(path.c_str());
  }
  std::string socket() const { return operator_socket_in(path); }
};

// Somebody at the other end, who never waits either.
class Person {
 public:
  explicit Person(const std::string& path) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const auto address = unix_address(path);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0;
  }
  ~Person() { hang_up(); }
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;

  bool connected() const { return connected_; }
  void say(const std::string& text) {
    REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  void say_no_more() { ::shutdown(fd_, SHUT_WR); }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // What has come so far; "(closed)" behind it if that was the end.
  std::string hear() {
    std::string text;
    char bytes[65536];
    ssize_t count;
    while ((count = ::recv(fd_, bytes, sizeof(bytes), 0)) > 0)
      text.append(bytes, static_cast<size_t>(count));
    return count == 0 || errno == ECONNRESET ? text + "(closed)" : text;
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

nlohmann::json echo(const nlohmann::json& request) {
  return {{"rows", {request["command"]}}, {"next", request["after"]}};
}

void turns(Operator& switch_end, int count, const Operator::Handler& handler = echo) {
  for (int i = 0; i < count; ++i) switch_end.poll(handler);
}

std::string ask(const std::string& command) { return "{\"command\":\"" + command + "\"}\n"; }
std::string answer_to(const std::string& command) {
  return "{\"next\":null,\"rows\":[\"" + command + "\"]}\n";
}

struct Switch {
  RuntimeDirectory directory;
  Operator end{directory.socket()};
  Switch() { REQUIRE(end.open() == std::nullopt); }
  std::string socket() const { return directory.socket(); }
};

}  // namespace

TEST_CASE("A request is answered with one line, and the next one after it") {
  Switch it;
  Person person(it.socket());
  person.say(ask("servers"));
  turns(it.end, 2);
  CHECK(person.hear() == answer_to("servers"));
  person.say(ask("sessions"));
  turns(it.end, 1);
  CHECK(person.hear() == answer_to("sessions"));
}

TEST_CASE("A request that comes byte by byte is answered when its line is whole") {
  Switch it;
  Person person(it.socket());
  const std::string request = ask("servers");
  turns(it.end, 1);
  for (char byte : request) {
    CHECK(person.hear().empty());
    person.say(std::string(1, byte));
    turns(it.end, 1);
  }
  CHECK(person.hear() == answer_to("servers"));
}

TEST_CASE("Several requests at once are answered in order, one a turn") {
  Switch it;
  Person person(it.socket());
  person.say(ask("a") + ask("b") + ask("c"));
  turns(it.end, 2);
  CHECK(person.hear() == answer_to("a"));
  turns(it.end, 1);
  CHECK(person.hear() == answer_to("b"));
  turns(it.end, 1);
  CHECK(person.hear() == answer_to("c"));
}

TEST_CASE("Who says no more still gets the answers, then the end") {
  Switch it;
  Person person(it.socket());
  person.say(ask("a") + ask("b") + "{\"comm");
  person.say_no_more();
  turns(it.end, 5);
  CHECK(person.hear() == answer_to("a") + answer_to("b") + "(closed)");
  CHECK(it.end.clients() == 0);
}

TEST_CASE("A line without an end is refused, and costs the others nothing") {
  Switch it;
  Person rude(it.socket());
  Person polite(it.socket());
  rude.say(std::string(2 * kLargestRequestBytes, '{'));
  polite.say(ask("servers"));
  turns(it.end, 4);
  CHECK(rude.hear() == "{\"error\":\"a request has at most 4095 bytes\"}\n(closed)");
  CHECK(polite.hear() == answer_to("servers"));
  CHECK(it.end.clients() == 1);
}

TEST_CASE("The longest line that fits is a request") {
  Switch it;
  Person person(it.socket());
  std::string request = ask("servers");
  request.insert(request.size() - 1, kLargestRequestBytes - request.size(), ' ');
  person.say(request);
  turns(it.end, 2);
  CHECK(person.hear() == answer_to("servers"));
}

TEST_CASE("Who does not read holds one answer, and nobody up") {
  Switch it;
  const std::string much(1 << 20, 'x');
  int asked = 0;
  auto handler = [&](const nlohmann::json& request) {
    ++asked;
    return request["command"] == "much" ? nlohmann::json{{"rows", {much}}, {"next", nullptr}}
                                        : echo(request);
  };
  Person slow(it.socket());
  Person quick(it.socket());
  slow.say(ask("much") + ask("much"));
  turns(it.end, 20, handler);
  CHECK(asked == 1);  // the second waits until the first answer is out
  quick.say(ask("servers"));
  turns(it.end, 1, handler);
  CHECK(quick.hear() == answer_to("servers"));
  std::string heard;
  for (int i = 0; i < 100; ++i) {
    heard += slow.hear();
    turns(it.end, 1, handler);
  }
  const std::string answer = "{\"next\":null,\"rows\":[\"" + much + "\"]}\n";
  CHECK((heard == answer + answer));
  CHECK(asked == 3);
}

TEST_CASE("Who hangs up in the middle of an answer leaves a free place") {
  Switch it;
  auto handler = [](const nlohmann::json&) {
    return nlohmann::json{{"rows", {std::string(1 << 20, 'x')}}};
  };
  Person person(it.socket());
  person.say(ask("much"));
  turns(it.end, 3, handler);
  CHECK(it.end.clients() == 1);
  person.hang_up();
  turns(it.end, 2, handler);
  CHECK(it.end.clients() == 0);
}

TEST_CASE("A client too many takes the place of the one that was quiet for longest") {
  Switch it;
  std::vector<std::unique_ptr<Person>> people;
  for (size_t i = 0; i < kOperatorClients; ++i) {
    people.push_back(std::make_unique<Person>(it.socket()));
    turns(it.end, 1);
  }
  people[0]->say(ask("servers"));  // so it is the second that is quiet for longest
  turns(it.end, 1);
  Person late(it.socket());
  REQUIRE(late.connected());
  late.say(ask("sessions"));
  turns(it.end, 2);
  CHECK(late.hear() == answer_to("sessions"));
  CHECK(people[0]->hear() == answer_to("servers"));
  CHECK(people[1]->hear() == "(closed)");
  CHECK(people[2]->hear() == "");
  CHECK(it.end.clients() == kOperatorClients);
}

TEST_CASE("The socket file of a switch that is gone is replaced") {
  RuntimeDirectory directory;
  const auto address = unix_address(directory.socket());
  const int gone = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(gone, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0);
  ::close(gone);
  Operator it(directory.socket());
  REQUIRE(it.open() == std::nullopt);
  Person person(directory.socket());
  person.say(ask("servers"));
  turns(it, 2);
  CHECK(person.hear() == answer_to("servers"));
}

TEST_CASE("The socket of a switch that runs is left alone") {
  Switch it;
  {
    Operator second(it.socket());
    CHECK(second.open() == it.socket() + " is in use: another switch runs with this --file-prefix");
  }
  Person person(it.socket());
  CHECK(person.connected());
}

TEST_CASE("What cannot be a socket is an error with its path, and no file is lost") {
  RuntimeDirectory directory;
  std::ofstream(directory.socket()) << "precious";
  CHECK(Operator(directory.socket()).open() ==
        directory.socket() + " is in the way: it is not a socket");
  CHECK(std::ifstream(directory.socket()).good());
  const std::string nowhere = directory.path + "/none/midstream.sock";
  CHECK(Operator(nowhere).open() == "cannot listen on " + nowhere + ": No such file or directory");
  const std::string too_long(200, 'x');
  CHECK(Operator(too_long).open() == too_long + " is too long for a socket's path");
}

TEST_CASE("The socket is for the switch's own user, and goes with the switch") {
  RuntimeDirectory directory;
  struct stat status;
  {
    Operator it(directory.socket());
    REQUIRE(it.open() == std::nullopt);
    REQUIRE(::stat(directory.socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK(::stat(directory.socket().c_str(), &status) != 0);
}

TEST_CASE("The socket is where the EAL has its files") {
  ::setenv("RUNTIME_DIRECTORY", "/run/midstream", 1);
  CHECK(operator_socket_of("lab") == "/run/midstream/dpdk/lab/midstream.sock");
  ::unsetenv("RUNTIME_DIRECTORY");
  ::setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
  const bool root = ::getuid() == 0;
  CHECK(operator_socket_of("rte") ==
        std::string(root ? "/var/run" : "/run/user/1") + "/dpdk/rte/midstream.sock");
  ::unsetenv("XDG_RUNTIME_DIR");
  CHECK(operator_socket_of("rte") ==
        std::string(root ? "/var/run" : "/tmp") + "/dpdk/rte/midstream.sock");
}

}  // namespace midstream
