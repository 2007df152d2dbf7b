// The tables of the file, each read by its own function. They throw ConfigError (config_reader.h)
// and are called in the order below, since each may look at what was read before it.
#pragma once

#include "control/config.h"
#include "control/config_reader.h"

namespace midstream {

void read_device(const ConfigReader& root, Config& config);
void read_ports(const ConfigReader& root, Config& config);
void read_detect(const ConfigReader& root, Config& config);
void read_limits(const ConfigReader& root, Config& config);
HeartbeatConfig read_heartbeat(const ConfigReader& parent, HeartbeatConfig inherited);
void read_servers(const ConfigReader& root, const HeartbeatConfig& heartbeat, Config& config);
void read_services(const ConfigReader& root, Config& config);

// Names end up in tables, log lines and command lines: short, and without blanks.
std::string read_name(const ConfigReader& reader);
Address read_address(const ConfigReader& reader);
// In a network of one of the device's addresses.
bool on_link(const Config& config, const Address& address);

}  // namespace midstream
