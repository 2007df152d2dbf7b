// A dialogue with an endpoint, written down like packetdrill or tcpdump would: receive a segment,
// expect what leaves. "P. 1 ack 6 'hello'": flags (S, F, R, P, and a dot for ACK), sequence number,
// acknowledgement, payload, then options. Numbers are relative to each side's initial one, so that
// one script runs anywhere in the sequence space.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/tcp/endpoint.h"

namespace midstream::tcp {

struct Dialogue {
  using Lines = std::vector<std::string>;

  TcpSequence ours{1000}, theirs{7000};
  EndpointOptions options;
  Time now{};
  uint16_t window = 60000;  // the peer's
  std::vector<std::string> sent;
  std::unique_ptr<Endpoint> endpoint =
      std::make_unique<Endpoint>([this](const Segment& segment) { sent.push_back(describe(segment)); });

  Dialogue() = default;
  Dialogue(TcpSequence our_initial, TcpSequence their_initial)
      : ours(our_initial), theirs(their_initial) {}
  Dialogue(const Dialogue&) = delete;

  void open() {
    options.local_port = 40000;
    options.remote_port = 554;
    options.initial_sequence = ours;
    endpoint->open(options, now);
  }
  // Handshake without options, up to where the dialogue proper begins.
  void establish() {
    open();
    receive("S.", 0, 1);
    sent.clear();
    REQUIRE(endpoint->established());
  }

  Segment segment(std::string_view flags, uint32_t sequence, uint32_t acknowledgement,
                  std::string_view text = "") const {
    Segment s;
    s.source_port = 554;
    s.destination_port = 40000;
    s.sequence = theirs + sequence;
    s.acknowledgement = ours + acknowledgement;
    const auto has = [&](char c) { return flags.find(c) != std::string_view::npos; };
    s.flags = {.fin = has('F'), .syn = has('S'), .rst = has('R'), .psh = has('P'), .ack = has('.')};
    s.window = window;
    s.payload = as_bytes(text);
    return s;
  }
  void receive(const Segment& s) { endpoint->on_segment(s, now); }
  void receive(std::string_view flags, uint32_t sequence, uint32_t acknowledgement,
               std::string_view text = "") {
    receive(segment(flags, sequence, acknowledgement, text));
  }
  void expect(const Lines& lines) {
    CHECK(sent == lines);
    sent.clear();
  }
  bool send(std::string_view text) { return endpoint->send(as_bytes(text), now); }
  void after(Duration duration) {
    now += duration;
    endpoint->poll(now);
  }
  std::string read() {
    const std::string text(as_text(endpoint->readable()));
    endpoint->consume(text.size());
    return text;
  }

  std::string describe(const Segment& s) const {
    std::string line;
    const auto flag = [&](bool set, char c) { line += set ? std::string(1, c) : ""; };
    flag(s.flags.syn, 'S');
    flag(s.flags.fin, 'F');
    flag(s.flags.rst, 'R');
    flag(s.flags.psh, 'P');
    flag(s.flags.ack, '.');
    line += " " + std::to_string(s.sequence - ours);
    if (s.flags.ack) line += " ack " + std::to_string(s.acknowledgement - theirs);
    if (!s.payload.empty()) line += " '" + std::string(as_text(s.payload)) + "'";
    if (s.mss) line += " mss " + std::to_string(*s.mss);
    if (s.window_scale) line += " wscale " + std::to_string(*s.window_scale);
    if (s.sack_permitted) line += " sack";
    if (s.timestamps) {
      line += " ts " + std::to_string(s.timestamps->value.value()) + ":" +
              std::to_string(s.timestamps->echo.value());
    }
    return line;
  }
};

// Far from the wrap, with the wrap in the handshake, and with it some bytes into the dialogue.
struct Beginning {
  uint32_t ours, theirs;
};
inline constexpr Beginning kBeginnings[] = {{1000, 7000},
                                            {0xffff'ffff, 0xffff'ffff},
                                            {0xffff'fffe, 0xffff'fffc},
                                            {0xffff'fffb, 0x7fff'fffd},
                                            {0x7fff'fffd, 0xffff'fff7}};

}  // namespace midstream::tcp
