#include "tests/scenario/randomized.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace midstream::scenario {
namespace {

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed * uint64_t{2654435761} + 99) {}

  uint32_t between(uint32_t low, uint32_t high) { return random_.between(low, high); }
  bool one_in(uint32_t n) { return between(1, n) == 1; }
  Duration time(Duration low, Duration high) {
    const auto us = static_cast<uint32_t>((high - low) / 1us);
    return low + std::chrono::microseconds(between(0, us));
  }
  template <typename T>
  T any(std::initializer_list<T> values) {
    return values.begin()[between(0, static_cast<uint32_t>(values.size() - 1))];
  }

 private:
  Random random_;
};

MovieOptions choose_movie(Dice& dice) {
  MovieOptions m;
  m.frames_per_second = dice.any({20u, 25u, 50u});
  m.duration = dice.time(2s, 4s);
  m.key_frame_distance = dice.any({5u, 12u, 25u, 50u, 1000u});
  m.b_frames = dice.between(0, 2);
  m.most_packets = dice.between(1, 6);
  m.sound = !dice.one_in(5);
  m.silence = dice.one_in(8);
  m.content = dice.between(1, 1000);
  return m;
}

TcpOptions choose_tcp(Dice& dice, bool lossy) {
  TcpOptions t;
  t.mss = dice.any<uint16_t>({1460, 1460, 1400, 600, 536});
  t.window_scale = dice.any<std::optional<uint8_t>>({std::nullopt, 0, 2, 7, 14});
  t.sack = !dice.one_in(4);
  t.timestamps = !dice.one_in(4);
  t.receive_window = dice.any({64u * 1024, 64u * 1024, 8192u, 4096u});
  if (t.window_scale == 14) t.receive_window = 1024 * 1024;  // in units of 16 KiB
  t.delayed_ack = dice.any<Duration>({0ms, 40ms});
  if (dice.one_in(4)) t.initial_sequence = 0u - dice.between(0, 3000);
  if (dice.one_in(4)) t.initial_timestamp = 0u - dice.between(0, 4000);
  t.recut_retransmissions = dice.one_in(2);
  t.network_reorders = lossy;
  return t;
}

LinkQuality choose_link(Dice& dice) {
  LinkQuality q;
  q.delay = dice.time(10us, 5ms);
  if (dice.one_in(3)) q.jitter = dice.time(10us, 3ms);
  if (dice.one_in(4)) q.loss = dice.between(1, 50) / 1000.0;
  if (dice.one_in(4)) q.duplication = dice.between(1, 50) / 1000.0;
  if (dice.one_in(4)) q.reorder = dice.between(1, 50) / 1000.0;
  return q;
}

