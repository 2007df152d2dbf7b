// The continuity contract, asserted from what the client saw and what server a would have sent.
//
// Each function checks one line of the contract (design: "The continuity contract") and returns what is
// broken, empty if nothing is. check_contract() runs them all in the current test.
//
// "a" is the server that gave the client its Session id: its terms (SSRC, sequence, timestamps, payload
// types) are what the client knows for good, at the address and ports that the client was told. Media
// is compared by the bytes of the movie's units (NAL units, sound frames), however servers cut them
// into packets: every byte once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/scenario/world.h"

namespace midstream::scenario {

struct Expectation {
  // What the PLAY that started the media asked for: position as a would serve it.
  Duration position{0};
  bool played_to_the_end = true;  // every unit of the movie must have come, and a BYE
  // Links lose or reorder: the sequence of a stream over UDP may then have holes. What comes inside the
  // connection is whole and in order over any link, ...
  bool media_may_be_lost = false;
  bool media_may_come_twice = false;  // links duplicate; the same
  bool server_may_drop = false;       // ... but for a server that drops packets when its socket is full
  bool bye_at_the_end = true;         // false: the server that plays last is not one to say it
  bool bye_may_come = false;          // the end may have come, or not
  // Servers cut frames into packets of other sizes: the frame in which one died cannot be completed.
  uint32_t frames_left_half = 0;
  // So many frames inside the connection a left half sent and b cannot complete, since it cuts the
  // media into other packets: the length that was promised is kept, what fills it is not judged. The
  // packet may be missing, and its number.
  uint32_t padded_frames = 0;
  // So many reports inside the connection of which the client had got the word BYE, but not all of its
  // source: of that the rest is withheld (0), so that it ends nobody's stream.
  uint32_t byes_withheld = 0;
  bool connection_lives = true;
  bool all_requests_answered = true;
  uint32_t timestamp_tolerance =
      0;  // ticks; 1 where b's clock starts at the seek (its rounding differs)
  double report_tolerance_ms = 1;
};

// By what an expectation says of links or servers.
bool may_be_lost(const Expectation& expected, const ClientTrack& track);

using Findings = std::vector<std::string>;

// Where the numbers of a stream begin, and the timestamp of NPT 0.
struct Terms {
  uint16_t first_sequence;
  uint32_t base_timestamp;
};
// Those of the first server's media, and those of its answer to PLAY if they differ: that may be false,
// but a client that never got a packet of this server knows nothing else. All that comes must fit one.
std::vector<Terms> possible_terms(World& world, size_t track);
// Of what is found with each of them.
template <typename Check>
Findings least_found(World& world, size_t track, Check&& check) {
  Findings least;
  for (const Terms& terms : possible_terms(world, track)) {
    Findings found = check(terms);
    if (found.empty()) return found;
    if (least.empty()) least = std::move(found);
  }
  return least;
}

Findings check_connection(World& world, const Expectation& expected);         // line 1
Findings check_responses(World& world, const Expectation& expected);          // line 2
Findings check_rtp(World& world, const Expectation& expected);                // line 3
Findings check_reports(World& world, const Expectation& expected);            // line 4
Findings check_media(World& world, const Expectation& expected);              // line 5
Findings check_old_server_fenced(World& world, const Expectation& expected);  // line 6

// IP frames that `host` sent to `peer`, or received from it, in order.
std::vector<Frame> frames(const World& world, Host& host, bool sent, Host& peer);

// All lines. For sources that have no position in common (live ones, and those that cannot seek) all
// but the fifth.
Findings check_all(World& world, const Expectation& expected);
Findings check_all_but_media(World& world, const Expectation& expected);
// The same, line by line, in the current test.
void check_contract(World& world, const Expectation& expected = {});
void check_contract_but_media(World& world, const Expectation& expected = {});

}  // namespace midstream::scenario
