// How one kind of server behaves. The defaults are gst-rtsp-server's; other servers are other values.
#pragma once

#include <string>

#include "lib/base/time.h"

namespace midstream::scenario {

struct Personality {
  uint32_t session_id_length = 16;
  uint32_t announced_timeout_s = 60;         // said only if it is not 60
  bool says_ssrc = true;                     // in the Transport answer
  bool honours_seek_style = true;            // answers the exact position, clamps, bursts
  bool inserts_parameter_sets = true;        // after a seek
  bool seeks_before_key_frame = true;        // else it ignores Range and starts at 0
  bool lies_in_rtp_info_after_seek = false;  // rtptime is that of NPT 0 (fresh session)
  bool rtp_info_sequence_one_less = false;   // after a seek
  bool timestamps_restart_at_seek = false;   // of the position is the base, not of NPT 0
  std::string server_name = "GStreamer RTSP server";

  Duration answer_delay{200us};
  Duration play_delay{3ms};       // PLAY to its answer: a seek takes its time
  Duration media_delay{1ms};      // the PLAY answer to the first packet
  Duration packet_spacing{20us};  // inside a burst or a frame
  Duration first_report{400ms};   // after PLAY; gst: random around 2.5 s
  Duration report_interval{2s};
  Duration wall_clock{3'976'000'000s};  // NTP seconds at virtual time 0; each machine has its own
};

}  // namespace midstream::scenario
