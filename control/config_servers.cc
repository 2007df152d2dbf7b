// [[server]].
#include <algorithm>

#include "control/config_parts.h"

namespace midstream {
namespace {

constexpr size_t kLongestName = 64;  // a column of midstreamctl's tables

bool is_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), allowed);
}

void check_unique(const ConfigReader& reader, const ServerConfig& server, const Config& config) {
  for (const ServerConfig& other : config.servers) {
    if (other.name == server.name)
      reader.fail("name", ConfigReader::quoted(server.name) + " is the name of an earlier server too");
    if (other.address == server.address)
      reader.fail("address", ConfigReader::quoted(to_string(server.address)) +
                                 " is the address of server " + ConfigReader::quoted(other.name) +
                                 " too");
  }
}

void check_reachable(const ConfigReader& reader, const ServerConfig& server, const Config& config) {
  const std::string address = ConfigReader::quoted(to_string(server.address));
  for (const Prefix& device : config.device_addresses)
    if (device.address == server.address)
      reader.fail("address", address + " is the switch's own address (device.address)");
  if (!on_link(config, server.address))
    reader.fail("address", address + " is not on-link of any device.address");
}

}  // namespace

bool on_link(const Config& config, const Address& address) {
  for (const Prefix& device : config.device_addresses)
    if (device.address.is_v4() == address.is_v4() && device.contains(address)) return true;
  return false;
}

std::string read_name(const ConfigReader& reader) {
  std::string name = reader.required_text("name").value;
  if (!is_name(name))
    reader.fail("name", ConfigReader::quoted(name) +
                            " is not a name of 1 to 64 letters, digits, \"-\", \"_\" and \".\"");
  return name;
}

Address read_address(const ConfigReader& reader) {
  const std::string text = reader.required_text("address").value;
  const auto address = parse_address(text);
  if (!address) reader.fail("address", ConfigReader::quoted(text) + " is not an IP address");
  return *address;
}

void read_servers(const ConfigReader& root, const HeartbeatConfig& heartbeat, Config& config) {
  for (const ConfigReader& reader : root.tables("server")) {
    reader.allow_only({"name", "address", "vlan", "heartbeat"});
    ServerConfig server;
    server.name = read_name(reader);
    server.address = read_address(reader);
    // 0 is a priority tag and 4095 reserved (IEEE 802.1Q 9.6).
    if (auto vlan = reader.integer("vlan", 1, 4094)) server.vlan = static_cast<uint16_t>(*vlan);
    server.heartbeat = read_heartbeat(reader, heartbeat);
    check_unique(reader, server, config);
    check_reachable(reader, server, config);
    config.servers.push_back(std::move(server));
  }
}

}  // namespace midstream
