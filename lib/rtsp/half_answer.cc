#include "lib/rtsp/half_answer.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "lib/base/text.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

// Clients act on these: half a value is worse than none.
constexpr string_view kMeaningful[] = {"CSeq",
                                       "Session",
                                       "Transport",
                                       "RTP-Info",
                                       "Range",
                                       "Scale",
                                       "Speed",
                                       "Public",
                                       "Content-Type",
                                       "Content-Base",
                                       "Content-Location",
                                       "Content-Encoding",
                                       "Allow",
                                       "Require",
                                       "Unsupported",
                                       "Location",
                                       "WWW-Authenticate"};

string_view name_of(string_view line) { return trim(line.substr(0, line.find(':'))); }

string_view value_of(string_view line) {
  const size_t colon = line.find(':');
  return colon == string_view::npos ? string_view{} : trim(line.substr(colon + 1));
}

// A line and its end; what is cut has none.
struct Line {
  string_view text;
  bool complete = false;
};

// The line at `position`, which goes behind it. A CR at the very end is that of a cut CR LF.
Line next_line(string_view text, size_t& position) {
  const size_t end = text.find('\n', position);
  Line line{text.substr(position, end == string_view::npos ? end : end - position),
            end != string_view::npos};
  position = end == string_view::npos ? text.size() : end + 1;
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  return line;
}

uint16_t status_of(string_view line) {
  const string_view rest = trim(line.substr(std::min(line.find(' '), line.size())));
  return parse_number<uint16_t>(rest.substr(0, 3)).value_or(0);
}

class Finisher {
 public:
  Finisher(string_view sent, MutableBytes out) : sent_(sent), out_(out) {}

  FinishedAnswer finish(Bytes answer);

 private:
  void read_sent();
  bool is_said(string_view name) const;
  void finish_head();
  void finish_line(string_view line);
  void finish_value(string_view name, string_view begun);
  void finish_length(string_view digits);
  void finish_body();
  string_view rest_of_body() const;

  void write(string_view text) { out_.bytes(as_bytes(text)); }
  void fail(const char* why) {
    if (failure_ == nullptr) failure_ = why;
  }

  string_view sent_;
  ByteWriter out_;
  Message answer_;
  string_view status_line_, cut_line_, body_sent_;
  bool head_complete_ = false;
  std::array<string_view, kMaxHeaders> said_;  // names of headers
  size_t said_count_ = 0;
  std::optional<size_t> length_;  // of the body, as promised
  bool sdp_promised_ = false;
  const char* failure_ = nullptr;
};

void Finisher::read_sent() {
  size_t position = std::min(sent_.find_first_not_of("\r\n"), sent_.size());
  status_line_ = next_line(sent_, position).text;
  while (position < sent_.size()) {
    const Line line = next_line(sent_, position);
    const bool cr_only = !line.complete && sent_.ends_with('\r');
    if (cr_only) write("\n");
    if (!line.complete && !cr_only) {
      cut_line_ = line.text;
    } else if (line.text.empty()) {
      head_complete_ = true;
      body_sent_ = sent_.substr(position);
      return;
    } else if (said_count_ < kMaxHeaders) {
      const string_view name = said_[said_count_++] = name_of(line.text);
      if (equal_ignoring_case(name, "Content-Length"))
        length_ = parse_number<size_t>(value_of(line.text)).value_or(0);
      if (equal_ignoring_case(name, "Content-Type"))
        sdp_promised_ = value_of(line.text).find("sdp") != string_view::npos;
    }
  }
}

bool Finisher::is_said(string_view name) const {
  return std::ranges::any_of(std::span(said_).first(said_count_),
                             [&](string_view said) { return equal_ignoring_case(said, name); });
}

void Finisher::finish_head() {
  if (!cut_line_.empty()) finish_line(cut_line_);
  for (const Header& header : std::span(answer_.headers).first(answer_.header_count)) {
    if (is_said(header.name)) continue;
    write(header.name);
    write(": ");
    if (equal_ignoring_case(header.name, "Content-Length")) length_ = answer_.body.size();
    write(header.value);
    write("\r\n");
  }
  write("\r\n");
}

// A header whose line was cut: inside its name, or inside its value.
void Finisher::finish_line(string_view line) {
  string_view name = name_of(line);
  const bool folded = line.front() == ' ' || line.front() == '\t';
  if (!folded && line.find(':') == string_view::npos) {
    for (const Header& header : std::span(answer_.headers).first(answer_.header_count)) {
      const bool fits = header.name.size() >= line.size() && !is_said(header.name) &&
                        equal_ignoring_case(header.name.substr(0, line.size()), line);
      if (!fits) continue;
      write(header.name.substr(line.size()));
      name = header.name;
      break;
    }
    write(": ");
  }
  if (said_count_ < kMaxHeaders && !folded) said_[said_count_++] = name;
  if (!folded) finish_value(name, value_of(line));
  write("\r\n");
}

void Finisher::finish_value(string_view name, string_view begun) {
  if (equal_ignoring_case(name, "Content-Length")) return finish_length(begun);
  const Header* header = answer_.find(name);
  if (header != nullptr && header->value.starts_with(begun))
    return write(header->value.substr(begun.size()));
  const bool meaningful = std::ranges::any_of(
      kMeaningful, [&](string_view known) { return equal_ignoring_case(known, name); });
  if (meaningful) fail("it ends inside a header that the new server does not say so");
}

