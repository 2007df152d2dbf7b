#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtsp/headers.h"

namespace midstream::rtsp {
namespace {

std::string print(const std::optional<PortPair>& ports) {
  return ports ? std::to_string(ports->rtp) + "-" + std::to_string(ports->rtcp) : "none";
}

// One alternative as a line, so that a table can say all of it: what is default is left out.
std::string print(const Transport& t) {
  std::string text = t.rtp ? "rtp" : "other";
  if (t.secure) text += " secure";
  if (t.lower == LowerTransport::kTcp) text += " tcp";
  if (t.multicast) text += " multicast";
  if (t.client_port) text += " client " + print(t.client_port);
  if (t.server_port) text += " server " + print(t.server_port);
  if (t.interleaved) text += " interleaved " + print(t.interleaved);
  if (t.ssrc) text += " ssrc " + std::to_string(*t.ssrc);
  if (t.rtcp_mux) text += " mux";
  if (!t.source.empty()) text += " from " + std::string(t.source);
  if (!t.destination.empty()) text += " to " + std::string(t.destination);
  return text;
}

std::string print(const TransportList& list) {
  std::string text;
  for (size_t i = 0; i < list.count; ++i) text += (i == 0 ? "" : " | ") + print(list.items[i]);
  return text;
}

struct Row {
  const char* value;
  const char* parsed;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(print(parse_transport(row.value)) == row.parsed);
  }
}

}  // namespace

TEST_CASE("Transport of clients and servers", "[rtsp][transport]") {
  check({
      {"RTP/AVP;unicast;client_port=5000-5001", "rtp client 5000-5001"},
      {"RTP/AVP/UDP;unicast;client_port=5000-5001", "rtp client 5000-5001"},
      {"RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;ssrc=0A1B2C3D;mode=\"PLAY\"",
       "rtp client 5000-5001 server 6970-6971 ssrc 169552957"},
      {"RTP/AVP;unicast;destination=10.0.0.9;source=10.0.0.1;client_port=5000-5001;"
       "server_port=6970-6971",
       "rtp client 5000-5001 server 6970-6971 from 10.0.0.1 to 10.0.0.9"},
      {"RTP/AVP/TCP;unicast;interleaved=0-1", "rtp tcp interleaved 0-1"},
      {"RTP/SAVP;unicast;client_port=5000-5001", "rtp secure client 5000-5001"},
      {"RTP/SAVPF/UDP;unicast", "rtp secure"},
      {"RTP/AVPF;unicast;client_port=5000-5001", "rtp client 5000-5001"},
      {"RTP/AVP;multicast;destination=232.0.0.1;port=5000-5001;ttl=255", "rtp multicast to 232.0.0.1"},
      {"RTP/AVP;unicast;client_port=5000;RTCP-mux", "rtp client 5000-5001 mux"},
      {"RAW/RAW/UDP;unicast;client_port=5000-5001", "other client 5000-5001"},
      {"MP2T/H2221/UDP;unicast;client_port=5000-5001", "other client 5000-5001"},
      {"RTP/AVP;unicast;source=fd00::1", "rtp from fd00::1"},
      {"", ""},
      {"  ", ""},
  });
}

TEST_CASE("Transport as it is written in the field", "[rtsp][transport]") {
  check({
      {"rtp/avp;UNICAST;Client_Port=5000-5001", "rtp client 5000-5001"},
      {" RTP/AVP ; unicast ; client_port = 5000 - 5001 ", "rtp client 5000-5001"},
      {"RTP/AVP;unicast;client_port=5000-5001;", "rtp client 5000-5001"},
      {"RTP/AVP;unicast;\r\n client_port=5000-5001", "rtp client 5000-5001"},
      {"RTP/AVP;unicast;ssrc= d6d6627", "rtp ssrc 225273383"},
      {"RTP/AVP;unicast;ssrc=d6d6627", "rtp ssrc 225273383"},
      {"RTP/AVP;unicast;ssrc=0xD6D6627", "rtp ssrc 225273383"},
      {"RTP/AVP;unicast;ssrc=0D6D6627/11", "rtp ssrc 225273383"},
      {"RTP/AVP;unicast;ssrc=123456789", "rtp"},
      {"RTP/AVP;unicast;ssrc=", "rtp"},
      {"RTP/AVP;unicast;ssrc=0", "rtp ssrc 0"},
      {"ssrc=d6d6627;RTP/AVP;unicast;client_port=5000-5001", "rtp client 5000-5001 ssrc 225273383"},
      {"ssrc=d6d6627,RTP/AVP;unicast;client_port=5000-5001", "rtp client 5000-5001 ssrc 225273383"},
      {"RTP/AVP;unicast;client_port=5000-5001,ssrc=d6d6627", "rtp client 5000-5001 ssrc 225273383"},
      {"(RTP/AVP;unicast;client_port=5000-5001,ssrc=d6d6627)", "rtp client 5000-5001 ssrc 225273383"},
      {"RTP/AVP;unicast;mode=\"PLAY,RECORD\";server_port=1-2", "rtp server 1-2"},
      {"RTP/AVP;unicast;source=\"10.0.0.1\"", "rtp from 10.0.0.1"},
  });
}

