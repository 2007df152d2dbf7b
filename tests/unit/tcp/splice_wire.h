// A splice for the tests: two halves of a connection, each with numbers and clocks of its own, and
// segments as either side sends them.
#pragma once

#include "lib/tcp/splice.h"

namespace midstream::tcp {

// Where the four sequence spaces and the three clocks stand at the splice.
struct Start {
  uint32_t client, to_server;                // the client's next byte, and what the server calls it
  uint32_t server, to_client;                // the server's next byte, and what the client calls it
  uint32_t client_clock, old, server_clock;  // TSval of the client, of the old server, of the new one
};
// The second wraps everywhere a little behind the splice, the third at half the circle.
inline const Start kStarts[] = {
    {10'000, 50'000, 20'000, 90'000, 1'000, 700'000, 5'000},
    {0xffff'fff0, 0xffff'ffe8, 0xffff'fff8, 0xffff'ffe0, 0xffff'fffd, 0xffff'fff9, 0xffff'fffb},
    {0x7fff'fff0, 0xffff'ffe8, 0x7fff'fff8, 0x7fff'ffe0, 0x7fff'fffd, 0xffff'fff9, 0x7fff'fffb},
};

// A splice with everything agreed on both sides. Numbers in the tests count from the splice.
struct Wire {
  explicit Wire(const Start& s) : start(s) {
    splice.client = splice.server = {.timestamps = true, .sack = true, .window_scale = 7};
    splice.presented_scale = splice.presented_client_scale = 7;
    for (Direction* d : {&splice.to_client, &splice.to_server}) {
      const bool client = d == &splice.to_client;
      d->input_base = d->released = TcpSequence(client ? start.server : start.client);
      d->edits.reset(d->input_base, TcpSequence(client ? start.to_client : start.to_server));
    }
    splice.client_floor = TcpTimestamp(start.old);
    splice.server_floor = TcpTimestamp(start.server_clock);
    splice.timestamp_offset = start.old - start.server_clock;
    splice.newest_client = TcpTimestamp(start.client_clock);
  }

  // Segments as the two sides send them: acknowledgement, clock and echo as distances.
  Segment from_server(int acknowledged, int clock = 0, int echo = 0) const {
    Segment in;
    in.flags.ack = true;
    in.acknowledgement = TcpSequence(start.to_server) + acknowledged;
    in.timestamps = Timestamps{TcpTimestamp(start.server_clock) + clock, client_time(echo)};
    return in;
  }
  Segment from_client(int acknowledged, int clock = 0, int echo = 0) const {
    Segment in;
    in.flags.ack = true;
    in.acknowledgement = TcpSequence(start.to_client) + acknowledged;
    in.timestamps = Timestamps{client_time(clock), TcpTimestamp(start.old) + echo};
    return in;
  }
  Segment to_client(const Segment& in) { return translate_to_client(splice, in); }
  Segment to_server(const Segment& in) { return translate_to_server(splice, in); }
  TcpTimestamp client_time(int64_t clock) const { return TcpTimestamp(start.client_clock) + clock; }
  TcpTimestamp server_time(int64_t clock) const { return TcpTimestamp(start.server_clock) + clock; }
  TcpTimestamp old_time(int64_t clock) const { return TcpTimestamp(start.old) + clock; }

  Start start;
  Splice splice;
};

}  // namespace midstream::tcp
