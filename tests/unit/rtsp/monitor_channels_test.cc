// SETUP of streams inside the RTSP connection: which channels they have, and when they can have none.
#include <vector>

#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

struct Setup {
  std::string session;  // of the answer; the request names it if `named`
  std::string request, answer;
  int stream = 0;
  bool named = false;
};

uint8_t setup(Dialogue& d, const Setup& s) {
  d.client("SETUP rtsp://10.0.0.2/film/stream=" + std::to_string(s.stream) + " RTSP/1.0\nCSeq: 7\n" +
           (s.named ? "Session: " + s.session + "\n" : "") + "Transport: " + s.request);
  return d.server("RTSP/1.0 200 OK\nCSeq: 7\nSession: " + s.session + "\nTransport: " + s.answer);
}

std::string channels_of(const Stream& stream) {
  if (!stream.channels) return "none";
  return std::to_string(stream.channels->rtp) + '-' + std::to_string(stream.channels->rtcp);
}

std::string in_use(const Conversation& conversation) {
  const ChannelSet channels = channels_in_use(conversation);
  std::string text;
  for (size_t i = 0; i < kChannels; ++i)
    if (channels[i]) text += std::to_string(i) + ' ';
  return text;
}

const std::string kTcp = "RTP/AVP/TCP;unicast;interleaved=";

TEST_CASE("channels come from the answer, else from the request", "[session]") {
  struct Row {
    const char *request, *answer, *channels;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1", "0-1"},
      {"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1", "4-5"},
      {"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast", "0-1"},
      {"RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast;interleaved=2-3", "2-3"},
      {"RTP/AVP/TCP;unicast;interleaved=254", "RTP/AVP/TCP;unicast", "254-255"},
      {"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP;unicast;interleaved=0-1", "0-1"},
      // Of several alternatives, what the answer takes:
      {"RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=6-7",
       "RTP/AVP/TCP;unicast", "6-7"},
      {"RTP/SAVP/TCP;unicast;interleaved=0-1,RTP/AVP/TCP;unicast;interleaved=2-3,"
       "RTP/AVP/TCP;unicast;interleaved=4-5",
       "RTP/AVP/TCP;unicast", "2-3"},
      {"RTP/AVP/TCP;unicast,RTP/AVP/TCP;unicast;interleaved=8-9", "RTP/AVP/TCP;unicast", "8-9"},
      {"RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=5000-5001",
       "RTP/AVP;unicast;server_port=6970-6971", "none"},
  }));
  INFO(row.request << " -> " << row.answer);
  Dialogue d;
  describe(d);
  CHECK(setup(d, {"abc", row.request, row.answer}) == kStreamsChanged);
  CHECK(d.conversation.unprotected == Unprotected::kNone);
  REQUIRE(d.session().stream_count == 1);
  CHECK(channels_of(d.stream()) == row.channels);
  const bool inside = d.stream().channels.has_value();
  CHECK(d.stream().client_port.rtp == (inside ? 0 : 5000));
  CHECK(d.stream().server_port.rtp == (inside ? 0 : 6970));
  CHECK(d.stream().payload_type == 96);
  CHECK(d.stream().clock_rate == 90000);
}

TEST_CASE("channels that nobody named, or that cannot be understood, are not guessed", "[session]") {
  struct Row {
    const char *request, *answer;
  };
  const auto row = GENERATE(values<Row>({
      {"RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast"},
      {"RTP/SAVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast"},
      {"RTP/AVP/TCP;multicast;interleaved=0-1", "RTP/AVP/TCP;unicast"},
      {"RTP/AVP/TCP;interleaved=x", "RTP/AVP/TCP;unicast"},
      {"RTP/AVP/TCP;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=x"},
      {"RTP/AVP/TCP;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=70000-70001"},
  }));
  INFO(row.request << " -> " << row.answer);
  Dialogue d;
  describe(d);
  CHECK(setup(d, {"abc", row.request, row.answer}) == kUnprotectedChanged);
  CHECK(d.conversation.unprotected == Unprotected::kUnknownTransport);
  CHECK(d.session().stream_count == 0);
}

