#include <catch2/catch.hpp>
#include <string>

#include "control/config.h"
#include "tests/unit/control/config_file.h"

namespace midstream {
namespace {

std::string mistake(const File& file) {
  auto result = parse_config(file.text(), "movies.toml");
  auto* error = std::get_if<ConfigError>(&result);
  return error != nullptr ? error->text : "(no mistake)";
}

}  // namespace

TEST_CASE("Every mistake in [device] and [[port]] is one sentence with file, line and key") {
  struct Row {
    std::string File::*piece;
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {&File::device, "", "1: device: is missing: the switch needs an address of its own"},
      {&File::device, "device = 1\n", "1: device: must be a table"},
      {&File::device, "[[device]]\n", "1: device: must be a table"},
      {&File::device, "\n[device]\n", "2: device.address: is missing"},
      {&File::device, "[device]\naddress = []\n", "2: device.address: is empty"},
      {&File::device, "[device]\naddress = 10\n", "2: device.address: must be text in quotes"},
      {&File::device, "[device]\naddress = [\n\"10.99.0.254/24\",\n5]\n",
       "4: device.address: must be text in quotes"},
      {&File::device, "[device]\naddress = \"10.99.0.254\"\n",
       "2: device.address: \"10.99.0.254\" is not an IP address with a prefix length, such as "
       "\"10.99.0.254/24\""},
      {&File::device, "[device]\naddress = [\"10.99.0.254/24\",\n\"10.99.0.254/16\"]\n",
       "3: device.address: \"10.99.0.254/16\" is listed twice"},
      {&File::device, "[device]\naddress = \"10.99.0.254/24\"\nidle = \"nap\"\n",
       "3: device.idle: \"nap\" is not one of \"spin\", \"sleep\""},
      {&File::device, "[device]\naddress = \"10.99.0.254/24\"\nidle = true\n",
       "3: device.idle: must be text in quotes"},
      {&File::device, "[device]\nzeal = 1\naddress = \"10.99.0.254/24\"\nadress = 1\n",
       "2: device.zeal: is not a known key"},
      {&File::ports, "", "1: port: there is no [[port]] with side = \"client\""},
      {&File::ports, "[port]\nside = \"client\"\n", "3: port: must be written as [[port]]"},
      {&File::ports, "[[port]]\nside = \"server\"\n",
       "3: port: there is no [[port]] with side = \"client\""},
      {&File::ports, "[[port]]\nside = \"client\"\n",
       "3: port: there is no [[port]] with side = \"server\""},
      {&File::ports, "[[port]]\nside = \"client\"\n[[port]]\n", "5: port.side: is missing"},
      {&File::ports, "[[port]]\nside = \"both\"\n",
       "4: port.side: \"both\" is not one of \"client\", \"server\""},
      {&File::ports, "[[port]]\nside = \"client\"\nspeed = 1\n", "5: port.speed: is not a known key"},
  };
  for (const Row& row : rows) {
    File file;
    file.*row.piece = row.text;
    CHECK(mistake(file) == std::string("movies.toml:") + row.expected);
  }
}

TEST_CASE("Every mistake in [[server]] is one sentence with file, line and key") {
  struct Row {
    const char* server_b;
    const char* expected;
  };
  const std::string name_rule = " is not a name of 1 to 64 letters, digits, \"-\", \"_\" and \".\"";
  const std::string long_name(65, 'x');
  const std::string long_server = "[[server]]\nname = \"" + long_name + "\"\n";
  const Row rows[] = {
      {"server_b = 1\n", "10: server.server_b: is not a known key"},
      {"[[server]]\naddress = \"10.99.0.3\"\n", "10: server.name: is missing"},
      {"[[server]]\nname = \"b\"\n", "10: server.address: is missing"},
      {"[[server]]\nname = 5\n", "11: server.name: must be text in quotes"},
      {"[[server]]\nname = \"\"\n", "11: server.name: \"\" NAME"},
      {"[[server]]\nname = \"b b\"\n", "11: server.name: \"b b\" NAME"},
      {"[[server]]\nname = \"b\\nb\"\n", "11: server.name: \"b\\x0ab\" NAME"},
      {long_server.c_str(), "11: server.name: \"LONG\" NAME"},
      {"[[server]]\nname = \"a\"\naddress = \"10.99.0.3\"\n",
       "11: server.name: \"a\" is the name of an earlier server too"},
      {"[[server]]\nname = \"b\"\naddress = \"10.0.0\"\n",
       "12: server.address: \"10.0.0\" is not an IP address"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.2\"\n",
       "12: server.address: \"10.99.0.2\" is the address of server \"a\" too"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.254\"\n",
       "12: server.address: \"10.99.0.254\" is the switch's own address (device.address)"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.1.3\"\n",
       "12: server.address: \"10.99.1.3\" is not on-link of any device.address"},
      {"[[server]]\nname = \"b\"\naddress = \"fd00::3\"\n",
       "12: server.address: \"fd00::3\" is not on-link of any device.address"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\nvlan = 0\n",
       "13: server.vlan: 0 is not in 1..4094"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\nvlan = 4095\n",
       "13: server.vlan: 4095 is not in 1..4094"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\nvlan = 5.0\n",
       "13: server.vlan: must be a whole number"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\nheartbeat = \"none\"\n",
       "13: server.heartbeat: must be a table"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\n[server.heartbeat]\nkind = \"icmp\"\n",
       "14: server.heartbeat.kind: this version does not support \"icmp\" yet"},
      {"[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\nweight = 2\n",
       "13: server.weight: is not a known key"},
  };
  for (const Row& row : rows) {
    File file;
    file.server_b = row.server_b;
    std::string expected = std::string("movies.toml:") + row.expected;
    if (auto at = expected.find(" NAME"); at != std::string::npos) expected.replace(at, 5, name_rule);
    if (auto at = expected.find("LONG"); at != std::string::npos) expected.replace(at, 4, long_name);
    CHECK(mistake(file) == expected);
  }
}

TEST_CASE("Every mistake in [[service]] is one sentence with file, line and key") {
  struct Row {
    const char* service;
    const char* expected;
  };
  const std::string head = "[[service]]\nname = \"movies\"\naddress = \"10.99.0.2\"\n";  // 13..15
  const std::string whole = head + "servers = [\"a\", \"b\"]\n";                         // 13..16
  const Row head_rows[] = {
      {"[[service]]\naddress = \"10.99.0.2\"\nservers = [\"a\"]\n", "13: service.name: is missing"},
      {"[[service]]\nname = \"m\"\nservers = [\"a\"]\n", "13: service.address: is missing"},
      {"[[service]]\nname = \"m\"\naddress = \"10.99.0.2\"\n", "13: service.servers: is missing"},
      {"[service]\nname = \"m\"\n", "13: service: must be written as [[service]]"},
      {"service = [1]\n", "13: server.service: is not a known key"},
      {"[[service]]\nname = \"m\"\naddress = \"movies.example\"\nservers = [\"a\"]\n",
       "15: service.address: \"movies.example\" is not an IP address"},
      {"[[service]]\nname = \"m\"\naddress = \"10.99.1.100\"\nservers = [\"a\", \"b\"]\n",
       "15: service.address: \"10.99.1.100\" is neither a [[server]]'s own address nor on-link of any "
       "device.address"},
      {"[[service]]\nname = \"m\"\naddress = \"10.99.0.254\"\nservers = [\"a\", \"b\"]\n",
       "15: service.address: \"10.99.0.254\" is the switch's own address (device.address)"},
      {"[[service]]\nname = \"m\"\naddress = \"fd00::9\"\nservers = [\"a\"]\n",
       "16: service.servers: server \"a\" has an IPv4 address and the service an IPv6 one"},
  };
  for (const Row& row : head_rows) {
    File file;
    file.service = row.service;
    CHECK(mistake(file) == std::string("movies.toml:") + row.expected);
  }
  const Row servers_rows[] = {
      {"servers = []\n", "16: service.servers: is empty"},
      {"servers = \"a\"\n", "16: service.servers: must be a list"},
      {"servers = [\"a\",\n1]\n", "17: service.servers: must be text in quotes"},
      {"servers = [\"a\",\n\"c\"]\n", "17: service.servers: \"c\" is not the name of a [[server]]"},
      {"servers = [\"a\",\n\"a\"]\n", "17: service.servers: \"a\" is listed twice"},
      {"servers = [\"b\"]\n",
       "16: service.servers: server \"a\", which has the address \"10.99.0.2\" of the service, is not "
       "in the list"},
  };
  for (const Row& row : servers_rows) {
    File file;
    file.service = head + row.service;
    CHECK(mistake(file) == std::string("movies.toml:") + row.expected);
  }
  const Row tail_rows[] = {
      {"port = 0\n", "17: service.port: 0 is not in 1..65535"},
      {"port = 65536\n", "17: service.port: 65536 is not in 1..65535"},
      {"port = \"554\"\n", "17: service.port: must be a whole number"},
      {"resume = \"roughly\"\n",
       "17: service.resume: \"roughly\" is not one of \"exact\", \"keyframe\""},
      {"balance = \"fair\"\n",
       "17: service.balance: \"fair\" is not one of \"first\", \"least-sessions\", \"hash\""},
      {"resume = \"keyframe\"\n",
       "17: service.resume: this version does not support \"keyframe\" yet, only \"exact\""},
      {"user = \"u\"\n",
       "17: service.user: needs a password too: both answer a server's challenge, or none"},
      {"password = \"secret\"\n",
       "17: service.password: needs a user too: both answer a server's challenge, or none"},
      {"user = \"\"\npassword = \"secret\"\n",
       "17: service.user: must be 1 to 64 characters without colons, quotes and backslashes"},
      {"user = \"a:b\"\npassword = \"secret\"\n",
       "17: service.user: must be 1 to 64 characters without colons, quotes and backslashes"},
      {"user = \"u\"\npassword = \"sec\\nret\"\n",
       "18: service.password: must be at most 128 printable characters"},
      {"user = \"u\"\npassword = 123456\n", "18: service.password: must be text in quotes"},
      {"colour = 1\n", "17: service.colour: is not a known key"},
      {"[[service]]\nname = \"movies\"\naddress = \"10.99.0.3\"\nservers = [\"b\"]\n",
       "18: service.name: \"movies\" is the name of an earlier service too"},
      {"[[service]]\nname = \"m\"\naddress = \"10.99.0.2\"\nservers = [\"a\"]\n",
       "19: service.address: service \"movies\" has address \"10.99.0.2\" and port 554 too"},
  };
  for (const Row& row : tail_rows) {
    File file;
    file.service = whole + row.service;
    CHECK(mistake(file) == std::string("movies.toml:") + row.expected);
  }
}

TEST_CASE("Every other mistake is one sentence with file, line and key") {
  struct Row {
    const char* rest;
    const char* expected;
  };
  const Row rows[] = {
      {"[detect]\nstall_ms = 0\n", "18: detect.stall_ms: 0 is not in 1..60000"},
      {"[detect]\nstall_ms = 60001\n", "18: detect.stall_ms: 60001 is not in 1..60000"},
      {"[detect]\ngive_up_ms = -1\n", "18: detect.give_up_ms: -1 is not in 1..600000"},
      {"[detect]\nstall_ms = \"200\"\n", "18: detect.stall_ms: must be a whole number"},
      {"[detect]\nstall = 1\n", "18: detect.stall: is not a known key"},
      {"[[detect]]\n", "17: detect: must be a table"},
      {"[limits]\nsessions = 0\n", "18: limits.sessions: 0 is not in 1..1000000"},
      {"[limits]\nstreams = 2000001\n", "18: limits.streams: 2000001 is not in 1..2000000"},
      {"[limits]\nconnections = 1\n", "18: limits.connections: is not a known key"},
      {"[heartbeat]\nkind = \"bfd\"\n",
       "18: heartbeat.kind: this version does not support \"bfd\" yet"},
      {"[heartbeat]\nkind = \"udp\"\n",
       "18: heartbeat.kind: this version does not support \"udp\" yet"},
      {"[heartbeat]\nkind = \"smoke\"\n",
       "18: heartbeat.kind: \"smoke\" is not one of \"rtsp-options\", \"none\""},
      {"[heartbeat]\nkind = 1\n", "18: heartbeat.kind: must be text in quotes"},
      {"[heartbeat]\ninterval_ms = 9\n", "18: heartbeat.interval_ms: 9 is not in 10..60000"},
      {"[heartbeat]\nmultiplier = 256\n", "18: heartbeat.multiplier: 256 is not in 1..255"},
      {"[heartbeat]\nmultiplier = 0\n", "18: heartbeat.multiplier: 0 is not in 1..255"},
      {"[heartbeat]\ninterval = 9\n", "18: heartbeat.interval: is not a known key"},
      {"[[services]]\nname = \"x\"\n", "17: services: is not a known key"},
      {"[\"a\\nb\"]\n", "17: a\\x0ab: is not a known key"},
      {"[detect]\nstall_ms = \n",
       "18: not valid TOML: Error while parsing key-value pair: expected value, saw '\\n'"},
      {"[detect]\nstall_ms = 1\nstall_ms = 2\n",
       "19: not valid TOML: Error while parsing key-value pair: cannot redefine existing integer "
       "'stall_ms'"},
      {"[device]\n",
       "17: not valid TOML: Error while parsing table header: cannot redefine existing table 'device'"},
  };
  for (const Row& row : rows) {
    File file;
    file.rest = row.rest;
    CHECK(mistake(file) == std::string("movies.toml:") + row.expected);
  }
}

}  // namespace midstream
