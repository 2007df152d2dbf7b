// What the client says, in the server's words.
#include "lib/rtsp/translation_editor.h"

namespace midstream::rtsp {
namespace {

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

}  // namespace

bool translate_to_server(const Vocabulary& words, const Message& message, Bytes bytes,
                         Replacements& out) {
  Editor editor(bytes, out);
  if (!message.is_request) {
    translate_session_ids(words, message, kToServer, editor);
    return editor.ok();
  }
  translate_uri(words, message.uri, kToServer, editor);
  translate_session_ids(words, message, kToServer, editor);
  if (const SessionWords* session = words_of(words, message, kToServer))
    insert_kept_place(*session, message, bytes, editor);
  return editor.ok();
}

}  // namespace midstream::rtsp
