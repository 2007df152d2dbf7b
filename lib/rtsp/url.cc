#include <array>
#include <cstring>

#include "lib/base/text.h"
#include "lib/rtsp/headers.h"

namespace midstream::rtsp {
namespace {

using std::string_view;

// RFC 3986 3.1, and "://": "track?source=http://x" has none.
size_t scheme_bytes(string_view url) {
  const size_t end = url.find("://");
  if (end == string_view::npos || end == 0) return 0;
  for (const char c : url.substr(0, end)) {
    const bool letter = to_lower(c) >= 'a' && to_lower(c) <= 'z';
    if (!letter && !is_digit(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return end + 3;
}

// Without a scheme a first segment counts as a host only if nothing else looks like it: an IPv4
// address, or a name with a port.
bool looks_like_authority(string_view segment) {
  const string_view name = take_until(segment, ':');
  if (!segment.empty()) return !name.empty() && leading_digits(segment) == segment;
  return std::ranges::count(name, '.') == 3 &&
         name.find_first_not_of("0123456789.") == string_view::npos;
}

struct Parts {
  string_view authority;  // user, host and port
  string_view rest;       // path and query
};

Parts split(string_view url) {
  const size_t scheme = scheme_bytes(url);
  const string_view behind = url.substr(scheme != 0 ? scheme : url.starts_with("//") ? 2 : 0);
  const size_t end = std::min(behind.find_first_of("/?"), behind.size());
  const bool absolute = behind.size() != url.size() || looks_like_authority(behind.substr(0, end));
  if (!absolute) return {{}, url};
  return {behind.substr(0, end), behind.substr(end)};
}

string_view without_slash(string_view text) {
  return text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
}

}  // namespace

bool resolve_url(std::string_view base, std::string_view control, Url& out) {
  base = trim(base);
  control = trim(control);
  if (scheme_bytes(control) != 0) return out.assign(control);
  if (control.empty() || control == "*") return out.assign(base);
  if (base.empty()) return out.assign(control);
  base = without_slash(base);
  if (control.starts_with('/')) control.remove_prefix(1);
  std::array<char, kMaxUrl> joined;
  if (base.size() + 1 + control.size() > joined.size()) return false;
  char* end = std::ranges::copy(base, joined.data()).out;
  *end++ = '/';
  end = std::ranges::copy(control, end).out;
  return out.assign({joined.data(), static_cast<size_t>(end - joined.data())});
}

bool same_resource(std::string_view a, std::string_view b) {
  string_view query_a = split(trim(a)).rest, query_b = split(trim(b)).rest;
  const string_view path_a = take_until(query_a, '?'), path_b = take_until(query_b, '?');
  return without_slash(path_a) == without_slash(path_b) &&
         without_slash(query_a) == without_slash(query_b);
}

std::string_view url_authority(std::string_view url) {
  const string_view authority = split(trim(url)).authority;
  return authority.substr(authority.find_last_of('@') + 1);  // npos + 1 is 0
}

std::string_view url_host(std::string_view url) {
  const string_view host = url_authority(url);
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace midstream::rtsp