// The least length that begins with these digits and has room for the new body.
void Finisher::finish_length(string_view digits) {
  const size_t begun = parse_number<size_t>(digits).value_or(0);
  size_t low = begun, span = 1;
  for (size_t more = 0; low <= kMaxBody; ++more, low *= 10, span *= 10) {
    const size_t length = std::max(low, answer_.body.size());
    const bool none = digits.empty() && more == 0;
    if (none || length >= low + span) {
      if (begun == 0 && !digits.empty()) break;  // "0" is the whole number
      continue;
    }
    std::array<char, 20> text;
    const size_t size = static_cast<size_t>(
        std::to_chars(text.data(), text.data() + text.size(), length - low).ptr - text.data());
    for (size_t i = size; i < more; ++i) write("0");
    if (more > 0) write({text.data(), size});
    length_ = length;
    return;
  }
  fail("the body is longer than what it had begun to promise");
}

// The new body, from where the old one was cut. Where both differ (the o= line of SDP does), a line
// goes on with the field that follows the cut one.
string_view Finisher::rest_of_body() const {
  const string_view body = as_text(answer_.body);
  if (body.starts_with(body_sent_)) return body.substr(body_sent_.size());
  size_t at = 0;
  const size_t last_line = body_sent_.rfind('\n') + 1;  // npos + 1 is 0
  for (auto lines = std::count(body_sent_.begin(), body_sent_.end(), '\n'); lines > 0; --lines)
    at = std::min(body.find('\n', at), body.size() - 1) + 1;
  const string_view cut = body_sent_.substr(last_line);
  const string_view rest = body.substr(at);
  if (rest.starts_with(cut)) return rest.substr(cut.size());
  const string_view line = rest.substr(0, std::min(rest.find_first_of("\r\n"), rest.size()));
  if (cut.ends_with('\r')) return rest.substr(std::min(rest.find('\n'), rest.size()));
  size_t field = line.find(' ');
  for (auto blanks = std::count(cut.begin(), cut.end(), ' '); blanks > 0; --blanks)
    field = field == string_view::npos ? field : line.find(' ', field + 1);
  return rest.substr(std::min(field, line.size()));
}

void Finisher::finish_body() {
  const size_t promised = length_.value_or(0);
  if (promised < body_sent_.size()) return fail("its body is longer than its Content-Length");
  const size_t room = promised - body_sent_.size();
  if (answer_.body.empty() && sdp_promised_ && promised > 0)
    return fail("the new server's answer has no description");
  string_view rest = answer_.body.empty() ? string_view{} : rest_of_body();
  while (rest.size() > room && (rest.ends_with('\n') || rest.ends_with('\r'))) rest.remove_suffix(1);
  if (rest.size() > room) return fail("the new server's body is longer than the promised one");
  write(rest);
  const size_t missing = room - rest.size();
  if (missing % 2 != 0) write("\n");
  for (size_t i = 0; i < missing / 2; ++i) write("\r\n");
}

FinishedAnswer Finisher::finish(Bytes answer) {
  const bool whole = parse_message(answer, answer_).status == ParseStatus::kDone;
  if (!whole || answer_.is_request) return {0, "the new server's answer is none"};
  string_view text = as_text(answer).substr(0, answer_.total_bytes);
  text.remove_prefix(text.find_first_not_of("\r\n"));
  const size_t blank = std::min(sent_.find_first_not_of("\r\n"), sent_.size());
  if (text.starts_with(sent_.substr(blank))) {
    write(text.substr(sent_.size() - blank));
  } else {
    if (sent_.find('\n', blank) == string_view::npos && !sent_.ends_with('\r'))
      return {0, "it ends inside its status, and the new server's is another"};
    read_sent();
    if (status_of(status_line_) / 100 != answer_.status / 100)
      return {0, "the new server's status is another"};
    if (!head_complete_) finish_head();
    if (failure_ == nullptr) finish_body();
  }
  if (!out_.ok()) fail("it is too long");
  return {failure_ == nullptr ? out_.position() : 0, failure_};
}

}  // namespace

std::optional<uint8_t> half_answered(const Conversation& conversation, Bytes sent) {
  const string_view text = as_text(sent);
  size_t position = std::min(text.find_first_not_of("\r\n"), text.size());
  const string_view begin = text.substr(position, 5);
  if (!string_view("RTSP/").starts_with(begin) || conversation.pending_count == 0) return std::nullopt;
  while (position < text.size()) {
    const Line line = next_line(text, position);
    if (!line.complete || line.text.empty()) break;
    if (!equal_ignoring_case(name_of(line.text), "CSeq")) continue;
    const auto cseq = parse_number<uint32_t>(value_of(line.text));
    for (uint8_t i = 0; i < conversation.pending_count; ++i) {
      const PendingRequest& request = conversation.pending[i];
      if (request.has_cseq && request.cseq == cseq) return i;
    }
    return std::nullopt;
  }
  return uint8_t{0};
}

FinishedAnswer finish_answer(Bytes sent, Bytes answer, MutableBytes out) {
  return Finisher(as_text(sent), out).finish(answer);
}

}  // namespace midstream::rtsp
