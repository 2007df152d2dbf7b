// [device], [[port]], [detect], [limits] and [heartbeat].
#include <algorithm>

#include "control/config_parts.h"

namespace midstream {
namespace {

std::chrono::milliseconds milliseconds(const ConfigReader& reader, std::string_view key,
                                       int64_t smallest, int64_t largest, Duration otherwise) {
  const auto inherited = std::chrono::duration_cast<std::chrono::milliseconds>(otherwise);
  return std::chrono::milliseconds(reader.integer(key, smallest, largest).value_or(inherited.count()));
}

void read_device_address(const ConfigReader& device, const ConfigText& text, Config& config) {
  auto prefix = parse_prefix(text.value);
  if (!prefix)
    device.fail("address",
                ConfigReader::quoted(text.value) +
                    " is not an IP address with a prefix length, such as \"10.99.0.254/24\"",
                text.node);
  for (const Prefix& other : config.device_addresses)
    if (other.address == prefix->address)
      device.fail("address", ConfigReader::quoted(text.value) + " is listed twice", text.node);
  config.device_addresses.push_back(*prefix);
}

}  // namespace

void read_device(const ConfigReader& root, Config& config) {
  const auto device = root.table("device");
  if (!device) root.fail("device", "is missing: the switch needs an address of its own");
  device->allow_only({"address", "idle"});
  if (device->is_array("address")) {
    for (const ConfigText& text : device->required_texts("address"))
      read_device_address(*device, text, config);
  } else {
    read_device_address(*device, device->required_text("address"), config);
  }
  config.idle =
      device->choice<Idle>("idle", {{"spin", Idle::kSpin}, {"sleep", Idle::kSleep}}, config.idle);
}

void read_ports(const ConfigReader& root, Config& config) {
  for (const ConfigReader& port : root.tables("port")) {
    port.allow_only({"side"});
    port.required_text("side");
    config.ports.push_back(port.choice<Side>(
        "side", {{"client", Side::kClient}, {"server", Side::kServer}}, Side::kClient));
  }
  auto has = [&config](Side side) {
    return std::find(config.ports.begin(), config.ports.end(), side) != config.ports.end();
  };
  if (!has(Side::kClient)) root.fail("port", "there is no [[port]] with side = \"client\"");
  if (!has(Side::kServer)) root.fail("port", "there is no [[port]] with side = \"server\"");
}

void read_detect(const ConfigReader& root, Config& config) {
  const auto detect = root.table("detect");
  if (!detect) return;
  detect->allow_only({"stall_ms", "give_up_ms"});
  config.detect.stall = milliseconds(*detect, "stall_ms", 1, 60'000, config.detect.stall);
  config.detect.give_up = milliseconds(*detect, "give_up_ms", 1, 600'000, config.detect.give_up);
}

void read_limits(const ConfigReader& root, Config& config) {
  constexpr int64_t kMost = 1'000'000;  // of one worker: above what a core can carry
  const auto limits = root.table("limits");
  if (!limits) return;
  limits->allow_only({"sessions", "streams"});
  LimitsConfig& out = config.limits;
  out.sessions =
      static_cast<uint32_t>(limits->integer("sessions", 1, kMost).value_or(int64_t{out.sessions}));
  out.streams = static_cast<uint32_t>(
      limits->integer("streams", 1, 2 * kMost).value_or(2 * int64_t{out.sessions}));
}

HeartbeatConfig read_heartbeat(const ConfigReader& parent, HeartbeatConfig inherited) {
  const auto heartbeat = parent.table("heartbeat");
  if (!heartbeat) return inherited;
  heartbeat->allow_only({"kind", "interval_ms", "multiplier"});
  if (auto kind = heartbeat->text("kind"))
    for (std::string_view later : {"bfd", "udp", "icmp"})
      if (kind->value == later)
        heartbeat->fail("kind",
                        "this version does not support " + ConfigReader::quoted(later) + " yet");
  using Kind = HeartbeatConfig::Kind;
  HeartbeatConfig config;
  config.kind = heartbeat->choice<Kind>(
      "kind", {{"rtsp-options", Kind::kRtspOptions}, {"none", Kind::kNone}}, inherited.kind);
  config.interval = milliseconds(*heartbeat, "interval_ms", 10, 60'000, inherited.interval);
  // BFD's detection multiplier has 8 bits (RFC 5880 4.1); one range for every kind.
  config.multiplier = static_cast<uint32_t>(
      heartbeat->integer("multiplier", 1, 255).value_or(int64_t{inherited.multiplier}));
  return config;
}

}  // namespace midstream
