// What the operator's TOML file says, checked as a whole before anything starts.
//
// Whatever the file gets wrong is reported as one sentence that names file, line and key; nothing is
// guessed, unknown keys are mistakes, and the first mistake ends it. Example, line 12 of movies.toml:
//   address = "10.0.0"
//   -> movies.toml:12: server.address: "10.0.0" is not an IP address
// A key that is missing is reported at the line where its table begins; a missing table at line 1.
//
// A Config that comes out holds together: names and addresses are unique, every server is on-link of
// a device address, indices point into `servers`, and every service has either the own address of a
// server in its list (a transparent service), or an on-link address that nobody has (a virtual one).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/address.h"
#include "lib/base/balance.h"
#include "lib/base/time.h"
#include "lib/rtsp/authentication.h"

namespace midstream {

enum class Side : uint8_t { kClient, kServer };
enum class Idle : uint8_t { kSpin, kSleep };

struct HeartbeatConfig {
  enum class Kind : uint8_t { kRtspOptions, kNone };
  Kind kind = Kind::kRtspOptions;
  Duration interval = 500ms;
  uint32_t multiplier = 3;  // so many in a row unanswered: the server is down
};

struct ServerConfig {
  std::string name;
  Address address;
  std::optional<uint16_t> vlan;
  HeartbeatConfig heartbeat;  // [heartbeat], with what the server's own table overrides
};

struct ServiceConfig {
  std::string name;
  Address address;
  uint16_t port = 554;
  std::vector<size_t> servers;  // indices into Config::servers, in order of preference
  // Index into Config::servers: the one whose address this is. None: a virtual service.
  std::optional<size_t> own_server;
  Balance balance = Balance::kFirst;
  rtsp::Credentials credentials;  // what the servers' challenges are answered with; may be empty
};

struct DetectConfig {
  Duration stall = 200ms;  // floor of the silence rule
  Duration give_up = 10s;  // a failover that has found no server by then is told to the client
};

// Of each worker: its tables are as large, and allocated at start.
struct LimitsConfig {
  uint32_t sessions = 4096;  // RTSP connections, with the sessions made on them
  uint32_t streams = 2 * sessions;
};

struct Config {
  std::vector<Prefix> device_addresses;
  Idle idle = Idle::kSpin;
  std::vector<Side> ports;  // in EAL port order
  std::vector<ServerConfig> servers;
  std::vector<ServiceConfig> services;
  DetectConfig detect;
  LimitsConfig limits;
};

struct ConfigError {
  std::string text;  // one sentence, without a newline
};

std::variant<Config, ConfigError> load_config(const std::string& path);
// `name` is what messages call the text, usually a file's name.
std::variant<Config, ConfigError> parse_config(std::string_view text, const std::string& name);

}  // namespace midstream
