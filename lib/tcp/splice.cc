#include "lib/tcp/splice.h"

#include <algorithm>

namespace midstream::tcp {
namespace {

uint16_t rescale(uint16_t window, uint8_t from, uint8_t to) {
  const uint64_t bytes = uint64_t{window} << from;
  return static_cast<uint16_t>(std::min<uint64_t>(bytes >> to, UINT16_MAX));
}

// SACK edges lie in the space of the opposite direction's receiver.
void translate_sack(const Direction& opposite, const Segment& in, Segment& out) {
  for (size_t i = 0; i < in.sack_count; ++i) {
    const SackBlock block{opposite.edits.to_input_left_edge(in.sack[i].left),
                          opposite.edits.to_input(in.sack[i].right)};
    if (block.left >= opposite.input_base && block.left < block.right)
      out.sack[out.sack_count++] = block;
  }
}

TcpSequence translate_acknowledgement(const Direction& opposite, TcpSequence acknowledgement) {
  return later(opposite.edits.to_input(acknowledgement), opposite.input_base);
}

Timestamps to_client_timestamps(const Splice& splice) {
  return {splice.client_floor, splice.newest_client};
}

TcpTimestamp echo_to_server(const Splice& splice, TcpTimestamp echo) {
  return later(echo - splice.timestamp_offset, splice.server_floor);
}

}  // namespace

Segment translate_to_client(Splice& splice, const Segment& in) {
  Segment out;
  out.flags = in.flags;
  out.urgent = in.urgent;
  out.acknowledgement = translate_acknowledgement(splice.to_server, in.acknowledgement);
  out.window = rescale(in.window, splice.server.window_scale, splice.presented_scale);
  splice.window_to_client = out.window;
  if (splice.client.timestamps) {
    Timestamps stamps = to_client_timestamps(splice);
    if (in.timestamps) {
      stamps.value = later(in.timestamps->value + splice.timestamp_offset, splice.client_floor);
      stamps.echo = in.timestamps->echo;
      // A retransmission may carry an older value; only what was newest stands as the floor.
      splice.client_floor = stamps.value;
    }
    out.timestamps = stamps;
  }
  if (splice.client.sack) translate_sack(splice.to_server, in, out);
  return out;
}

Segment translate_to_server(Splice& splice, const Segment& in) {
  Segment out;
  out.flags = in.flags;
  out.urgent = in.urgent;
  out.acknowledgement = translate_acknowledgement(splice.to_client, in.acknowledgement);
  out.window = rescale(in.window, splice.client.window_scale, splice.presented_client_scale);
  splice.window_to_server = out.window;
  if (in.timestamps) splice.newest_client = later(splice.newest_client, in.timestamps->value);
  if (splice.server.timestamps) {
    out.timestamps = in.timestamps
                         ? Timestamps{in.timestamps->value, echo_to_server(splice, in.timestamps->echo)}
                         : Timestamps{splice.newest_client, splice.server_floor};
  }
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
  if (splice.server.timestamps) {
    out.timestamps =
        Timestamps{splice.newest_client,
                   later(splice.client_floor - splice.timestamp_offset, splice.server_floor)};
  }
  return out;
}

}  // namespace midstream::tcp
