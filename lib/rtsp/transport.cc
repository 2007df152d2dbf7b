#include "lib/base/text.h"
#include "lib/rtsp/headers.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

// "n-m"; a single n means n, n+1. Nothing that is no port (or channel) pair.
std::optional<PortPair> parse_ports(string_view text) {
  const auto first = parse_number<uint16_t>(trim(take_until(text, '-')));
  if (!first) return std::nullopt;
  if (!trim(text).empty()) {
    const auto second = parse_number<uint16_t>(trim(text));
    return second ? std::optional(PortPair{*first, *second}) : std::nullopt;
  }
  if (*first == UINT16_MAX) return std::nullopt;
  return PortPair{*first, static_cast<uint16_t>(*first + 1)};
}

std::optional<uint32_t> parse_ssrc(string_view text) {
  if (starts_with_ignoring_case(text, "0x")) text.remove_prefix(2);
  // RFC 7826 18.54 allows a list "a/b"; the first is the stream's.
  const size_t digits = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
  return parse_number<uint32_t>(text.substr(0, digits), 16);
}

// Whole parentheses are seen around a transport; they are no part of any value.
string_view strip(string_view text) {
  text = trim(text);
  while (text.starts_with('(')) text = trim(text.substr(1));
  while (text.ends_with(')')) text = trim(text.substr(0, text.size() - 1));
  return text;
}

bool is_parameter(string_view field) { return field.find('=') != string_view::npos; }

// "RTP/AVP", "RAW/RAW/UDP": what an alternative starts with, or should.
bool is_specification(string_view field) {
  return !is_parameter(field) && field.find('/') != string_view::npos;
}

// RFC 2326 12.39: transport/profile/lower-transport.
void read_specification(string_view field, Transport& out) {
  out.rtp = equal_ignoring_case(trim(take_until(field, '/')), "RTP");
  const string_view profile = trim(take_until(field, '/'));
  out.secure = equal_ignoring_case(profile, "SAVP") || equal_ignoring_case(profile, "SAVPF");
  const bool tcp = equal_ignoring_case(trim(field), "TCP");
  out.lower = tcp ? LowerTransport::kTcp : LowerTransport::kUdp;
}

void read_parameter(string_view field, Transport& out) {
  const string_view name = trim(take_until(field, '='));
  const string_view value = unquote(trim(field));
  const auto is = [&](string_view text) { return equal_ignoring_case(name, text); };
  if (is("client_port")) out.client_port = parse_ports(value);
  if (is("server_port")) out.server_port = parse_ports(value);
  if (is("interleaved")) {
    out.interleaved = parse_ports(value);
    out.interleaved_text = value;
  }
  if (is("ssrc")) out.ssrc = parse_ssrc(value);
  if (is("source")) out.source = value;
  if (is("destination")) out.destination = value;
}

void read_field(string_view field, Transport& out) {
  field = strip(field);
  if (is_parameter(field)) return read_parameter(field, out);
  if (is_specification(field)) return read_specification(field, out);
  if (equal_ignoring_case(field, "multicast")) out.multicast = true;
  if (equal_ignoring_case(field, "RTCP-mux")) out.rtcp_mux = true;
}

}  // namespace

TransportList parse_transport(std::string_view value) {
  TransportList list;
  bool specified = false;  // the current alternative has its "RTP/AVP"
  while (!value.empty()) {
    string_view piece = take_until(value, ',');
    if (strip(piece).empty()) continue;
    const bool specification = is_specification(strip(piece.substr(0, piece.find(';'))));
    if (list.count == 0 || (specification && specified)) {
      if (list.count == kMaxTransports) break;
      ++list.count;
      specified = false;
    }
    Transport& transport = list.items[list.count - 1u];
    while (!piece.empty()) {
      const string_view field = take_until(piece, ';');
      specified |= is_specification(strip(field));
      read_field(field, transport);
    }
  }
  return list;
}

}  // namespace midstream::rtsp
