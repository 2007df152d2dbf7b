// A message after its translation.
#pragma once

#include <span>

#include "lib/rtsp/translation.h"
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {

inline std::string replaced(const std::string& text, const Replacements& replacements) {
  std::string out;
  size_t position = 0;
  for (const Replacement& r : std::span(replacements.items).first(replacements.count)) {
    INFO("replacement at " << r.offset);
    REQUIRE(r.offset >= position);  // in order, not overlapping
    REQUIRE(r.offset + r.length <= text.size());
    out += text.substr(position, r.offset - position) + std::string(replacements.text_of(r));
    position = r.offset + r.length;
  }
  return out + text.substr(position);
}

inline std::string to_client(const Vocabulary& words, std::string_view head,
                             std::string_view body = {}) {
  const std::string text = wire(head, body);
  Replacements out;
  REQUIRE(translate_to_client(words, parsed(text), as_bytes(text), out));
  return replaced(text, out);
}

inline std::string to_server(Vocabulary words, std::string_view head, std::string_view body = {}) {
  const std::string text = wire(head, body);
  Replacements out;
  REQUIRE(translate_to_server(words, parsed(text), as_bytes(text), out));
  return replaced(text, out);
}

}  // namespace midstream::rtsp
