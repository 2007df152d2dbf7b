// What the client says, in the server's words.
#include <algorithm>
#include <array>
#include <span>

#include "lib/base/text.h"
#include "lib/rtsp/translation_editor.h"

namespace midstream::rtsp {
namespace {

// The URI as it will leave: the digest is about that one. Empty if it is too long.
Url translated_uri(const Message& message, Bytes bytes, const Replacements& edits) {
  const auto begin = static_cast<size_t>(message.uri.data() - as_text(bytes).data());
  std::array<char, kMaxUrl> text;
  size_t size = 0, at = 0;
  const auto add = [&](std::string_view part) {
    if (size + part.size() <= text.size()) std::ranges::copy(part, text.begin() + size);
    size += part.size();
  };
  for (const Replacement& edit : std::span(edits.items).first(edits.count)) {
    if (edit.offset < begin || edit.offset + edit.length > begin + message.uri.size()) continue;
    add(message.uri.substr(at, edit.offset - begin - at));
    add(edits.text_of(edit));
    at = edit.offset + edit.length - begin;
  }
  add(message.uri.substr(at));
  Url url;
  if (size > text.size() || !url.assign({text.data(), size})) url.clear();
  return url;
}

// In place of the client's header, which answers another server's challenge. A client that was never
// asked has none: then it is put behind the first line.
void translate_authorization(Authenticator& authenticator, const Message& message, const Url& uri,
                             Editor& editor) {
  Authorization value;
  if (uri.empty() || !authorize(authenticator, message.method_text, uri.view(), value)) return;
  if (const Header* header = message.find("Authorization"); header && !header->value.empty())
    return editor.replace(header->value, value.view());
  std::array<char, kMaxAuthorization + 64> line;
  char* end = std::ranges::copy(message.version, line.data()).out;
  end = std::ranges::copy(std::string_view("\r\nAuthorization: "), end).out;
  end = std::ranges::copy(value.view(), end).out;
  editor.replace(message.version, {line.data(), static_cast<size_t>(end - line.data())});
}

constexpr Direction kToServer{&SessionWords::client_id,  &SessionWords::server_id,
                              &SessionWords::client_url, &SessionWords::server_url,
                              &StreamWords::client_url,  &StreamWords::server_url,
                              &MediaWords::client_url,   &MediaWords::server_url};

// Behind the request line.
void insert_kept_place(const SessionWords& session, const Message& message, Bytes bytes,
                       Editor& editor) {
  if (!session.kept || message.method != Method::kPlay || message.find("Range") != nullptr) return;
  const std::string_view text = as_text(bytes);
  const auto uri_at = static_cast<size_t>(message.uri.data() - text.data());
  editor.insert(text.find('\n', uri_at) + 1, session.kept->headers.view());
}

// A stream set up again where the client has it is to stay where the server has it. On other channels
// it is agreed anew, and their numbers are the client's.
void translate_channels(const SessionWords& session, const Message& message, Editor& editor) {
  const Header* header = message.find("Transport");
  if (message.method != Method::kSetup || header == nullptr) return;
  const auto streams = std::span(session.streams).first(session.stream_count);
  const auto stream = std::ranges::find_if(streams, [&](const StreamWords& words) {
    return !words.client_url.empty() && same_resource(message.uri, words.client_url.view());
  });
  if (stream == streams.end() || !stream->client_channels || !stream->server_channels ||
      stream->client_channels == stream->server_channels)
    return;
  const TransportList list = parse_transport(header->value);
  for (const Transport& transport : std::span(list.items).first(list.count))
    if (transport.interleaved == stream->client_channels)
      editor.replace_ports(transport.interleaved_text, *stream->server_channels);
}

}  // namespace

bool translate_to_server(Vocabulary& words, const Message& message, Bytes bytes, Replacements& out) {
  Editor editor(bytes, out);
  if (!message.is_request) {
    translate_session_ids(words, message, kToServer, editor);
    return editor.ok();
  }
  translate_uri(words, message.uri, kToServer, editor);
  translate_session_ids(words, message, kToServer, editor);
  if (const SessionWords* session = words_of(words, message, kToServer)) {
    insert_kept_place(*session, message, bytes, editor);
    translate_channels(*session, message, editor);
  }
  if (words.authenticator.active()) {
    const Url uri = translated_uri(message, bytes, out);
    translate_authorization(words.authenticator, message, uri, editor);
  }
  return editor.ok();
}

}  // namespace midstream::rtsp
