// A client's conversation, its replay toward a second server B, and B's usual answers.
#pragma once

#include "lib/rtsp/replay.h"
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {

using Positions = std::array<Npt, kMaxSessions>;

struct Establishment {
  Conversation agreed;
  Replay replay;

  explicit Establishment(const Conversation& conversation, Positions positions = {})
      : agreed(conversation) {
    replay.start(agreed, positions, 1);
  }
  ReplayProgress server(std::string_view head, std::string_view body = {}) {
    const std::string text = wire(head, body);
    return replay.on_message(parsed(text));
  }
  ReplayProgress describe(std::string_view sdp = kFilm) {
    return server("RTSP/1.0 200 OK\nCSeq: 1\nContent-Base: rtsp://10.0.0.3/film/", sdp);
  }
  ReplayProgress setup(int cseq, std::string_view transport) {
    return server("RTSP/1.0 200 OK\nCSeq: " + std::to_string(cseq) +
                  "\nSession: B-id;timeout=55\nTransport: " + std::string(transport));
  }
  void setups() {
    describe();
    setup(2, "RTP/AVP;unicast;client_port=5000-5001;server_port=40000-40001;ssrc=0000000A");
    setup(3, "RTP/AVP;unicast;client_port=5002-5003;server_port=40002-40003;ssrc=0000000B");
    replay.take_output();
  }
};

}  // namespace midstream::rtsp
