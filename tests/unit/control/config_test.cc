#include "control/config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/unit/control/config_file.h"

namespace midstream {
namespace {

Config read(const File& file) {
  auto result = parse_config(file.text(), "movies.toml");
  if (auto* error = std::get_if<ConfigError>(&result)) FAIL(error->text);
  return std::get<Config>(result);
}

}  // namespace

TEST_CASE("The smallest file means the documented defaults") {
  const Config config = read({});
  REQUIRE(config.device_addresses.size() == 1);
  CHECK(config.device_addresses[0].address == parse_address("10.99.0.254"));
  CHECK(config.device_addresses[0].length == 120);
  CHECK(config.idle == Idle::kSpin);
  CHECK(config.ports == std::vector<Side>{Side::kClient, Side::kServer});
  REQUIRE(config.servers.size() == 2);
  CHECK(config.servers[1].name == "b");
  CHECK(config.servers[1].address == parse_address("10.99.0.3"));
  CHECK_FALSE(config.servers[1].vlan);
  CHECK(config.servers[1].heartbeat.kind == HeartbeatConfig::Kind::kRtspOptions);
  CHECK(config.servers[1].heartbeat.interval == 500ms);
  CHECK(config.servers[1].heartbeat.multiplier == 3);
  REQUIRE(config.services.size() == 1);
  CHECK(config.services[0].name == "movies");
  CHECK(config.services[0].address == parse_address("10.99.0.2"));
  CHECK(config.services[0].port == 554);
  CHECK(config.services[0].servers == std::vector<size_t>{0, 1});
  CHECK(config.services[0].own_server == 0);
  CHECK(config.services[0].balance == Balance::kFirst);
  CHECK(config.detect.stall == 200ms);
  CHECK(config.detect.give_up == 10s);
  CHECK(config.limits.sessions == 4096);
  CHECK(config.limits.streams == 8192);
}

TEST_CASE("Every key means what it says") {
  File file;
  file.device = "[device]\naddress = [\"10.99.0.254/24\", \"fd00::1/64\"]\nidle = \"sleep\"\n";
  file.server_b = "[[server]]\nname = \"b\"\naddress = \"fd00::3\"\nvlan = 4094\n";
  file.service =
      "[[service]]\nname = \"six\"\naddress = \"fd00::3\"\nport = 8554\nservers = [\"b\"]\n"
      "resume = \"exact\"\nbalance = \"first\"\nuser = \"viewer\"\npassword = \"a: \\\"b\\\" c\"\n";
  file.rest =
      "[detect]\nstall_ms = 80\ngive_up_ms = 2500\n[limits]\nsessions = 16384\nstreams = 20000\n";
  const Config config = read(file);
  CHECK(config.device_addresses.size() == 2);
  CHECK(config.device_addresses[1].length == 64);
  CHECK(config.idle == Idle::kSleep);
  CHECK(config.servers[1].vlan == uint16_t{4094});
  CHECK(config.services[0].port == 8554);
  CHECK(config.services[0].servers == std::vector<size_t>{1});
  CHECK(config.services[0].own_server == 1);
  CHECK(config.services[0].credentials.user.view() == "viewer");
  CHECK(config.services[0].credentials.password.view() == "a: \"b\" c");
  CHECK(config.detect.stall == 80ms);
  CHECK(config.detect.give_up == 2500ms);
  CHECK(config.limits.sessions == 16384);
  CHECK(config.limits.streams == 20000);
}

TEST_CASE("There are two streams for each session, unless the file says otherwise") {
  File file;
  file.rest = "[limits]\nsessions = 500000\n";
  CHECK(read(file).limits.streams == 1'000'000);
}

TEST_CASE("A server overrides of the heartbeat what it names, wherever [heartbeat] stands") {
  File file;
  file.server_a += "heartbeat = { kind = \"rtsp-options\" }\n";
  file.server_b += "[server.heartbeat]\ninterval_ms = 100\n";
  file.rest = "[heartbeat]\nkind = \"none\"\ninterval_ms = 250\nmultiplier = 5\n";
  const Config config = read(file);
  CHECK(config.servers[0].heartbeat.kind == HeartbeatConfig::Kind::kRtspOptions);
  CHECK(config.servers[0].heartbeat.interval == 250ms);
  CHECK(config.servers[1].heartbeat.kind == HeartbeatConfig::Kind::kNone);
  CHECK(config.servers[1].heartbeat.interval == 100ms);
  CHECK(config.servers[1].heartbeat.multiplier == 5);
}

TEST_CASE("Two services may share a pool, each at its own server's address, or at another port") {
  File file;
  file.rest =
      "[[service]]\nname = \"news\"\naddress = \"10.99.0.3\"\nservers = [\"a\", \"b\"]\n"
      "[[service]]\nname = \"sport\"\naddress = \"10.99.0.3\"\nport = 8554\nservers = [\"b\"]\n";
  const Config config = read(file);
  REQUIRE(config.services.size() == 3);
  CHECK(config.services[1].own_server == 1);
}

TEST_CASE("A service's address may be nobody's, on-link of the device: a virtual one") {
  File file;
  file.service =
      "[[service]]\nname = \"movies\"\naddress = \"10.99.0.100\"\nservers = [\"b\", \"a\"]\n"
      "balance = \"least-sessions\"\n";
  file.rest =
      "[[service]]\nname = \"news\"\naddress = \"10.99.0.100\"\nport = 8554\n"
      "servers = [\"a\"]\nbalance = \"hash\"\n";
  const Config config = read(file);
  REQUIRE(config.services.size() == 2);
  CHECK_FALSE(config.services[0].own_server);
  CHECK(config.services[0].servers == std::vector<size_t>{1, 0});
  CHECK(config.services[0].balance == Balance::kLeastSessions);
  CHECK(config.services[1].balance == Balance::kHash);
}

TEST_CASE("A switch without servers and services is a bridge, and no mistake") {
  File file;
  file.server_a = file.server_b = file.service = "";
  CHECK(read(file).services.empty());
}

TEST_CASE("However a file is cut off, reading it ends with a config or one sentence") {
  const std::string whole = File{}.text();
  size_t good = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    auto result = parse_config(whole.substr(0, size), "movies.toml");
    if (auto* error = std::get_if<ConfigError>(&result)) {
      CHECK(error->text.find('\n') == std::string::npos);
      CHECK(error->text.rfind("movies.toml:", 0) == 0);
    } else {
      ++good;
    }
  }
  CHECK(good > 0);  // behind [[port]], and between the tables from there on
  CHECK(good < whole.size() / 4);
}

TEST_CASE("A file is read by its path, and one that cannot be read says so") {
  char path_template[] = "/tmp/midstream-test-XXXXXX";
  ::close(::mkstemp(path_template));
  const std::string path = path_template;
  std::ofstream(path) << File{}.text();
  CHECK(std::holds_alternative<Config>(load_config(path)));
  std::ofstream(path) << "x = 1\n" << File{}.text();
  CHECK(std::get<ConfigError>(load_config(path)).text == path + ":1: x: is not a known key");
  std::ofstream(path) << std::string((1 << 20) + 1, '#');
  CHECK(std::get<ConfigError>(load_config(path)).text ==
        path + ": cannot be read: it is larger than 1 MB");
  std::remove(path.c_str());
  CHECK(std::get<ConfigError>(load_config(path)).text ==
        path + ": cannot be read: No such file or directory");
  CHECK(std::get<ConfigError>(load_config("/")).text == "/: cannot be read: Is a directory");
}

}  // namespace midstream