NamedPersonality choose_personality(Dice& dice) {
  // The kinds with a position in common more often: they have more to keep.
  NamedPersonality chosen =
      dice.one_in(4)
          ? personalities()[dice.between(0, static_cast<uint32_t>(personalities().size() - 1))]
          : personalities()[dice.between(0, 2)];
  Personality& p = chosen.personality;
  if (chosen.name == "gst") {
    p.honours_seek_style = !dice.one_in(4);
    p.lies_in_rtp_info_after_seek = dice.one_in(3);
    p.rtp_info_sequence_one_less = dice.one_in(3);
    p.timestamps_restart_at_seek = dice.one_in(6);
    p.first_report = dice.time(10ms, 2500ms);
  }
  if (dice.one_in(3)) p.first_payload_type = static_cast<uint8_t>(dice.between(97, 120));
  if (dice.one_in(4)) p.control += "?t=a;b&c=1";
  p.play_delay = dice.time(300us, 60ms);
  p.media_delay = dice.time(50us, 20ms);
  p.packet_spacing = dice.any<Duration>({5us, 20us, 200us});
  p.wall_clock = dice.any<Duration>({3'976'000'000s, 1'000'000'000s, 4'294'967'294s});
  return chosen;
}

std::vector<std::string> choose_requests(Dice& dice) {
  std::vector<std::string> methods;
  for (uint32_t n = dice.one_in(2) ? dice.between(1, 4) : 0; n > 0; --n)
    methods.push_back(dice.any<const char*>({"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"}));
  return methods;
}

// Where a server's word about its position is false only content tells.
void be_truthful(NamedPersonality& s) {
  s.personality.lies_in_rtp_info_after_seek = s.personality.rtp_info_sequence_one_less = false;
  if (s.personality.echoes_range) s = {"live555", live555()};
}

// Packets of other sizes: no content in common.
void cut_differently(Dice& dice, Choice& c) {
  for (NamedPersonality& s : c.servers) {
    be_truthful(s);
    s.personality.packet_bytes = dice.any({1400u, 900u, 400u});
  }
}

// Some streams inside the connection, or all; and how servers write them.
void choose_interleaved(Dice& dice, Choice& c) {
  const auto kinds = {std::vector{true}, std::vector{true}, std::vector{true, false},
                      std::vector{false, true}};
  WorldOptions& w = c.world;
  w.client.interleaved = dice.any<std::vector<bool>>(kinds);
  const auto is_strict = [](const NamedPersonality& s) {
    return s.personality.channel_manner == Personality::ChannelManner::kStrict;
  };
  if (!c.movie.sound || std::ranges::any_of(c.servers, is_strict)) w.client.interleaved = {true};
  w.client.first_channel = dice.any<uint8_t>({0, 0, 2, 7, 200});
  w.client.reports_around_requests = dice.one_in(3);
  ServerOptions* options[] = {&w.a, &w.b, &w.c};
  for (size_t i = 0; i < c.servers.size(); ++i) {
    Personality& p = options[i]->personality;
    if (dice.one_in(4)) p.first_channel = static_cast<uint8_t>(dice.between(0, 240));
    p.says_channels = p.first_channel.has_value() || !dice.one_in(6);
    p.frame_writes = dice.any({Personality::FrameWrites::kWhole, Personality::FrameWrites::kHeaderApart,
                               Personality::FrameWrites::kAnywhere});
    p.socket_bytes = 4 * 1024 * 1024;  // Linux's most (tcp_wmem): nothing is dropped
    options[i]->tcp.joins_writes = dice.one_in(3);
  }
  // A server that says BYE has sent all its frames whole.
  for (const Failure failure : c.failures)
    c.half_frames.push_back(
        dice.one_in(2) && failure != Failure::kShutDown
            ? std::optional<size_t>(dice.any({dice.between(1, 16), dice.between(1, 1400)}))
            : std::nullopt);
}

void choose_numbers(Dice& dice, ServerOptions& server) {
  if (dice.one_in(3))
    server.first_sequence = {static_cast<uint16_t>(0 - dice.between(0, 300)),
                             static_cast<uint16_t>(0 - dice.between(0, 200))};
  if (dice.one_in(3))
    server.base_timestamp = {0u - dice.between(0, 4 * 90000), 0u - dice.between(0, 4 * 48000)};
}

}  // namespace

const char* to_string(Failure failure) {
  switch (failure) {
    case Failure::kFin:
      return "FIN";
    case Failure::kReset:
      return "RST";
    case Failure::kCutOff:
      return "cut off";
    case Failure::kFreeze:
      return "freeze";
    case Failure::kShutDown:
      return "BYE and FIN";
  }
  return "";
}

const char* to_string(Moment moment) {
  switch (moment) {
    case Moment::kPlaying:
      return "playing";
    case Moment::kPaused:
      return "paused";
    case Moment::kOpening:
      return "opening";
  }
  return "";
}

bool Choice::in_doubt() const {
  return std::ranges::any_of(servers, [](const auto& s) { return !s.personality.seekable(); });
}

bool Choice::interleaved() const { return std::ranges::count(world.client.interleaved, true) > 0; }

bool Choice::lossy() const {
  const auto harms = [](const LinkQuality& q) { return q.loss + q.reorder + q.duplication > 0; };
  return harms(client_link) || harms(server_link);
}

Choice choose(uint32_t seed) {
  Dice dice(seed);
  Choice c;
  c.seed = seed;
  const size_t servers = dice.one_in(3) ? 3 : 2;
  for (size_t i = 0; i < servers; ++i) c.servers.push_back(choose_personality(dice));
  c.movie = choose_movie(dice);
  // A third of the runs on clean cables: there the contract is exact.
  if (!dice.one_in(3)) c.client_link = choose_link(dice);
  if (!dice.one_in(3)) c.server_link = choose_link(dice);
  Duration left = c.movie.duration - kEnding;
  // A first server that echoes the place has its client and us believe it: nobody knows better.
  if (dice.one_in(4) && !c.servers[0].personality.echoes_range) c.position = dice.time(0us, left);
  left -= c.position;
  for (size_t i = 0; i + 1 < servers; ++i) {
    c.failures.push_back(static_cast<Failure>(dice.between(0, 4)));
    c.moments.push_back(dice.one_in(6) ? dice.time(0us, 30ms) : dice.time(0us, left));
    left -= c.moments.back();
  }
  // Between sources that have no position in common, where the movie ends is in doubt, too.
  if (c.in_doubt()) {
    c.failures.resize(1);
    c.moments.resize(1);
  }
  c.moment = dice.any({Moment::kPlaying, Moment::kPlaying, Moment::kPlaying, Moment::kPlaying,
                       Moment::kPaused, Moment::kOpening});
  if (c.in_doubt()) c.moment = Moment::kPlaying;
  if (c.moment == Moment::kOpening) c.moments[0] = dice.time(0us, 20ms);
  if (dice.one_in(6)) cut_differently(dice, c);
  if (c.movie.silence)
    for (NamedPersonality& s : c.servers) be_truthful(s);
  c.returns = dice.one_in(3);
  c.before = choose_requests(dice);
  c.after = choose_requests(dice);

  WorldOptions& w = c.world;
  w.seed = seed;
  w.servers = servers;
  w.movie = c.movie;
  w.service = dice.one_in(3) ? ServiceMode::kVirtual : ServiceMode::kTransparent;
  w.ipv6 = dice.one_in(4);
  w.client.cut_requests = dice.one_in(2);
  w.client.patience = 15s;
  w.client.tcp = choose_tcp(dice, c.lossy());
  ServerOptions* options[] = {&w.a, &w.b, &w.c};
  for (size_t i = 0; i < servers; ++i) {
    options[i]->personality = c.servers[i].personality;
    options[i]->tcp = choose_tcp(dice, c.lossy());
    choose_numbers(dice, *options[i]);
  }
  if (dice.one_in(3)) choose_interleaved(dice, c);
  return c;
}

Expectation Choice::expectation() const {
  Expectation e;
  e.media_may_be_lost = lossy();
  e.media_may_come_twice = client_link.duplication + server_link.duplication > 0;
  e.position = position;
  e.played_to_the_end = !in_doubt();
  for (const NamedPersonality& s : servers)
    if (s.personality.packet_bytes != servers[0].personality.packet_bytes)
      e.frames_left_half = static_cast<uint32_t>(failures.size());
  if (e.frames_left_half > 0 || in_doubt())
    e.padded_frames = static_cast<uint32_t>(
        std::ranges::count_if(half_frames, [](const auto& half) { return half.has_value(); }));
  if (interleaved())
    e.byes_withheld = static_cast<uint32_t>(std::ranges::count(failures, Failure::kShutDown));
  // Clocks that start at the seek round by themselves.
  for (const NamedPersonality& s : servers)
    if (s.personality.timestamps_restart_at_seek) e.timestamp_tolerance += 1;
  // One that cannot seek begins at 0, where no place is in common: only content tells the clock, and
  // may be the one packet that the last server had given the timestamp of the place, amid a frame of
  // sound.
  for (const NamedPersonality& s : servers)
    if (!s.personality.live && !s.personality.seekable()) e.report_tolerance_ms += 22;
  return e;
}

std::string Choice::text() const {
  const auto inside = [this]() -> std::string {
    if (!interleaved()) return "";
    std::vector<std::string> halves;
    for (const auto& half : half_frames) halves.push_back(half ? fmt::format("{}", *half) : "none");
    const std::vector<bool>& streams = world.client.interleaved;
    return fmt::format("; {} inside the connection, half frames {}",
                       streams.size() == 1 ? "all"
                       : streams[0]        ? "the first"
                                           : "the second",
                       fmt::join(halves, ", "));
  };
  std::vector<std::string> names, ends;
  for (const NamedPersonality& s : servers) names.push_back(s.name);
  for (size_t i = 0; i < failures.size(); ++i)
    ends.push_back(fmt::format("{} after {:.3f} s", to_string(failures[i]), to_seconds(moments[i])));
  const auto link = [](const LinkQuality& q) {
    return fmt::format("{} us loss {} twice {} late {}", q.delay / 1us, q.loss, q.duplication,
                       q.reorder);
  };
  return fmt::format(
      "seed {}: {}{}{}, {}; movie {:.3f} s, {} fps, key frames {} apart, {} B-frames{}{}; {}{}; "
      "client's link {}; servers' link {}; before {}, after {}{}",
      seed, fmt::join(names, " -> "), world.service == ServiceMode::kVirtual ? ", virtual" : "",
      world.ipv6 ? ", IPv6" : "", to_string(moment), to_seconds(movie.duration),
      movie.frames_per_second, movie.key_frame_distance, movie.b_frames,
      movie.sound ? "" : ", no sound", movie.silence ? ", silence" : "", fmt::join(ends, ", "),
      returns ? ", returns" : "", link(client_link), link(server_link), before.size(), after.size(),
      inside());
}

}  // namespace midstream::scenario
