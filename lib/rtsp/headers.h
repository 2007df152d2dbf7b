// Values of the RTSP headers that a failover must understand (RFC 2326 12), as real servers write
// them: blanks (a folded value's line ends too) around every part, names in any case, unknown
// parameters passed over. A value that cannot be understood is absent, never guessed.
// Views point into the parsed value. Worked example, an RTP-Info of one stream:
// "url=rtsp://h/a;b?c,d;seq=7;rtptime=-1;" has the url "rtsp://h/a;b?c,d", sequence 7, no timestamp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/fixed_string.h"
#include "lib/base/wrapping.h"
#include "lib/npt/npt.h"
#include "lib/rtsp/message.h"

namespace midstream::rtsp {

// RFC 2326 12.17. Any digits, blanks around; nullopt if there is none or it is no number.
std::optional<uint32_t> parse_cseq(const Message& message);

struct SessionHeader {  // 12.37
  std::string_view id;
  std::optional<uint32_t> timeout_s;  // never 0
};
std::optional<SessionHeader> parse_session(std::string_view value);

enum class LowerTransport : uint8_t { kUdp, kTcp };
struct PortPair {
  uint16_t rtp = 0, rtcp = 0;
  bool operator==(const PortPair&) const = default;
};
struct Transport {      // 12.39; one alternative of the list
  bool rtp = false;     // "RTP/..."
  bool secure = false;  // SAVP, SAVPF
  LowerTransport lower = LowerTransport::kUdp;
  bool multicast = false;
  std::optional<PortPair> client_port;  // a single port n means n, n+1
  std::optional<PortPair> server_port;
  std::optional<PortPair> interleaved;
  std::string_view interleaved_text;  // "0-1", to be edited
  std::optional<uint32_t> ssrc;       // hex, blanks and missing digits tolerated
  bool rtcp_mux = false;
  std::string_view source, destination;

  // RTP inside the RTSP connection; some leave the "/TCP" out, but "interleaved" says it, too (10.12).
  bool inside_connection() const { return lower == LowerTransport::kTcp || interleaved.has_value(); }
};
inline constexpr size_t kMaxTransports = 8;
struct TransportList {
  uint8_t count = 0;
  std::array<Transport, kMaxTransports> items;
};
// Splits at commas as clients write alternatives; a comma before a parameter ("…,ssrc=…") continues
// the same alternative.
TransportList parse_transport(std::string_view value);

struct RtpInfo {         // 12.33; one stream
  std::string_view url;  // to the right end even with ; and , and ? inside
  std::optional<RtpSequence> sequence;
  std::string_view sequence_text;         // the digits, to be edited
  std::optional<RtpTimestamp> timestamp;  // "rtptime=-1" is none
  std::string_view timestamp_text;
  std::string_view ssrc_text;  // of a non-standard ";ssrc="
};
inline constexpr size_t kMaxRtpInfo = 8;
struct RtpInfoList {
  uint8_t count = 0;
  std::array<RtpInfo, kMaxRtpInfo> items;
};
RtpInfoList parse_rtp_info(std::string_view value);

// 12.34. Servers offer up to 32 or 64; beyond the limits, and at 0, no position can be computed.
inline constexpr double kMinScale = 0.001, kMaxScale = 1000;
std::optional<double> parse_scale(std::string_view value);

// --- URLs ---
// Resolves a control attribute or RTP-Info url against a base (RFC 2326 C.1.1 as servers and
// clients practise it: absolute stays, "*" or empty is the base, else appended behind exactly one
// slash). Writes to `out`, false if it does not fit.
inline constexpr size_t kMaxUrl = 512;  // a signed one has 300 to 400; a head of 4 KiB holds few more
using Url = FixedString<kMaxUrl>;
[[nodiscard]] bool resolve_url(std::string_view base, std::string_view control, Url& out);
// Same resource: scheme, host and port ignored, path and query compared, one trailing slash ignored.
bool same_resource(std::string_view a, std::string_view b);
// Host and port as written, without the user.
std::string_view url_authority(std::string_view url);
// Host part as written (an IPv6 address with its brackets), empty if there is none.
std::string_view url_host(std::string_view url);

}  // namespace midstream::rtsp
