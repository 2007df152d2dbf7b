// What the client says, in the server's words.
#include "lib/rtsp/translation_editor.h"

namespace midstream::rtsp {

static constexpr Direction kToServer{&SessionWords::client_id,  &SessionWords::server_id,
                                     &SessionWords::client_url, &SessionWords::server_url,
                                     &StreamWords::client_url,  &StreamWords::server_url};

bool translate_to_server(const Vocabulary& words, const Message& message, Bytes bytes,
                         Replacements& out) {
  Editor editor(bytes, out);
  if (message.is_request) translate_uri(words, message.uri, kToServer, editor);
  translate_session_ids(words, message, kToServer, editor);
  return editor.ok();
}

}  // namespace midstream::rtsp
