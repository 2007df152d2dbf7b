// What both directions of the translation share.
#pragma once

#include <string_view>

#include "lib/rtsp/translation.h"

namespace midstream::rtsp {

// Collects replacements, in order of their place in the message.
class Editor {
 public:
  Editor(Bytes message, Replacements& out) : message_(as_text(message)), out_(out) { out_.clear(); }

  // `where` is a part of the message; what is not there (empty) cannot be replaced.
  void replace(std::string_view where, std::string_view text);
  void insert(size_t offset, std::string_view text);
  void replace_number(std::string_view where, uint32_t number);
  void replace_ssrc(std::string_view where, uint32_t ssrc);
  // Also channels. "a-b" stays a pair, and "a" single, where that says the same.
  void replace_ports(std::string_view where, PortPair ports);
  int64_t growth() const { return growth_; }  // bytes, by all replacements so far
  bool ok() const { return ok_; }

 private:
  void add(size_t offset, size_t length, std::string_view text);

  std::string_view message_;
  Replacements& out_;
  bool ok_ = true;
  int64_t growth_ = 0;
};

// Whose words are read, and whose are written.
struct Direction {
  FixedString<128> SessionWords::*from_id;
  FixedString<128> SessionWords::*to_id;
  Url SessionWords::*from_aggregate;
  Url SessionWords::*to_aggregate;
  Url StreamWords::*from_url;
  Url StreamWords::*to_url;
  Url MediaWords::*from_media;
  Url MediaWords::*to_media;
};

void translate_session_ids(const Vocabulary& words, const Message& message, const Direction& direction,
                           Editor& editor);
void translate_uri(const Vocabulary& words, std::string_view uri, const Direction& direction,
                   Editor& editor);
// The session that the message belongs to, nullptr if none is named and there are several.
const SessionWords* words_of(const Vocabulary& words, const Message& message,
                             const Direction& direction);

}  // namespace midstream::rtsp
