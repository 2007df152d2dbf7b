#include "lib/rtsp/presentation.h"

#include <algorithm>

namespace midstream::rtsp {
namespace {

bool is_absolute(std::string_view url) { return url.find("://") != std::string_view::npos; }

bool concatenate(std::string_view a, std::string_view b, Url& out) {
  std::array<char, kMaxUrl> text;
  if (a.size() + b.size() > text.size()) return false;
  std::ranges::copy(a, text.begin());
  std::ranges::copy(b, text.begin() + a.size());
  return out.assign({text.data(), a.size() + b.size()});
}

// "rtsp://host:port" of an absolute URL.
std::string_view origin(std::string_view url) {
  const size_t authority = url.find("://");
  if (authority == std::string_view::npos) return {};
  return url.substr(0, url.find('/', authority + 3));
}

// True if `path` is the last part of `uri`, on a slash: base and control joined in whatever way.
bool ends_with_path(std::string_view uri, std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty() || path == "*" || !uri.ends_with(path)) return false;
  const std::string_view front = uri.substr(0, uri.size() - path.size());
  return front.empty() || front.ends_with('/');
}

template <typename Matches>
std::optional<uint8_t> first_media(const sdp::Description& description, Matches matches) {
  for (uint8_t i = 0; i < description.media_count; ++i)
    if (matches(description.media[i].control.view())) return i;
  return std::nullopt;
}

bool names_stream(std::string_view entry, std::string_view base, std::string_view stream) {
  if (same_resource(entry, stream)) return true;
  if (is_absolute(entry)) return false;
  Url resolved;
  if (!base.empty() && resolve_url(base, entry, resolved) && same_resource(resolved.view(), stream))
    return true;
  return ends_with_path(stream, entry);
}

}  // namespace

bool base_url(const Message& answer, std::string_view request_uri, Url& out) {
  const Header* header = answer.find("Content-Base");
  if (header == nullptr || header->value.empty()) header = answer.find("Content-Location");
  if (header == nullptr || header->value.empty()) return out.assign(request_uri);
  const std::string_view value = header->value;
  if (is_absolute(value)) return out.assign(value);
  if (value.starts_with("//")) return concatenate("rtsp:", value, out);
  if (value.starts_with('/')) return concatenate(origin(request_uri), value, out);
  const std::string_view host = url_host(request_uri);
  if (!host.empty() && value.starts_with(host)) return concatenate("rtsp://", value, out);
  return out.assign(request_uri);  // a relative path says no more than the request itself
}

bool aggregate_url(std::string_view base, const sdp::Description& description, Url& out) {
  return resolve_url(base, description.control.view(), out);
}

bool media_url(std::string_view base, const sdp::Description& description, size_t media, Url& out) {
  Url aggregate;
  return media < description.media_count && aggregate_url(base, description, aggregate) &&
         resolve_url(aggregate.view(), description.media[media].control.view(), out);
}

std::optional<uint8_t> media_index(std::string_view base, const sdp::Description& description,
                                   std::string_view uri) {
  Url aggregate;
  if (!aggregate_url(base, description, aggregate)) aggregate.clear();
  // Clients differ in what they join a control to: the session's control or the base.
  for (const std::string_view front : {aggregate.view(), base}) {
    const auto found = first_media(description, [&](std::string_view control) {
      Url url;
      return resolve_url(front, control, url) && same_resource(url.view(), uri);
    });
    if (found) return found;
  }
  return first_media(description,
                     [&](std::string_view control) { return ends_with_path(uri, control); });
}

StreamOfEntry match_rtp_info(const RtpInfoList& info, std::string_view base,
                             const std::array<std::string_view, kMaxRtpInfo>& urls,
                             size_t stream_count) {
  StreamOfEntry streams;
  streams.fill(kNoStream);
  stream_count = std::min(stream_count, urls.size());
  bool any = false;
  for (size_t entry = 0; entry < info.count; ++entry)
    for (size_t stream = 0; stream < stream_count && streams[entry] == kNoStream; ++stream)
      if (names_stream(info.items[entry].url, base, urls[stream])) {
        streams[entry] = static_cast<uint8_t>(stream);
        any = true;
      }
  if (!any && info.count == stream_count)
    for (size_t entry = 0; entry < info.count; ++entry) streams[entry] = static_cast<uint8_t>(entry);
  return streams;
}

}  // namespace midstream::rtsp
