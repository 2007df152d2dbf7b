// [[service]].
#include <algorithm>

#include "control/config_parts.h"

namespace midstream {
namespace {

// Words of the documented schema that this version cannot honour yet are refused, not ignored.
void refuse_later_keys(const ConfigReader& reader) {
  if (!reader.choice("resume", {{"exact", true}, {"keyframe", false}}, true))
    reader.fail("resume", "this version does not support \"keyframe\" yet, only \"exact\"");
}

size_t server_named(const ConfigReader& reader, const ConfigText& name, const Config& config) {
  for (size_t i = 0; i < config.servers.size(); ++i)
    if (config.servers[i].name == name.value) return i;
  reader.fail("servers", ConfigReader::quoted(name.value) + " is not the name of a [[server]]",
              name.node);
}

void read_pool(const ConfigReader& reader, const Config& config, ServiceConfig& service) {
  for (const ConfigText& name : reader.required_texts("servers")) {
    const size_t index = server_named(reader, name, config);
    const ServerConfig& server = config.servers[index];
    if (std::find(service.servers.begin(), service.servers.end(), index) != service.servers.end())
      reader.fail("servers", ConfigReader::quoted(name.value) + " is listed twice", name.node);
    if (server.address.is_v4() != service.address.is_v4())
      reader.fail("servers",
                  "server " + ConfigReader::quoted(name.value) + " has an " +
                      (server.address.is_v4() ? "IPv4" : "IPv6") + " address and the service an " +
                      (service.address.is_v4() ? "IPv4" : "IPv6") + " one",
                  name.node);
    service.servers.push_back(index);
  }
}

// The switch must be able to answer for a virtual address where clients look for it.
void check_virtual(const ConfigReader& reader, const Config& config, const ServiceConfig& service) {
  const std::string address = ConfigReader::quoted(to_string(service.address));
  for (const Prefix& device : config.device_addresses)
    if (device.address == service.address)
      reader.fail("address", address + " is the switch's own address (device.address)");
  if (!on_link(config, service.address))
    reader.fail("address",
                address + " is neither a [[server]]'s own address nor on-link of any device.address");
}

// The server whose address the service has, if there is one.
void find_own_server(const ConfigReader& reader, const Config& config, ServiceConfig& service) {
  const std::string address = ConfigReader::quoted(to_string(service.address));
  const auto own = std::find_if(config.servers.begin(), config.servers.end(),
                                [&service](const auto& s) { return s.address == service.address; });
  if (own == config.servers.end()) return check_virtual(reader, config, service);
  service.own_server = static_cast<size_t>(own - config.servers.begin());
  if (std::find(service.servers.begin(), service.servers.end(), *service.own_server) ==
      service.servers.end())
    reader.fail("servers", "server " + ConfigReader::quoted(own->name) + ", which has the address " +
                               address + " of the service, is not in the list");
}

void check_unique(const ConfigReader& reader, const ServiceConfig& service, const Config& config) {
  for (const ServiceConfig& other : config.services) {
    if (other.name == service.name)
      reader.fail("name",
                  ConfigReader::quoted(service.name) + " is the name of an earlier service too");
    if (other.address == service.address && other.port == service.port)
      reader.fail("address", "service " + ConfigReader::quoted(other.name) + " has address " +
                                 ConfigReader::quoted(to_string(service.address)) + " and port " +
                                 std::to_string(service.port) + " too");
  }
}

// Neither message names what was written: it may be the password.
rtsp::Credentials read_credentials(const ConfigReader& reader) {
  const auto user = reader.text("user"), password = reader.text("password");
  if (user.has_value() != password.has_value())
    reader.fail(user ? "user" : "password",
                user ? "needs a password too: both answer a server's challenge, or none"
                     : "needs a user too: both answer a server's challenge, or none");
  rtsp::Credentials credentials;
  if (!user) return credentials;
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (user->value.empty() || std::ranges::any_of(user->value, control) ||
      user->value.find_first_of(":\"\\") != std::string::npos || !credentials.user.assign(user->value))
    reader.fail("user", "must be 1 to 64 characters without colons, quotes and backslashes");
  if (std::ranges::any_of(password->value, control) || !credentials.password.assign(password->value))
    reader.fail("password", "must be at most 128 printable characters");
  return credentials;
}

}  // namespace

void read_services(const ConfigReader& root, Config& config) {
  for (const ConfigReader& reader : root.tables("service")) {
    refuse_later_keys(reader);
    reader.allow_only({"name", "address", "port", "servers", "resume", "balance", "user", "password"});
    ServiceConfig service;
    service.name = read_name(reader);
    service.address = read_address(reader);
    service.port = static_cast<uint16_t>(reader.integer("port", 1, 65535).value_or(service.port));
    service.balance = reader.choice<Balance>("balance",
                                             {{"first", Balance::kFirst},
                                              {"least-sessions", Balance::kLeastSessions},
                                              {"hash", Balance::kHash}},
                                             service.balance);
    read_pool(reader, config, service);
    find_own_server(reader, config, service);
    check_unique(reader, service, config);
    service.credentials = read_credentials(reader);
    config.services.push_back(std::move(service));
  }
}

}  // namespace midstream
