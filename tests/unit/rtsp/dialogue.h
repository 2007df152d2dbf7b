// RTSP texts for tests, and a conversation that they are fed to. Texts are written with "\n"; on the
// wire they have CR LF, the blank line at the end, and a Content-Length where there is a body.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "lib/rtsp/session.h"

namespace midstream::rtsp {

inline std::string wire(std::string_view head, std::string_view body = {}) {
  std::string text;
  for (const char c : head) text += c == '\n' ? "\r\n" : std::string(1, c);
  if (!text.ends_with("\r\n")) text += "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

inline Message parsed(std::string_view text) {
  Message message;
  const ParseResult result = parse_message(as_bytes(text), message);
  INFO(text);
  REQUIRE(result.status == ParseStatus::kDone);
  REQUIRE(result.bytes == text.size());
  return message;
}

struct Dialogue {
  Conversation conversation;

  uint8_t client(std::string_view head, std::string_view body = {}) {
    const std::string text = wire(head, body);
    return on_client_message(conversation, parsed(text), as_bytes(text));
  }
  uint8_t server(std::string_view head, std::string_view body = {}) {
    const std::string text = wire(head, body);
    return on_server_message(conversation, parsed(text));
  }
  const Session& session(size_t i = 0) const { return conversation.sessions[i]; }
  const Stream& stream(size_t i = 0) const { return session().streams[i]; }
  std::string pending_text() const {
    return std::string(as_text(Bytes(conversation.pending_bytes).first(conversation.pending_used)));
  }
};

// H.264 and AAC of one minute, as gst-rtsp-server describes them.
inline const std::string kFilm =
    "v=0\r\n"
    "o=- 1188340656180883 1 IN IP4 10.0.0.2\r\n"
    "s=Session streamed with GStreamer\r\n"
    "t=0 0\r\n"
    "a=control:*\r\n"
    "a=range:npt=0-60\r\n"
    "m=video 0 RTP/AVP 96\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42c01e\r\n"
    "a=control:stream=0\r\n"
    "m=audio 0 RTP/AVP 97\r\n"
    "a=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"
    "a=control:stream=1\r\n";

// One raw video, no end, as gortsplib describes what it relays.
inline const std::string kLive =
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=control:rtsp://10.0.0.2/cam/trackID=0\r\na=rtpmap:96 H264/90000\r\n";

inline void describe(Dialogue& d, std::string_view sdp = kFilm,
                     std::string_view uri = "rtsp://10.0.0.2/film",
                     std::string_view base = "rtsp://10.0.0.2/film/") {
  d.client("DESCRIBE " + std::string(uri) + " RTSP/1.0\nCSeq: 1\nAccept: application/sdp");
  d.server(
      "RTSP/1.0 200 OK\nCSeq: 1\nContent-Type: application/sdp\nContent-Base: " + std::string(base),
      sdp);
}

// SETUP number `n` (CSeq n + 2) of the film: client ports 5000 + 2n, server ports 6970 + 2n.
inline uint8_t setup(Dialogue& d, int n, std::string_view session_line = "Session: abc") {
  const std::string cseq = "CSeq: " + std::to_string(n + 2) + "\n";
  const std::string pair = std::to_string(5000 + 2 * n) + "-" + std::to_string(5001 + 2 * n);
  const std::string ports = std::to_string(6970 + 2 * n) + "-" + std::to_string(6971 + 2 * n);
  d.client("SETUP rtsp://10.0.0.2/film/stream=" + std::to_string(n) + " RTSP/1.0\n" + cseq +
           (n > 0 ? "Session: abc\n" : "") + "Transport: RTP/AVP;unicast;client_port=" + pair);
  return d.server("RTSP/1.0 200 OK\n" + cseq + std::string(session_line) +
                  "\nTransport: RTP/AVP;unicast;client_port=" + pair + ";server_port=" + ports +
                  ";ssrc=0000000" + std::to_string(n + 1) + ";mode=\"PLAY\"");
}

// The film, both streams, ready to play; the next CSeq is 4.
inline Dialogue ready_film() {
  Dialogue d;
  describe(d);
  setup(d, 0);
  setup(d, 1);
  return d;
}

inline Dialogue playing_film(std::string_view request_headers = "Range: npt=0-",
                             std::string_view answer_headers = "Range: npt=0-60") {
  Dialogue d = ready_film();
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 4\nSession: abc\n" +
           std::string(request_headers));
  d.server("RTSP/1.0 200 OK\nCSeq: 4\nSession: abc\n" + std::string(answer_headers));
  return d;
}

}  // namespace midstream::rtsp