TEST_CASE("one session has streams of both kinds", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, {"abc", kTcp + "0-1", kTcp + "0-1;ssrc=A"});
  setup(d, {"abc", "RTP/AVP;unicast;client_port=5002-5003", "RTP/AVP;unicast;server_port=6972-6973", 1,
            true});
  REQUIRE(d.session().stream_count == 2);
  CHECK(channels_of(d.stream(0)) == "0-1");
  CHECK(d.stream(0).ssrc == 10u);
  CHECK(channels_of(d.stream(1)) == "none");
  CHECK(d.stream(1).server_port == PortPair{6972, 6973});
  CHECK(in_use(d.conversation) == "0 1 ");
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

TEST_CASE("a channel belongs to one stream of the connection", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, {"abc", kTcp + "0-1", kTcp + "0-1"});
  const auto second = GENERATE(values<Setup>({{"abc", kTcp + "0-1", kTcp + "0-1", 1, true},
                                              {"abc", kTcp + "2-3", kTcp + "1-2", 1, true},
                                              {"abc", kTcp + "0-1", "RTP/AVP/TCP", 1, true},
                                              {"xyz", kTcp + "2-3", kTcp + "3-0", 0, false}}));
  INFO(second.answer);
  CHECK((setup(d, second) & kUnprotectedChanged) != 0);
  CHECK(d.conversation.unprotected == Unprotected::kUnknownTransport);
  CHECK(d.session().stream_count == 1);
  CHECK(in_use(d.conversation) == "0 1 ");
}

TEST_CASE("a second session uses other channels", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, {"abc", kTcp + "0-1", kTcp + "0-1"});
  setup(d, {"abc", kTcp + "2-3", kTcp + "2-3", 1, true});
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 8\nSession: abc");
  d.server("RTSP/1.0 200 OK\nCSeq: 8\nSession: abc");
  setup(d, {"xyz", kTcp + "4-5", kTcp + "4-5"});
  CHECK(d.session(1).id.view() == "xyz");
  CHECK(channels_of(d.session(1).streams[0]) == "4-5");
  CHECK(in_use(d.conversation) == "0 1 2 3 4 5 ");
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

TEST_CASE("channels are free again after a TEARDOWN", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, {"abc", kTcp + "0-1", kTcp + "0-1"});
  setup(d, {"abc", kTcp + "2-3", kTcp + "2-3", 1, true});
  SECTION("of one stream") {
    d.client("TEARDOWN rtsp://10.0.0.2/film/stream=0 RTSP/1.0\nCSeq: 8\nSession: abc");
    d.server("RTSP/1.0 200 OK\nCSeq: 8");
    CHECK(in_use(d.conversation) == "2 3 ");
    setup(d, {"abc", kTcp + "0-1", kTcp + "0-1", 0, true});
    CHECK(in_use(d.conversation) == "0 1 2 3 ");
  }
  SECTION("of the session") {
    d.client("TEARDOWN rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 8\nSession: abc");
    d.server("RTSP/1.0 200 OK\nCSeq: 8");
    CHECK(in_use(d.conversation).empty());
    setup(d, {"xyz", kTcp + "1-2", kTcp + "1-2"});
    CHECK(in_use(d.conversation) == "1 2 ");
  }
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

TEST_CASE("the same SETUP again: a stream does not stand in its own way", "[session]") {
  Dialogue d;
  describe(d);
  setup(d, {"abc", kTcp + "0-1", kTcp + "0-1"});
  SECTION("on the same channels") {
    setup(d, {"abc", kTcp + "0-1", kTcp + "0-1", 0, true});
    CHECK(in_use(d.conversation) == "0 1 ");
  }
  SECTION("on others") {
    setup(d, {"abc", kTcp + "1-2", kTcp + "1-2", 0, true});
    CHECK(in_use(d.conversation) == "1 2 ");
  }
  SECTION("by UDP") {
    setup(d, {"abc", "RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP;unicast;server_port=6970-6971",
              0, true});
    CHECK(in_use(d.conversation).empty());
    CHECK(d.stream().server_port.rtp == 6970);
  }
  CHECK(d.session().stream_count == 1);
  CHECK(d.conversation.unprotected == Unprotected::kNone);
}

}  // namespace
}  // namespace midstream::rtsp
