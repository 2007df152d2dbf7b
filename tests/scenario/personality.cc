#include "tests/scenario/personality.h"

#include <algorithm>

namespace midstream::scenario {

Personality gst() { return {}; }

Personality live555() {
  Personality p;
  p.server_name.clear();
  p.session_id_length = 8;
  p.id_digits = Personality::IdDigits::kUpperHex;
  p.announced_timeout_s = 65;
  p.timeout_in_setup_only = true;
  p.takes_session_literally = true;
  p.says_ssrc = false;
  p.says_destination_and_source = true;
  p.own_address_urls = true;
  p.control = "track{}";
  p.first_control = 1;
  p.honours_seek_style = false;
  p.inserts_parameter_sets = false;
  p.rtptime_is_first_packets = true;
  p.media_before_answer = true;
  p.media_delay = 100us;
  p.first_report = 0us;
  p.channel_manner = Personality::ChannelManner::kAsAsked;
  p.frame_writes = Personality::FrameWrites::kHeaderApart;
  p.drops_when_full = true;
  p.says_bye = false;
  p.sessions_outlive_connections = true;
  return p;
}

Personality live555_indexed() {
  Personality p = live555();
  p.echoes_range = true;
  return p;
}

Personality live555_raw() {
  Personality p = live555();
  p.seeks_before_key_frame = false;
  return p;
}

Personality gortsplib() {
  Personality p;
  p.server_name = "gortsplib";
  p.session_id_length = 32;
  p.id_digits = Personality::IdDigits::kLowerHex;
  p.announced_timeout_s = 55;
  p.control = "trackID={}";
  p.live = true;
  p.honours_seek_style = false;
  p.inserts_parameter_sets = false;
  p.says_bye = false;
  p.one_port_pair = true;
  p.channel_manner = Personality::ChannelManner::kStrict;
  p.drops_when_full = true;
  p.sessions_outlive_connections = true;
  p.any_packet_keeps_alive = true;
  p.refuses_ports_in_use = true;
  return p;
}

const std::vector<NamedPersonality>& personalities() {
  static const std::vector<NamedPersonality> all{{"gst", gst()},
                                                 {"live555", live555()},
                                                 {"live555-indexed", live555_indexed()},
                                                 {"live555-raw", live555_raw()},
                                                 {"gortsplib", gortsplib()}};
  return all;
}

std::optional<Personality> personality_named(std::string_view name) {
  const auto at = std::ranges::find(personalities(), name, &NamedPersonality::name);
  return at == personalities().end() ? std::nullopt : std::optional(at->personality);
}

}  // namespace midstream::scenario
