// The URLs of a presentation (RFC 2326 C.1.1): what a DESCRIBE answer's base is, what the aggregate
// and the single media are called, and which stream an RTP-Info entry speaks of.
//
// Example: DESCRIBE rtsp://h/film answered with "Content-Base: /film/" gives the base rtsp://h/film/;
// "a=control:*" makes it the aggregate, "a=control:track1" makes SETUP rtsp://h/film/track1 media 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/rtsp/headers.h"
#include "lib/sdp/description.h"

namespace midstream::rtsp {

// Content-Base, else Content-Location, else the request's URI; completed from the latter where a
// server leaves out scheme or host. False if it does not fit.
[[nodiscard]] bool base_url(const Message& answer, std::string_view request_uri, Url& out);

// What PLAY, PAUSE and TEARDOWN address.
[[nodiscard]] bool aggregate_url(std::string_view base, const sdp::Description& description, Url& out);

// What SETUP of a medium addresses. False if it does not fit.
[[nodiscard]] bool media_url(std::string_view base, const sdp::Description& description, size_t media,
                             Url& out);

// The medium that a SETUP's URI names, however the client has joined base and control.
std::optional<uint8_t> media_index(std::string_view base, const sdp::Description& description,
                                   std::string_view uri);

// For each entry of `info` the index of its stream, or kNoStream. By url; if no url matches but there
// are as many entries as streams, by order. A relative url is taken against `base`, or, if that is
// empty, as the last part of the stream's.
inline constexpr uint8_t kNoStream = 0xff;
using StreamOfEntry = std::array<uint8_t, kMaxRtpInfo>;
StreamOfEntry match_rtp_info(const RtpInfoList& info, std::string_view base,
                             const std::array<std::string_view, kMaxRtpInfo>& urls,
                             size_t stream_count);

}  // namespace midstream::rtsp
