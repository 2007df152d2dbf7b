#include "lib/rtsp/translation.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>
#include <span>

#include "lib/base/text.h"
#include "lib/rtsp/translation_editor.h"

namespace midstream::rtsp {
namespace {

std::span<const SessionWords> sessions(const Vocabulary& words) {
  return std::span(words.sessions).first(words.session_count);
}

std::optional<std::string_view> session_id(const Header& header) {
  if (!equal_ignoring_case(header.name, "Session")) return std::nullopt;
  const auto parsed = parse_session(header.value);
  return parsed ? std::optional(parsed->id) : std::nullopt;
}

const SessionWords* find_words(const Vocabulary& words, std::string_view id,
                               const Direction& direction) {
  for (const SessionWords& session : sessions(words))
    if (!id.empty() && (session.*direction.from_id).view() == id) return &session;
  return nullptr;
}

// What follows scheme and authority.
std::string_view path_of(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return path == std::string_view::npos ? std::string_view{} : url.substr(path);
}

// True if the URI was `from`, translated or in need of no translation.
bool translate_if(std::string_view uri, const Url& from, const Url& to, Editor& editor) {
  if (from.empty() || to.empty() || !same_resource(uri, from.view())) return false;
  const std::string_view path = path_of(uri);
  if (!path.empty() && !same_resource(from.view(), to.view())) editor.replace(path, path_of(to.view()));
  return true;
}

}  // namespace

void Editor::replace(std::string_view where, std::string_view text) {
  if (!ok_ || where.empty() || where == text) return;
  assert(where.data() >= message_.data() &&
         where.data() + where.size() <= message_.data() + message_.size());
  add(static_cast<size_t>(where.data() - message_.data()), where.size(), text);
}

void Editor::insert(size_t offset, std::string_view text) {
  if (ok_ && !text.empty()) add(offset, 0, text);
}

void Editor::add(size_t offset, size_t length, std::string_view text) {
  Replacement item;
  item.offset = static_cast<uint32_t>(offset);
  item.length = static_cast<uint32_t>(length);
  if (out_.count == kMaxReplacements || text.size() > tcp::kMaxInsertedBytes ||
      text.size() > out_.text.size() - out_.text_used) {
    ok_ = false;
    return;
  }
  item.begin = out_.text_used;
  item.size = static_cast<uint16_t>(text.size());
  std::ranges::copy(text, out_.text.begin() + out_.text_used);
  out_.text_used = static_cast<uint16_t>(out_.text_used + text.size());
  const auto end = out_.items.begin() + out_.count;
  const auto place = std::find_if(out_.items.begin(), end,
                                  [&](const Replacement& r) { return r.offset > item.offset; });
  std::copy_backward(place, end, end + 1);
  *place = item;
  ++out_.count;
  growth_ += static_cast<int64_t>(text.size()) - static_cast<int64_t>(length);
}

void Editor::replace_number(std::string_view where, uint32_t number) {
  std::array<char, 10> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  replace(where, {text.data(), static_cast<size_t>(end - text.data())});
}

void Editor::replace_ssrc(std::string_view where, uint32_t ssrc) {
  if (parse_number<uint32_t>(where, 16) == ssrc) return;  // written otherwise, but the same
  std::array<char, 9> text;
  std::snprintf(text.data(), text.size(), "%08X", ssrc);
  replace(where, {text.data(), 8});
}

void Editor::replace_ports(std::string_view where, PortPair ports) {
  std::array<char, 16> text;
  const bool pair = where.find('-') != std::string_view::npos || ports.rtcp != ports.rtp + 1;
  const int size = pair ? std::snprintf(text.data(), text.size(), "%u-%u", ports.rtp, ports.rtcp)
                        : std::snprintf(text.data(), text.size(), "%u", ports.rtp);
  replace(where, {text.data(), static_cast<size_t>(size)});
}

void translate_session_ids(const Vocabulary& words, const Message& message, const Direction& direction,
                           Editor& editor) {
  for (const Header& header : std::span(message.headers).first(message.header_count)) {
    const auto id = session_id(header);
    const SessionWords* session = id ? find_words(words, *id, direction) : nullptr;
    if (session != nullptr) editor.replace(*id, (session->*direction.to_id).view());
  }
}

void translate_uri(const Vocabulary& words, std::string_view uri, const Direction& direction,
                   Editor& editor) {
  for (const SessionWords& session : sessions(words)) {
    for (const StreamWords& stream : std::span(session.streams).first(session.stream_count))
      if (translate_if(uri, stream.*direction.from_url, stream.*direction.to_url, editor)) return;
    if (translate_if(uri, session.*direction.from_aggregate, session.*direction.to_aggregate, editor))
      return;
  }
  for (const MediaWords& media : std::span(words.media).first(words.media_count))
    if (translate_if(uri, media.*direction.from_media, media.*direction.to_media, editor)) return;
}

const SessionWords* words_of(const Vocabulary& words, const Message& message,
                             const Direction& direction) {
  for (const Header& header : std::span(message.headers).first(message.header_count))
    if (const auto id = session_id(header)) return find_words(words, *id, direction);
  return words.session_count == 1 ? &words.sessions[0] : nullptr;
}

}  // namespace midstream::rtsp
