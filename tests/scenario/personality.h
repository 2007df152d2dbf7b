// How one kind of server behaves. The defaults are gst-rtsp-server's; the functions below give the
// other kinds. What each line does to a middlebox was read in the servers' sources, or measured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"

namespace midstream::scenario {

struct Personality {
  // --- its words ---
  std::string server_name = "GStreamer RTSP server";  // empty: no such header
  uint32_t session_id_length = 16;
  enum class IdDigits { kText, kUpperHex, kLowerHex } id_digits = IdDigits::kText;
  uint32_t announced_timeout_s = 60;     // said only if it is not 60
  bool timeout_in_setup_only = false;    // else on every answer
  bool takes_session_literally = false;  // "id;timeout=60" in a request is another session: 454
  bool says_ssrc = true;                 // in the Transport answer
  bool says_destination_and_source = false;
  bool own_address_urls = false;      // its own address in URLs and SDP, whatever was dialled
  std::string control = "stream={}";  // of a track, by number
  uint32_t first_control = 0;
  uint8_t first_payload_type = 96;

  // --- where it plays from ---
  bool live = false;                         // no Range, no end; joins what is on air
  bool honours_seek_style = true;            // answers the exact position, clamps, bursts
  bool inserts_parameter_sets = true;        // after a seek
  bool seeks_before_key_frame = true;        // else it ignores Range and starts at 0
  bool echoes_range = false;                 // answers what was asked for, wherever it starts
  bool rtptime_is_first_packets = false;     // of every track; else that of the position
  bool lies_in_rtp_info_after_seek = false;  // rtptime is that of NPT 0 (fresh session)
  bool rtp_info_sequence_one_less = false;   // after a seek
  bool knows_duration = true;                // else no range has an end
  bool timestamps_restart_at_seek = false;   // of the position is the base, not of NPT 0

  // --- its media ---
  bool media_before_answer = false;  // a report and the first packets come before the PLAY answer
  bool says_bye = true;              // at the end
  bool one_port_pair = false;        // 8000 and 8001 for everyone
  uint32_t packet_bytes = 1400;      // larger NAL units are fragmented (RFC 6184 5.8)

  // --- inside the connection (RFC 2326 10.12) ---
  // gst gives other channels than asked if another stream of the connection has them; live555 what is
  // asked; gortsplib refuses what is not n, n+1, or is taken, and UDP and TCP in one session.
  enum class ChannelManner { kFree, kAsAsked, kStrict } channel_manner = ChannelManner::kFree;
  std::optional<uint8_t> first_channel;  // gives channels from here on, whatever was asked for
  bool says_channels = true;             // in the Transport answer
  // A whole frame at once; its four bytes of header apart (live555); or cut anywhere.
  enum class FrameWrites { kWhole, kHeaderApart, kAnywhere } frame_writes = FrameWrites::kWhole;
  uint32_t socket_bytes = 64 * 1024;  // that its kernel holds for the client
  bool drops_when_full = false;       // packets, while the socket is full; else they wait

  // --- how long a session lives ---
  bool sessions_outlive_connections = false;  // and go on sending; over UDP
  bool any_packet_keeps_alive = false;        // else requests, and RTCP from the client's RTCP port
  bool refuses_ports_in_use = false;          // 400 if another session has the same client ports

  std::string refuses;  // a method: 501

  Duration answer_delay{200us};
  Duration play_delay{3ms};       // PLAY to its answer: a seek takes its time
  Duration media_delay{1ms};      // the PLAY answer (or PLAY itself) to the first packet
  Duration packet_spacing{20us};  // inside a burst or a frame
  Duration burst{0};              // all packets of so much time leave at its start
  Duration first_report{400ms};   // after PLAY; gst: random around 2.5 s
  Duration report_interval{2s};
  Duration wall_clock{3'976'000'000s};  // NTP seconds at virtual time 0; each machine has its own

  bool seekable() const { return !live && seeks_before_key_frame; }
};

Personality gst();
Personality live555();          // a Matroska file: seeks to a cue point and says so
Personality live555_indexed();  // an indexed file: echoes what it was asked for
Personality live555_raw();      // an elementary stream: cannot seek
Personality gortsplib();        // live

// Name and personality of all of them.
struct NamedPersonality {
  std::string name;
  Personality personality;
};
const std::vector<NamedPersonality>& personalities();
std::optional<Personality> personality_named(std::string_view name);

}  // namespace midstream::scenario
