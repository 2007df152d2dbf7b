// After a failover client and server use different words: Session id, RTP-Info (url, seq, rtptime),
// Transport (ports, channels, ssrc), URLs. These functions say which bytes of a message to replace; the
// caller turns that into edits of the byte stream.
//
// Example: B's id is "1F", the client knows "ABCDEFGH", B's seq 10 is the client's 110. Of the answer
// "Session: 1F;timeout=65" only "1F" is replaced, of "RTP-Info: url=u;seq=10" the "10" by "110".
// A session is found by the message's Session header; without one, only if there is one session.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lib/base/address.h"
#include "lib/rtsp/authentication.h"
#include "lib/rtsp/message.h"
#include "lib/rtsp/session.h"
#include "lib/tcp/edits.h"

namespace midstream::rtsp {

struct Replacement {
  uint32_t offset = 0;  // in the message
  uint32_t length = 0;
  uint16_t begin = 0, size = 0;  // of its text
};
// As much as one direction can have in flight: whatever is translated can be sent at some time.
inline constexpr size_t kMaxReplacements = tcp::kMaxEdits;
struct Replacements {  // in rising order of offset, not overlapping
  uint8_t count = 0;
  uint16_t text_used = 0;
  std::array<Replacement, kMaxReplacements> items;
  std::array<char, tcp::kInsertedRoom> text;  // of all items

  void clear() {
    count = 0;
    text_used = 0;
  }
  std::string_view text_of(const Replacement& item) const {
    return {text.data() + item.begin, item.size};
  }
};

struct StreamWords {
  Url client_url, server_url;              // SETUP URL that the client used; B's
  PortPair client_view_port, server_port;  // server ports: as the client knows them; B's
  std::optional<PortPair> client_channels, server_channels;  // instead of ports (RFC 2326 10.12)
  std::optional<uint32_t> client_ssrc, server_ssrc;
  uint16_t sequence_offset = 0;   // add to B's
  uint32_t timestamp_offset = 0;  // add to B's
};
// A pause outlives its server: the new one has never played the session and does not know where it
// stood. So the client's next PLAY without a Range is given one.
struct KeptPlace {
  Npt start;
  FixedString<128> headers;  // "Range: npt=3.96-\r\nSeek-Style: RAP\r\n"
};
struct SessionWords {
  FixedString<128> client_id, server_id;
  Url client_url, server_url;     // the aggregate; may be left empty where both are the same
  std::optional<KeptPlace> kept;  // until the server has answered a PLAY
  uint8_t stream_count = 0;
  std::array<StreamWords, kMaxStreams> streams;
};
// Servers write their own address into URLs, Transport and SDP. A client gets back what it dialled.
using AddressText = FixedString<45>;  // RFC 4291 2.2: the longest is eight groups, the last two in IPv4
struct HostWords {
  Endpoint server;                    // unspecified: nothing is to be translated
  FixedString<kMaxAuthority> client;  // host and port, as in the client's requests
  AddressText visible;                // the dialled address, where no name may stand
};
struct MediaWords {  // control URLs of the description, for what has not been set up yet
  Url client_url, server_url;
};
struct Vocabulary {
  HostWords host;
  uint8_t session_count = 0;
  std::array<SessionWords, kMaxSessions> sessions;
  uint8_t media_count = 0;
  std::array<MediaWords, kMaxStreams> media;
  Authenticator authenticator;  // toward the server
};

// Message text as it came -> replacements. `bytes` are the whole message that `message` was parsed
// from. Nothing to translate is an empty result. False if it does not fit (too many or too long).
// to_server: Session; the path of request URIs that differ at B (client_url -> server_url); Range and
// Seek-Style of a PLAY that resumes a kept place; interleaved of a SETUP that repeats a stream on the
// channels that the client has for it; Authorization, if B has demanded it of us (which counts the
// request, so `words` change).
// to_client: Session (id only, timeout stays), RTP-Info (url, seq, rtptime, ssrc), Transport
// (server_port, interleaved, ssrc); and the server's own address in URLs (RTP-Info, Content-Base,
// Content-Location, Location), in Transport (source, destination) and in SDP (o=, c=, a=control), with
// the Content-Length that follows. Other bodies are left alone. Servers ignore the host of a request's
// URI.
[[nodiscard]] bool translate_to_server(Vocabulary& words, const Message& message, Bytes bytes,
                                       Replacements& out);
[[nodiscard]] bool translate_to_client(const Vocabulary& words, const Message& message, Bytes bytes,
                                       Replacements& out);

// Where the server's RTP-Info says that each stream of the session begins, in the server's terms.
struct StatedStart {
  std::optional<RtpSequence> sequence;
  std::optional<RtpTimestamp> timestamp;
};
std::array<StatedStart, kMaxStreams> stated_starts(const SessionWords& session, const Message& answer);

}  // namespace midstream::rtsp
