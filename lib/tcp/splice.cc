#include "lib/tcp/splice.h"

#include <algorithm>
#include <optional>

namespace midstream::tcp {
namespace {

TcpSequence translate_acknowledgement(const Direction& opposite, TcpSequence acknowledgement) {
  return later(opposite.edits.to_input(acknowledgement), opposite.input_base);
}

// In units of the scale. An open window is open for `least` bytes and for a unit.
uint16_t window_field(int64_t bytes, uint8_t scale, uint32_t least) {
  if (bytes <= 0) return 0;
  const int64_t told = std::max<int64_t>(bytes, least) >> scale;
  return static_cast<uint16_t>(std::clamp<int64_t>(told, 1, UINT16_MAX));
}

// What the receiver has room for, as the sender counts it: up to the same right edge, less what is
// on its way to the receiver that the sender does not know of (the switch's own bytes, insertions).
uint16_t translate_window(const Direction& opposite, const Segment& in, const Segment& out,
                          uint8_t from, uint8_t to) {
  if (in.window == 0) return 0;
  const TcpSequence edge = in.acknowledgement + (uint32_t{in.window} << from);
  const int64_t bytes = opposite.edits.to_input(edge) - out.acknowledgement;
  return window_field(bytes, to, opposite.least_window);
}

// SACK edges lie in the space of the opposite direction's receiver. No block may begin at the
// acknowledgement, though one can come to: where the receiver lacks bytes of the switch's own, or a
// part of an insertion. A sender takes that for reneging (RFC 2018 8) or never repeats what is there.
void translate_sack(const Direction& opposite, const Segment& in, Segment& out) {
  for (size_t i = 0; i < in.sack_count; ++i) {
    SackBlock block{opposite.edits.to_input_left_edge(in.sack[i].left),
                    opposite.edits.to_input(in.sack[i].right)};
    if (block.right > out.acknowledgement) block.left = later(block.left, out.acknowledgement + 1);
    if (block.left >= opposite.input_base && block.left < block.right)
      out.sack[out.sack_count++] = block;
  }
}

Timestamps to_client_timestamps(const Splice& splice) {
  return {splice.client_floor, splice.newest_client};
}

TcpTimestamp echo_to_server(const Splice& splice, TcpTimestamp echo) {
  return later(echo - splice.timestamp_offset, splice.server_floor);
}

// The newest that the server has said, whatever of it the client has echoed.
Timestamps to_server_timestamps(const Splice& splice) {
  return {splice.newest_client, echo_to_server(splice, splice.client_floor)};
}

// A connection may live for months: the floor stays within half the circle of what the
// server says.
void draw_floor_along(Splice& splice, TcpTimestamp said) {
  constexpr int32_t kFar = 1 << 30;
  if (said - splice.server_floor > kFar) splice.server_floor = said - kFar;
}

// What was not agreed does not count (RFC 7323 3.2).
std::optional<Timestamps> agreed_timestamps(const Leg& from, const Segment& in) {
  return from.timestamps ? in.timestamps : std::nullopt;
}

}  // namespace

void draw_base_along(Direction& direction, TcpSequence acknowledged) {
  constexpr int32_t kFar = 1 << 30;
  if (acknowledged - direction.input_base > kFar) direction.input_base = acknowledged - kFar;
}

uint16_t rescale_window(uint16_t window, uint8_t from, uint8_t to) {
  return window_field(int64_t{window} << from, to, kLeastWindow);
}

Segment translate_to_client(Splice& splice, const Segment& in) {
  Segment out;
  out.flags = in.flags;
  out.urgent = in.urgent;
  out.acknowledgement = translate_acknowledgement(splice.to_server, in.acknowledgement);
  out.window =
      translate_window(splice.to_server, in, out, splice.server.window_scale, splice.presented_scale);
  splice.window_to_client = out.window;
  Timestamps stamps = to_client_timestamps(splice);
  if (const auto said = agreed_timestamps(splice.server, in)) {
    // A retransmission may carry an older value; only what was newest stands as the floor.
    stamps.value = later(said->value + splice.timestamp_offset, splice.client_floor);
    stamps.echo = said->echo;
    splice.client_floor = stamps.value;
    draw_floor_along(splice, said->value);
  }
  if (splice.client.timestamps) out.timestamps = stamps;
  if (splice.client.sack) translate_sack(splice.to_server, in, out);
  return out;
}

Segment translate_to_server(Splice& splice, const Segment& in) {
  Segment out;
  out.flags = in.flags;
  out.urgent = in.urgent;
  out.acknowledgement = translate_acknowledgement(splice.to_client, in.acknowledgement);
  out.window = translate_window(splice.to_client, in, out, splice.client.window_scale,
                                splice.presented_client_scale);
  splice.window_to_server = out.window;
  Timestamps stamps = to_server_timestamps(splice);
  if (const auto said = agreed_timestamps(splice.client, in)) {
    splice.newest_client = later(splice.newest_client, said->value);
    stamps = {said->value, echo_to_server(splice, said->echo)};
  }
  if (splice.server.timestamps) out.timestamps = stamps;
  if (splice.server.sack) translate_sack(splice.to_client, in, out);
  return out;
}

Segment make_to_client(const Splice& splice, TcpSequence acknowledgement) {
  Segment out;
  out.flags.ack = true;
  out.acknowledgement = acknowledgement;
  out.window = splice.window_to_client;
  if (splice.client.timestamps) out.timestamps = to_client_timestamps(splice);
  return out;
}

Segment make_to_server(const Splice& splice, TcpSequence acknowledgement) {
  Segment out;
  out.flags.ack = true;
  out.acknowledgement = acknowledgement;
  out.window = splice.window_to_server;
  if (splice.server.timestamps) out.timestamps = to_server_timestamps(splice);
  return out;
}

}  // namespace midstream::tcp
