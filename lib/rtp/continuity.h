// Keeps one stream unbroken for the client across changes of the server: SSRC, payload type,
// sequence number, timestamp, and in reports the NTP line, CNAME and counts (RFC 3550 7.2, RFC 7667
// 3.6.2).
//
// Two vocabularies: the client's (whatever the first server used, for good) and the current server's.
// Before any failover they are the same and nothing is rewritten (active() is false).
// Everything is flat; one writer, the worker.
//
// Sender reports: A's newest SR fixes the line (ntp, rtp) that all later reports stay on. After a
// cut, B's NTP is shifted by one value for the whole session, computed from the first stream whose
// A line is known and whose B report arrives: shift = A_ntp + (rtp_out - A_rtp) / rate - B_ntp. If A
// died before its first report no line is known: B's NTP and CNAME stand.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/fixed_string.h"
#include "lib/base/wrapping.h"
#include "lib/rtp/cut.h"
#include "lib/rtp/rtp.h"

namespace midstream::rtp {

// Shared by the streams of a session.
struct SessionClock {
  bool shift_known = false;
  int64_t ntp_shift = 0;          // 32.32 fixed point, modulo 2^64; added to the server's NTP
  FixedString<255> client_cname;  // A's CNAME; empty until A sent an SDES
};

class Continuity {
 public:
  // --- learning, while the stream's first server plays or after any cut ---
  // Every packet forwarded to the client, in the client's vocabulary.
  void on_forwarded(const Header& header, uint16_t payload_bytes);

  // --- a failover ---
  // From now on the server's vocabulary is B's. `server_ssrc` and payload type are learned from the
  // first packet where they are not known.
  void switch_server(const Cut& cut, uint32_t server_ssrc, uint8_t server_payload_type);
  bool active() const { return active_; }

  // Server -> client: rewrites the header in place. False if the SSRC is not the server's: drop.
  bool to_client(MutableBytes packet, Header& header);

  // Both directions of RTCP: a whole compound packet in, a rewritten one out; returns its size, 0 to
  // drop it (malformed). Reports, SDES CNAME, BYE, and feedback (RTPFB, PSFB incl. FIR and NACK);
  // unknown packet types are copied with their first SSRC mapped. Works also before a failover
  // (identity), and then learns A's line, CNAME and counts from what passes.
  size_t rtcp_to_client(Bytes packet, MutableBytes out, SessionClock& clock, uint32_t clock_rate);
  size_t rtcp_to_server(Bytes packet, MutableBytes out);

  uint32_t client_ssrc() const { return client_ssrc_; }
  bool has_client_ssrc() const { return has_client_ssrc_; }
  uint64_t forwarded_packets() const { return packets_; }

  // RTP-Info of the server's answers in the client's terms.
  RtpSequence sequence_to_client(RtpSequence s) const { return s + cut_.sequence_offset; }
  RtpTimestamp timestamp_to_client(RtpTimestamp t) const { return t + cut_.timestamp_offset; }

 private:
  // (the implementer adds members here)
  bool active_ = false, has_client_ssrc_ = false;
  uint32_t client_ssrc_ = 0;
  uint64_t packets_ = 0;
  Cut cut_;
};

// What a compound RTCP packet contains, for judging without changing it.
struct RtcpSummary {
  bool valid = false;  // RFC 3550 A.2: version, lengths add up
  bool has_bye = false;
  bool has_sender_report = false;
  uint32_t sender_ssrc = 0;
};
RtcpSummary summarize_rtcp(Bytes packet);
// The same compound packet without its BYE packets; returns its size (0 if nothing is left).
size_t without_bye(Bytes packet, MutableBytes out);

}  // namespace midstream::rtp
