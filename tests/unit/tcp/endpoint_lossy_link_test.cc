#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "lib/base/random.h"
#include "lib/tcp/endpoint.h"
#include "lib/tcp/reassembly.h"
#include "tests/unit/tcp/dialogue.h"

namespace midstream::tcp {
namespace {

// A peer that echoes, over a link that loses, repeats and delays by seed. It repeats all that is
// not acknowledged with every segment that it gets and at every tick.
struct LossyEcho {
  TcpSequence ours, theirs;
  Random random;
  Time now{};
  Reassembly received;
  std::string echo;  // all of it, from theirs + 1
  size_t acknowledged = 0;
  bool open = false;
  struct Parcel {
    Segment segment;
    std::string payload;
  };
  std::multimap<Time, Parcel> to_endpoint, to_peer;

  LossyEcho(uint64_t seed, TcpSequence our_initial, TcpSequence their_initial)
      : ours(our_initial), theirs(their_initial), random(seed) {}

  void carry(std::multimap<Time, Parcel>& link, const Segment& segment) {
    for (uint32_t copies = random.between(0, 9); copies != 0; copies = random.between(0, 9) == 0) {
      link.emplace(now + Duration(1ms) * random.between(1, 20),
                   Parcel{segment, std::string(as_text(segment.payload))});
    }
  }
  template <typename Take>
  void deliver(std::multimap<Time, Parcel>& link, Take&& take_one) {
    while (!link.empty() && link.begin()->first <= now) {
      auto parcel = link.extract(link.begin());
      parcel.mapped().segment.payload = as_bytes(parcel.mapped().payload);
      take_one(parcel.mapped().segment);
    }
  }
  void answer(size_t begin, size_t end) {
    Segment segment;
    segment.sequence = theirs + 1 + begin;
    segment.acknowledgement = received.next_expected();
    segment.flags.ack = true;
    segment.window = 3000;
    segment.payload = as_bytes(echo).subspan(begin, end - begin);
    carry(to_endpoint, segment);
  }
  void take(const Segment& segment) {
    if (segment.flags.syn) {
      if (!open) received.reset(segment.sequence + 1);
      open = true;
      Segment syn_ack;
      syn_ack.sequence = theirs;
      syn_ack.acknowledgement = segment.sequence + 1;
      syn_ack.flags = {.syn = true, .ack = true};
      syn_ack.window = 3000;
      carry(to_endpoint, syn_ack);
      return;
    }
    const int32_t reached = segment.acknowledgement - (theirs + 1);
    if (reached > static_cast<int32_t>(acknowledged)) acknowledged = static_cast<size_t>(reached);
    received.insert(segment.sequence, segment.payload);
    echo += as_text(received.readable());
    received.consume(received.readable().size());
    repeat();
  }
  void repeat() {
    const size_t end = std::min(echo.size(), acknowledged + 2000);
    answer(acknowledged, acknowledged);
    for (size_t begin = acknowledged; begin < end;) {
      const size_t next = std::min<size_t>(end, begin + random.between(1, 700));
      answer(begin, next);
      begin = next;
    }
  }
};

TEST_CASE("over a lossy link every byte arrives once and in order, both ways", "[tcp][endpoint]") {
  std::string text;
  for (int i = 0; i < 12'000; ++i) text += static_cast<char>('!' + i * 7 % 90);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const auto& [ours, theirs] = kBeginnings[seed % std::size(kBeginnings)];
    LossyEcho peer(seed, TcpSequence(ours) - (seed & 4) * 1000,
                   TcpSequence(theirs) - (seed & 2) * 3000);
    Endpoint endpoint([&](const Segment& segment) { peer.carry(peer.to_peer, segment); });
    EndpointOptions options;
    options.initial_sequence = peer.ours;
    options.give_up = 30s;
    endpoint.open(options, peer.now);
    std::string back;
    size_t sent = 0;
    for (int ms = 0; ms < 60'000 && back.size() < text.size(); ++ms) {
      peer.now += 1ms;
      const std::string_view next = std::string_view(text).substr(sent, peer.random.between(1, 900));
      if (ms % 3 == 0 && endpoint.send(as_bytes(next), peer.now)) sent += next.size();
      peer.deliver(peer.to_peer, [&](const Segment& segment) { peer.take(segment); });
      peer.deliver(peer.to_endpoint,
                   [&](const Segment& segment) { endpoint.on_segment(segment, peer.now); });
      if (ms % 50 == 0 && peer.open) peer.repeat();
      if (peer.now >= endpoint.next_timer()) endpoint.poll(peer.now);
      back += as_text(endpoint.readable());
      endpoint.consume(endpoint.readable().size());
    }
    CHECK(endpoint.established());
    CHECK(peer.echo == text);
    CHECK(back == text);
  }
}

}  // namespace
}  // namespace midstream::tcp
