#include "lib/rtp/continuity.h"

#include <algorithm>

namespace midstream::rtp {

void Continuity::on_forwarded(const Header& header, uint16_t payload_bytes) {
  if (!has_client_ssrc_ || !active_) client_ssrc_ = header.ssrc;
  has_client_ssrc_ = true;
  if (!has_client_type_) client_type_ = header.payload_type;
  has_client_type_ = true;
  ++packets_;
  octets_ += payload_bytes;
}

void Continuity::switch_server(const Cut& cut, std::optional<uint32_t> server_ssrc,
                               std::optional<uint8_t> server_payload_type) {
  active_ = true;
  cut_ = cut;
  has_server_ssrc_ = server_ssrc.has_value();
  server_ssrc_ = server_ssrc.value_or(0);
  has_server_type_ = server_payload_type.has_value();
  server_type_ = server_payload_type.value_or(0);
  has_server_sequence_ = false;
  lost_before_ = lost_;
  report_times_ = next_report_time_ = 0;
}

bool Continuity::to_client(MutableBytes packet, Header& header) {
  if (!active_) return true;
  if (!has_server_ssrc_) server_ssrc_ = header.ssrc;
  has_server_ssrc_ = true;
  if (header.ssrc != server_ssrc_) return false;
  if (!has_server_type_) server_type_ = header.payload_type;
  has_server_type_ = true;

  track(header.sequence_number);
  if (has_client_type_ && header.payload_type == server_type_) header.payload_type = client_type_;
  header.sequence_number = sequence_to_client(header.sequence_number);
  header.timestamp = timestamp_to_client(header.timestamp);
  header.ssrc = ssrc_to_client(header.ssrc);
  write_header(packet, {header.payload_type, header.sequence_number, header.timestamp, header.ssrc});
  return true;
}

void Continuity::track(RtpSequence server_sequence) {
  if (!has_server_sequence_) {
    server_first_ = server_highest_ = server_sequence.value();
    has_server_sequence_ = true;
    return;
  }
  const int ahead = server_sequence - RtpSequence(static_cast<uint16_t>(server_highest_));
  if (ahead > 0) server_highest_ += ahead;
}

// FFmpeg reports as the server's SSRC plus one, and so may a server name it.
uint32_t Continuity::ssrc_to_client(uint32_t ssrc) const {
  if (!active_ || !has_server_ssrc_ || !has_client_ssrc_) return ssrc;
  const uint32_t above = ssrc - server_ssrc_;
  return above <= 1 ? client_ssrc_ + above : ssrc;
}

uint32_t Continuity::ssrc_to_server(uint32_t ssrc) const {
  if (!active_ || !has_server_ssrc_ || !has_client_ssrc_) return ssrc;
  const uint32_t above = ssrc - client_ssrc_;
  return above <= 1 ? server_ssrc_ + above : ssrc;
}

}  // namespace midstream::rtp
