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
// Example: A's last SR said NTP 1000.0 = RTP 90000 (rate 90000). B's first says NTP 5000.0 = RTP 7000,
// offset 263000, so 270000 to the client: two seconds later on A's line, 1002.0; shift = -3998.0.
// Counts go on from A's by what was forwarded. A receiver report speaks to B of B's packets only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "lib/base/bytes.h"
#include "lib/base/fixed_string.h"
#include "lib/base/wrapping.h"
#include "lib/rtp/cut.h"
#include "lib/rtp/live.h"
#include "lib/rtp/rtcp.h"
#include "lib/rtp/rtp.h"

namespace midstream::rtp {

inline constexpr size_t kRtcpGrowth = 512;  // a CNAME of 255 bytes for a shorter one, twice

// Shared by the streams of a session.
struct SessionClock {
  bool shift_known = false;
  int64_t ntp_shift = 0;    // 32.32 fixed point, modulo 2^64; added to the server's NTP
  bool line_known = false;  // some stream's report has reached the client
  LiveShift live;           // of the current server's time, for streams that nothing else can place
  FixedString<255> client_cname;  // A's CNAME; empty until A sent an SDES

  // Once per failover of the session, before the new server's first report.
  void switch_server() {
    shift_known = false;
    live = {};
  }
};

class Continuity {
 public:
  // --- learning, while the stream's first server plays or after any cut ---
  // Every packet forwarded to the client, in the client's vocabulary.
  void on_forwarded(const Header& header, uint16_t payload_bytes);

  // --- a failover ---
  // From now on the server's vocabulary is B's. What is not known (a Transport header's ssrc is often
  // wrong: leave it out) is learned from B's first packet.
  void switch_server(const Cut& cut, std::optional<uint32_t> server_ssrc,
                     std::optional<uint8_t> server_payload_type);
  // What SETUP told the client; counts only until its first packet.
  void announce_client_ssrc(uint32_t ssrc) {
    if (!has_client_ssrc_) client_ssrc_ = ssrc;
    has_client_ssrc_ = true;
  }
  // What its description told the client; counts only if no packet came.
  void announce_client_payload_type(uint8_t type) {
    if (!has_client_type_) client_type_ = type;
    has_client_type_ = true;
  }
  bool active() const { return active_; }
  // The client got a packet that was none of the server's: all that come are one number on.
  void skip_sequence() { ++cut_.sequence_offset; }

  // Server -> client: rewrites the header in place. False if the SSRC is not the server's: drop.
  bool to_client(MutableBytes packet, Header& header);

  // Both directions of RTCP: a whole compound packet in, a rewritten one out; returns its size, 0 to
  // drop it (malformed, another SSRC's report, or a report that cannot be translated yet). Reports,
  // SDES CNAME, BYE, and feedback (RTPFB, PSFB incl. FIR and NACK); unknown packet types are copied
  // with their first SSRC mapped. Works also before a failover (identity), and then learns A's line,
  // CNAME and counts from what passes. `out` needs the packet's size and kRtcpGrowth.
  size_t rtcp_to_client(Bytes packet, MutableBytes out, SessionClock& clock, uint32_t clock_rate);
  size_t rtcp_to_server(Bytes packet, MutableBytes out);

  uint32_t client_ssrc() const { return client_ssrc_; }
  uint8_t client_payload_type() const { return client_type_; }
  bool has_client_ssrc() const { return has_client_ssrc_; }
  uint64_t forwarded_packets() const { return packets_; }

  // RTP-Info of the server's answers in the client's terms.
  RtpSequence sequence_to_client(RtpSequence s) const { return s + cut_.sequence_offset; }
  RtpTimestamp timestamp_to_client(RtpTimestamp t) const { return t + cut_.timestamp_offset; }

 private:
  struct ReportTime {  // the middle 32 bits of an SR's NTP, as the client and as the server know it
    uint32_t client = 0, server = 0;
  };
  // An RR comes at least every second or third report interval (RFC 3550 6.3).
  static constexpr size_t kReportTimes = 4;

  void track(RtpSequence server_sequence);

  bool report_to_client(const RtcpPacket& packet, MutableBytes copy, SessionClock& clock,
                        uint32_t clock_rate);
  bool is_untold(const RtcpPacket& sender_report, const SessionClock& clock, uint32_t clock_rate) const;
  void write_receiver_report(const RtcpPacket& sender_report, ByteWriter& writer) const;
  uint64_t ntp_to_client(uint64_t ntp, RtpTimestamp timestamp, SessionClock& clock,
                         uint32_t clock_rate) const;
  void learn_line(const RtcpPacket& packet, SessionClock& clock, uint32_t clock_rate);
  bool description_to_client(const RtcpPacket& packet, ByteWriter& writer, MutableBytes out,
                             const SessionClock& clock) const;

  void packet_to_server(const RtcpPacket& packet, MutableBytes copy);
  void report_block_to_server(uint8_t* block);
  void feedback_to_server(const RtcpPacket& packet, MutableBytes copy) const;
  void report_time_to_server(uint8_t* block) const;

  uint32_t ssrc_to_client(uint32_t ssrc) const;
  uint32_t ssrc_to_server(uint32_t ssrc) const;

  bool active_ = false, has_client_ssrc_ = false, has_server_ssrc_ = false;
  bool has_client_type_ = false, has_server_type_ = false, has_server_sequence_ = false;
  uint8_t client_type_ = 0, server_type_ = 0;
  uint32_t client_ssrc_ = 0, server_ssrc_ = 0;
  uint64_t packets_ = 0, octets_ = 0;
  Cut cut_;

  // The current server's sequence numbers, extended from its first forwarded packet.
  int64_t server_first_ = 0, server_highest_ = 0;

  // What A counted beyond what we saw pass, as of its newest report.
  uint32_t missed_packets_ = 0, missed_octets_ = 0;

  // Cumulative loss as the client reports it: newest, and what was lost of earlier servers.
  int32_t lost_ = 0, lost_before_ = 0;

  bool line_known_ = false;  // the newest report that the client got
  uint64_t line_ntp_ = 0;
  RtpTimestamp line_timestamp_;

  std::array<ReportTime, kReportTimes> report_time_;  // of the current server, a ring
  uint8_t report_times_ = 0, next_report_time_ = 0;
};
static_assert(std::is_trivially_copyable_v<Continuity> && std::is_trivially_copyable_v<SessionClock>);

}  // namespace midstream::rtp
