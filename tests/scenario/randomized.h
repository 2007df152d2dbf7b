// One random run: a seed chooses servers, movie, moment, kind of failure, network and TCP options, and
// what the client says meanwhile; then the contract is asserted. The same seed is the same run.
//
// What a seed chooses is a Choice, which prints itself, so that a run can be told apart:
//   seed 17: live555 -> gst -> c, movie 3.2 s, ...
#pragma once

#include <string>
#include <vector>

#include "tests/scenario/contract.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {

// Behind this a failure is an ending (design: "When is an ending a failure?"), and one packet interval.
inline constexpr Duration kEnding = 1s + 100ms;

enum class Failure { kFin, kReset, kCutOff, kFreeze, kShutDown };
const char* to_string(Failure failure);

// What the client is at when the first server fails; the others fail while they play.
enum class Moment { kPlaying, kPaused, kOpening };
const char* to_string(Moment moment);

struct Choice {
  uint32_t seed = 0;
  std::vector<NamedPersonality> servers;  // two or three
  MovieOptions movie;
  Duration position{0};  // where the client begins
  Moment moment = Moment::kPlaying;
  std::vector<Failure> failures;  // of the server that plays, one after the other
  std::vector<Duration> moments;  // of playing, before each of them
  bool returns = false;           // the first server comes back
  // Bytes of a frame inside the connection that each leaves half sent; none: it fails between frames.
  std::vector<std::optional<size_t>> half_frames;
  LinkQuality client_link, server_link;
  WorldOptions world;                      // all of it as options
  std::vector<std::string> before, after;  // requests around the first failure

  bool in_doubt() const;  // no position in common: what is played behind the failure is not compared
  bool lossy() const;
  bool interleaved() const;  // some streams, or all
  Expectation expectation() const;
  std::string text() const;
};

Choice choose(uint32_t seed);

// What is broken, empty if nothing is. With `log`, the packet log is kept.
Findings run(const Choice& choice, bool log);

}  // namespace midstream::scenario
