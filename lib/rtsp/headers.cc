#include "lib/rtsp/headers.h"

#include <charconv>
#include <cmath>

#include "lib/base/text.h"

namespace midstream::rtsp {

std::optional<uint32_t> parse_cseq(const Message& message) {
  const Header* header = message.find("CSeq");
  return header == nullptr ? std::nullopt : parse_number<uint32_t>(header->value);
}

std::optional<SessionHeader> parse_session(std::string_view value) {
  SessionHeader session;
  session.id = trim(take_until(value, ';'));
  if (session.id.empty()) return std::nullopt;
  while (!value.empty()) {
    std::string_view parameter = take_until(value, ';');
    if (!equal_ignoring_case(trim(take_until(parameter, '=')), "timeout")) continue;
    session.timeout_s = parse_number<uint32_t>(leading_digits(trim(parameter)));
    if (session.timeout_s == 0u) session.timeout_s.reset();
  }
  return session;
}

std::optional<double> parse_scale(std::string_view value) {
  value = trim(value);
  if (value.starts_with('+')) value.remove_prefix(1);
  double scale = 0;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), scale, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  // Also refuses what is not finite.
  const double speed = std::fabs(scale);
  if (!(speed >= kMinScale && speed <= kMaxScale)) return std::nullopt;
  return scale;
}

}  // namespace midstream::rtsp
