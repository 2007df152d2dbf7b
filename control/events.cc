#include "control/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "control/json.h"
#include "control/text.h"

namespace midstream {
namespace {

nlohmann::json ms_or_null(const std::optional<Duration>& duration) {
  return duration ? nlohmann::json(to_ms(*duration)) : nlohmann::json();
}

nlohmann::json seconds_or_null(const std::optional<Npt>& position) {
  return position ? nlohmann::json(position->seconds()) : nlohmann::json();
}

nlohmann::json to_json(const StreamEvent& stream) {
  return {{"stream", stream.index},
          {"encoding", stream.encoding},
          {"position_s", seconds_or_null(stream.position)},
          {"position_source", stream.position_source},
          {"cut", stream.cut_method},
          {"dropped_packets", stream.dropped_packets},
          {"padded", stream.padded},
          {"resume_s", seconds_or_null(stream.resume_position)}};
}

std::string ms_text(const std::optional<Duration>& duration) {
  return duration ? fmt::format("{:.1f} ms", to_ms(*duration)) : "-";
}

std::string npt_text(const std::optional<Npt>& position) {
  return position ? fmt::format("{:.3f} s", position->seconds()) : "-";
}

std::string_view or_dash(const std::string& text) {
  return text.empty() ? "-" : std::string_view(text);
}

void append_text(const StreamEvent& stream, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "; stream {} {} at {} by {}, cut by {}, {} packets dropped, resumed from {}",
                 stream.index, or_dash(stream.encoding), npt_text(stream.position),
                 or_dash(stream.position_source), or_dash(stream.cut_method), stream.dropped_packets,
                 npt_text(stream.resume_position));
  if (stream.padded) out += ", the packet that was half sent is filled up";
}

}  // namespace

nlohmann::json to_json(const Event& event) {
  nlohmann::json streams = nlohmann::json::array();
  for (const StreamEvent& stream : event.streams) streams.push_back(to_json(stream));
  return {{"id", event.id},
          {"time", print_utc(event.unix_ns)},
          {"unix_ns", event.unix_ns},
          {"service", event.service},
          {"client", to_string(event.client)},
          {"session", event.session},
          {"cause", event.cause},
          {"server_from", event.server_from},
          {"server_to", event.server_to},
          {"outcome", event.outcome},
          {"detection_ms", ms_or_null(event.detection)},
          {"establishment_ms", ms_or_null(event.establishment)},
          {"catch_up_ms", ms_or_null(event.catch_up)},
          {"media_gap_ms", ms_or_null(event.media_gap)},
          {"lag_ms", to_ms(event.lag)},
          {"refusals", event.refusals},
          {"streams", std::move(streams)}};
}

std::string to_text(const Event& event) {
  std::string out = fmt::format(
      "event {}: service {}, client {}, session {}: {}: {} -> {}: {}; detection {}, establishment {}, "
      "catch-up {}, media gap {}, lag {}",
      event.id, or_dash(event.service), to_string(event.client), or_dash(event.session),
      or_dash(event.cause), or_dash(event.server_from), or_dash(event.server_to),
      or_dash(event.outcome), ms_text(event.detection), ms_text(event.establishment),
      ms_text(event.catch_up), ms_text(event.media_gap), ms_text(event.lag));
  for (const std::string& refusal : event.refusals) out += "; in vain " + refusal;
  for (const StreamEvent& stream : event.streams) append_text(stream, out);
  return printable(out);
}

uint64_t EventLog::add(Event event) {
  event.id = next_id_++;
  if (events_.size() == kKeptEvents) events_.pop_front();
  events_.push_back(std::move(event));
  return events_.back().id;
}

nlohmann::json EventLog::page(const nlohmann::json& after, size_t limit) const {
  const auto seen = after.is_null() ? 0 : whole_number(after);
  if (!seen) return {{"error", "\"after\" must be an event's id"}};
  const uint64_t oldest = next_id_ - events_.size();
  const uint64_t first = *seen < oldest ? oldest : std::min(*seen, next_id_ - 1) + 1;
  nlohmann::json rows = nlohmann::json::array();
  uint64_t id = first;
  for (; id < next_id_ && rows.size() < limit; ++id)
    rows.push_back(to_json(events_[static_cast<size_t>(id - oldest)]));
  return {{"rows", std::move(rows)},
          {"next", id < next_id_ ? nlohmann::json(id - 1) : nlohmann::json()}};
}

}  // namespace midstream
