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
                              &StreamWords::server_url,  &StreamWords::client_url};

void translate_entry(const RtpInfo& entry, const StreamWords& stream, Editor& editor) {
  // As in the client's SETUP, to the letter: FFmpeg compares literally.
  if (!stream.client_url.empty()) editor.replace(entry.url, stream.client_url.view());
  if (entry.sequence)
    editor.replace_number(entry.sequence_text, (*entry.sequence + stream.sequence_offset).value());
  if (entry.timestamp)
    editor.replace_number(entry.timestamp_text, (*entry.timestamp + stream.timestamp_offset).value());
  if (!entry.ssrc_text.empty() && stream.client_ssrc)
    editor.replace_ssrc(entry.ssrc_text, *stream.client_ssrc);
}

void translate_rtp_info(const SessionWords& session, std::string_view value, Editor& editor) {
  const RtpInfoList list = parse_rtp_info(value);
  std::array<std::string_view, kMaxRtpInfo> urls;
  for (size_t i = 0; i < session.stream_count; ++i) urls[i] = session.streams[i].server_url.view();
  const StreamOfEntry stream_of = match_rtp_info(list, {}, urls, session.stream_count);
  for (size_t i = 0; i < list.count; ++i)
    if (stream_of[i] < session.stream_count)
      translate_entry(list.items[i], session.streams[stream_of[i]], editor);
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

// Some servers use one port for all streams: then the SSRC tells them apart.
const StreamWords* stream_of_port(const SessionWords& session, const Transport& transport) {
  const StreamWords* found = nullptr;
  for (const StreamWords& stream : std::span(session.streams).first(session.stream_count)) {
    if (stream.server_port.rtp != transport.server_port->rtp) continue;
    if (transport.ssrc && stream.server_ssrc == transport.ssrc) return &stream;
    if (found == nullptr) found = &stream;
  }
  return found;
}

void translate_transport(const SessionWords& session, std::string_view value, Editor& editor) {
  const TransportList list = parse_transport(value);
  if (list.count != 1 || !list.items[0].server_port) return;
  const StreamWords* stream = stream_of_port(session, list.items[0]);
  if (stream == nullptr) return;
  editor.replace_ports(parameter(value, "server_port"), stream->client_view_port);
  const std::string_view ssrc = parameter(value, "ssrc");
  if (!ssrc.empty() && stream->client_ssrc) editor.replace_ssrc(ssrc, *stream->client_ssrc);
}

}  // namespace

bool translate_to_client(const Vocabulary& words, const Message& message, Bytes bytes,
                         Replacements& out) {
  Editor editor(bytes, out);
  if (message.is_request) translate_uri(words, message.uri, kToClient, editor);
  translate_session_ids(words, message, kToClient, editor);
  const SessionWords* session = words_of(words, message, kToClient);
  if (message.is_request || session == nullptr) return editor.ok();
  for (const Header& header : std::span(message.headers).first(message.header_count)) {
    if (equal_ignoring_case(header.name, "RTP-Info"))
      translate_rtp_info(*session, header.value, editor);
    else if (equal_ignoring_case(header.name, "Transport"))
      translate_transport(*session, header.value, editor);
  }
  return editor.ok();
}

}  // namespace midstream::rtsp
