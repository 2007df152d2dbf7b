// What the server says, in the client's words.
#include <algorithm>
#include <span>

#include "lib/base/text.h"
#include "lib/rtsp/presentation.h"
#include "lib/rtsp/translation_editor.h"

namespace midstream::rtsp {
namespace {

constexpr Direction kToClient{&SessionWords::server_id,  &SessionWords::client_id,
                              &SessionWords::server_url, &SessionWords::client_url,
                              &StreamWords::server_url,  &StreamWords::client_url,
                              &MediaWords::server_url,   &MediaWords::client_url};

const SessionWords kNoWords{};

constexpr uint16_t kDefaultPort = 554;  // RFC 2326 3.2

bool is_address(std::string_view text, const Address& address) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return !address.is_unspecified() && parse_address(text) == address;
}

// An absolute URL at the server's own address: host and port become what the client knows. Another port
// there is another service, which the client can still reach.
void translate_host(const HostWords& host, std::string_view url, Editor& editor) {
  const std::string_view authority = url_authority(url), name = url_host(url);
  if (host.client.empty() || !is_address(name, host.server.address)) return;
  std::string_view port = authority.substr(name.size());
  if (!port.empty()) port.remove_prefix(1);  // the colon
  if (port.empty() ? host.server.port == kDefaultPort
                   : parse_number<uint16_t>(port) == host.server.port)
    editor.replace(authority, host.client.view());
}

void translate_address(const HostWords& host, std::string_view text, Editor& editor) {
  if (is_address(text, host.server.address)) editor.replace(text, host.visible.view());
}

// Of one line of SDP (RFC 8866 5.2, 5.7; RFC 2326 C.1.1), what can name the server.
void translate_sdp_line(const HostWords& host, std::string_view line, Editor& editor) {
  constexpr std::string_view kControl = "a=control:";
  if (line.starts_with(kControl))
    return translate_host(host, trim(line.substr(kControl.size())), editor);
  if (!line.starts_with("o=") && !line.starts_with("c=")) return;
  line = trim(line);
  const std::string_view address = line.substr(line.find_last_of(" =") + 1);
  translate_address(host, address.substr(0, address.find('/')), editor);  // "/127": TTL
}

void translate_sdp(const HostWords& host, const Message& message, Editor& editor) {
  const Header* length = message.find("Content-Length");
  std::string_view body = as_text(message.body);
  if (length == nullptr || !body.starts_with("v=") || host.server.address.is_unspecified()) return;
  const auto before = editor.growth();
  while (!body.empty()) {
    const size_t end = std::min(body.find('\n'), body.size());
    translate_sdp_line(host, body.substr(0, end), editor);
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  const auto size = static_cast<int64_t>(message.body.size()) + editor.growth() - before;
  editor.replace_number(leading_digits(length->value), static_cast<uint32_t>(size));
}

void translate_entry(const RtpInfo& entry, const StreamWords& stream, const HostWords& host,
                     Editor& editor) {
  // As in the client's SETUP, to the letter: FFmpeg compares literally.
  if (!stream.client_url.empty())
    editor.replace(entry.url, stream.client_url.view());
  else
    translate_host(host, entry.url, editor);
  if (entry.sequence)
    editor.replace_number(entry.sequence_text, (*entry.sequence + stream.sequence_offset).value());
  if (entry.timestamp)
    editor.replace_number(entry.timestamp_text, (*entry.timestamp + stream.timestamp_offset).value());
  if (!entry.ssrc_text.empty() && stream.client_ssrc)
    editor.replace_ssrc(entry.ssrc_text, *stream.client_ssrc);
}

StreamOfEntry match_rtp_info(const SessionWords& session, const RtpInfoList& list) {
  std::array<std::string_view, kMaxRtpInfo> urls;
  for (size_t i = 0; i < session.stream_count; ++i) urls[i] = session.streams[i].server_url.view();
  return match_rtp_info(list, {}, urls, session.stream_count);
}

void translate_rtp_info(const SessionWords* known, const HostWords& host, std::string_view value,
                        Editor& editor) {
  const RtpInfoList list = parse_rtp_info(value);
  const SessionWords& session = known != nullptr ? *known : kNoWords;
  const StreamOfEntry stream_of = match_rtp_info(session, list);
  for (size_t i = 0; i < list.count; ++i)
    if (stream_of[i] < session.stream_count)
      translate_entry(list.items[i], session.streams[stream_of[i]], host, editor);
    else
      translate_host(host, list.items[i].url, editor);
}

// The text of a Transport parameter, without blanks, quotes and closing parentheses around it; empty
// if there is none.
std::string_view parameter(std::string_view value, std::string_view name) {
  while (!value.empty()) {
    const size_t end = std::min(value.find_first_of(";,"), value.size());
    std::string_view text = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    if (!equal_ignoring_case(trim(take_until(text, '=')), name)) continue;
    text.remove_prefix(std::min(text.find_first_not_of(" \t\""), text.size()));
    return trim(text.substr(0, text.find_first_of(")\"")));
  }
  return {};
}

const StreamWords* stream_of_channels(const SessionWords& session, const Transport& transport) {
  const auto streams = std::span(session.streams).first(session.stream_count);
  const auto found = std::ranges::find(streams, transport.interleaved, &StreamWords::server_channels);
  return transport.interleaved && found != streams.end() ? &*found : nullptr;
}

// Some servers use one port for all streams: then the SSRC tells them apart.
const StreamWords* stream_of_port(const SessionWords& session, const Transport& transport) {
  const StreamWords* found = nullptr;
  for (const StreamWords& stream : std::span(session.streams).first(session.stream_count)) {
    if (stream.server_channels || !transport.server_port) continue;
    if (stream.server_port.rtp != transport.server_port->rtp) continue;
    if (transport.ssrc && stream.server_ssrc == transport.ssrc) return &stream;
    if (found == nullptr) found = &stream;
  }
  return found;
}

void translate_transport(const SessionWords& session, std::string_view value, Editor& editor) {
  const TransportList list = parse_transport(value);
  if (list.count != 1) return;
  const Transport& transport = list.items[0];
  const bool inside = transport.inside_connection();
  const StreamWords* stream =
      inside ? stream_of_channels(session, transport) : stream_of_port(session, transport);
  if (stream == nullptr) return;
  if (!inside)
    editor.replace_ports(parameter(value, "server_port"), stream->client_view_port);
  else if (stream->client_channels && stream->client_channels != stream->server_channels)
    editor.replace_ports(transport.interleaved_text, *stream->client_channels);
  const std::string_view ssrc = parameter(value, "ssrc");
  if (!ssrc.empty() && stream->client_ssrc) editor.replace_ssrc(ssrc, *stream->client_ssrc);
}

bool names_resource(std::string_view header) {
  return equal_ignoring_case(header, "Content-Base") ||
         equal_ignoring_case(header, "Content-Location") || equal_ignoring_case(header, "Location");
}

}  // namespace

std::array<StatedStart, kMaxStreams> stated_starts(const SessionWords& session, const Message& answer) {
  std::array<StatedStart, kMaxStreams> starts;
  const Header* header = answer.find("RTP-Info");
  if (header == nullptr) return starts;
  const RtpInfoList list = parse_rtp_info(header->value);
  const StreamOfEntry stream_of = match_rtp_info(session, list);
  for (size_t i = 0; i < list.count; ++i)
    if (stream_of[i] < session.stream_count)
      starts[stream_of[i]] = {list.items[i].sequence, list.items[i].timestamp};
  return starts;
}

bool translate_to_client(const Vocabulary& words, const Message& message, Bytes bytes,
                         Replacements& out) {
  Editor editor(bytes, out);
  if (message.is_request) {
    translate_uri(words, message.uri, kToClient, editor);  // the path
    translate_host(words.host, message.uri, editor);
  }
  translate_session_ids(words, message, kToClient, editor);
  const SessionWords* session = message.is_request ? nullptr : words_of(words, message, kToClient);
  const HostWords& host = words.host;
  for (const Header& header : std::span(message.headers).first(message.header_count)) {
    if (equal_ignoring_case(header.name, "RTP-Info")) {
      translate_rtp_info(session, host, header.value, editor);
    } else if (equal_ignoring_case(header.name, "Transport")) {
      if (session != nullptr) translate_transport(*session, header.value, editor);
      translate_address(host, parameter(header.value, "source"), editor);
      translate_address(host, parameter(header.value, "destination"), editor);
    } else if (names_resource(header.name)) {
      translate_host(host, header.value, editor);
    }
  }
  translate_sdp(host, message, editor);
  return editor.ok();
}

}  // namespace midstream::rtsp