TEST_CASE("port pairs of Transport", "[rtsp][transport]") {
  check({
      {"RTP/AVP;server_port=0-1", "rtp server 0-1"},
      {"RTP/AVP;server_port=6970", "rtp server 6970-6971"},
      {"RTP/AVP;server_port=6970-", "rtp server 6970-6971"},
      {"RTP/AVP;server_port=65534", "rtp server 65534-65535"},
      {"RTP/AVP;server_port=65535", "rtp"},
      {"RTP/AVP;server_port=65535-0", "rtp server 65535-0"},
      {"RTP/AVP;server_port=65536-65537", "rtp"},
      {"RTP/AVP;server_port=6970-x", "rtp"},
      {"RTP/AVP;server_port=", "rtp"},
      {"RTP/AVP;server_port", "rtp"},
      {"RTP/AVP/TCP;interleaved=4", "rtp tcp interleaved 4-5"},
      {"RTP/AVP/TCP;interleaved=2-7", "rtp tcp interleaved 2-7"},
  });
}

TEST_CASE("alternatives of Transport", "[rtsp][transport]") {
  check({
      {"RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved=0-1",
       "rtp client 1-2 | rtp tcp interleaved 0-1"},
      {"RTP/AVP/UDP;unicast;client_port=1-2, RTP/AVP/UDP;multicast, RTP/AVP/TCP;interleaved=0-1",
       "rtp client 1-2 | rtp multicast | rtp tcp interleaved 0-1"},
      {"RTP/SAVP;client_port=1-2,ssrc=1,RTP/AVP;client_port=3-4,ssrc=2",
       "rtp secure client 1-2 ssrc 1 | rtp client 3-4 ssrc 2"},
      {",RTP/AVP;client_port=1-2,,", "rtp client 1-2"},
  });
  std::string many = "RTP/AVP;client_port=1-2";
  for (size_t i = 0; i < kMaxTransports; ++i) many += ",RTP/AVP/TCP";
  CHECK(parse_transport(many).count == kMaxTransports);
}

TEST_CASE("addresses of Transport point into the value", "[rtsp][transport]") {
  const std::string value = "RTP/AVP; source= 10.0.0.1 ;x";
  const TransportList list = parse_transport(value);
  REQUIRE(list.count == 1);
  CHECK(list.items[0].source.data() - value.data() == 17);
}

TEST_CASE("interleaved can be edited, and says by itself that it is inside", "[rtsp][transport]") {
  struct Inside {
    std::string value;
    const char* text;
    bool inside;
  };
  for (const Inside& row : std::vector<Inside>{
           {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1", "0-1", true},
           {"(RTP/AVP/TCP;unicast;interleaved= 4 )", "4", true},
           {"RTP/AVP/TCP;interleaved=\"10 - 11\"", "10 - 11", true},
           {"RTP/AVP;unicast;interleaved=2-3", "2-3", true},
           {"RTP/AVP/TCP;unicast", "", true},
           {"RTP/AVP/UDP;unicast;client_port=5000-5001", "", false},
       }) {
    INFO(row.value);
    const Transport transport = parse_transport(row.value).items[0];
    CHECK(transport.interleaved_text == row.text);
    CHECK(transport.inside_connection() == row.inside);
    if (transport.interleaved_text.empty()) continue;
    const auto at = static_cast<size_t>(transport.interleaved_text.data() - row.value.data());
    CHECK(row.value.substr(at, transport.interleaved_text.size()) == row.text);
  }
}

}  // namespace midstream::rtsp
