#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtsp/headers.h"

namespace midstream::rtsp {
namespace {

// "url seq rtptime ssrc" of each stream, "-" for what is absent.
std::string print(const RtpInfoList& list) {
  std::string text;
  for (size_t i = 0; i < list.count; ++i) {
    const RtpInfo& info = list.items[i];
    text += i == 0 ? "" : " | ";
    text += info.url.empty() ? "-" : std::string(info.url);
    text += ' ' + (info.sequence ? std::to_string(info.sequence->value()) : "-");
    text += ' ' + (info.timestamp ? std::to_string(info.timestamp->value()) : "-");
    text += ' ' + (info.ssrc_text.empty() ? "-" : std::string(info.ssrc_text));
  }
  return text;
}

struct Row {
  const char* value;
  const char* parsed;
};

}  // namespace

TEST_CASE("RTP-Info as servers write it", "[rtsp][rtp_info]") {
  const std::vector<Row> rows{
      {"url=rtsp://h/a/track1;seq=1;rtptime=2", "rtsp://h/a/track1 1 2 -"},
      {"url=rtsp://h/a/1;seq=1;rtptime=2, url=rtsp://h/a/2;seq=3;rtptime=4",
       "rtsp://h/a/1 1 2 - | rtsp://h/a/2 3 4 -"},
      {"url=rtsp://h/a/1;seq=1;rtptime=2,url=rtsp://h/a/2;seq=3;rtptime=4",
       "rtsp://h/a/1 1 2 - | rtsp://h/a/2 3 4 -"},
      {"url=track1;seq=1;rtptime=2,url=track2;seq=3;rtptime=4", "track1 1 2 - | track2 3 4 -"},
      {"url=rtsp://h/a?b=c&d=e;seq=1;rtptime=2", "rtsp://h/a?b=c&d=e 1 2 -"},
      {"url=rtsp://h/a;b/1;seq=1;rtptime=2", "rtsp://h/a;b/1 1 2 -"},
      {"url=rtsp://h/a,b/1;seq=1;rtptime=2,url=c;seq=3", "rtsp://h/a,b/1 1 2 - | c 3 - -"},
      {"url=rtsp://h/a?b=1,2;c=3;seq=1;rtptime=2", "rtsp://h/a?b=1,2;c=3 1 2 -"},
      {"url=rtsp://h/a;seq=5/track1;seq=1;rtptime=2", "rtsp://h/a;seq=5/track1 1 2 -"},
      {"url=a;seq=1;rtptime=2;ssrc=0A1B2C3D", "a 1 2 0A1B2C3D"},
      {"url=a;ssrc=d6d6627;seq=1;rtptime=2", "a 1 2 d6d6627"},
      {"url=a;seq=1;rtptime=2;", "a 1 2 -"},
      {"url=a;seq=1;rtptime=2;,url=b;seq=3;rtptime=4;", "a 1 2 - | b 3 4 -"},
      {"url=a;seq=1;rtptime=-1", "a 1 - -"},
      {"url=a;seq=0;rtptime=0", "a 0 0 -"},
      {"url=a;rtptime=2;seq=1", "a 1 2 -"},
      {"url=a;seq=1", "a 1 - -"},
      {"url=a;rtptime=2", "a - 2 -"},
      {"url=a", "a - - -"},
      {"url=a;", "a - - -"},
      {"url=a;seq=1;foo=bar;rtptime=2", "a 1 2 -"},
      {"URL = a ; Seq = 1 ; RtpTime = 2 ", "a 1 2 -"},
      {"url=a;seq=1;\r\n rtptime=2,\r\n url=b;seq=3", "a 1 2 - | b 3 - -"},
      {"url=\"a\";seq=1", "a 1 - -"},
      {"seq=1;rtptime=2", "- 1 2 -"},
      {"url=a;seq=65535;rtptime=4294967295", "a 65535 4294967295 -"},
      {"url=a;seq=65536;rtptime=4294967296", "a - - -"},
      {"url=a;seq=;rtptime=", "a - - -"},
      {"url=a;seq=1;rtptime=2,", "a 1 2 -"},
      {"url=;seq=1", "- 1 - -"},
      {"url=", ""},
      {"", ""},
      {" , ", ""},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(print(parse_rtp_info(row.value)) == row.parsed);
  }
}

TEST_CASE("more streams in RTP-Info than we follow are passed over", "[rtsp][rtp_info]") {
  std::string value = "url=a;seq=1";
  for (size_t i = 0; i < kMaxRtpInfo; ++i) value += ",url=b;seq=2";
  CHECK(parse_rtp_info(value).count == kMaxRtpInfo);
}

TEST_CASE("texts of RTP-Info point at what an edit replaces", "[rtsp][rtp_info]") {
  const std::string value = "url=rtsp://h/a;seq= 17 ;rtptime=99;ssrc=ab";
  const RtpInfo info = parse_rtp_info(value).items[0];
  const auto place = [&](std::string_view text) {
    return std::to_string(text.data() - value.data()) + ":" + std::string(text);
  };
  CHECK(place(info.url) == "4:rtsp://h/a");
  CHECK(place(info.sequence_text) == "20:17");
  CHECK(place(info.timestamp_text) == "32:99");
  CHECK(place(info.ssrc_text) == "40:ab");
}

TEST_CASE("what is absent from RTP-Info has no text to edit", "[rtsp][rtp_info]") {
  const RtpInfo info = parse_rtp_info("url=a;seq=65536;rtptime=-1").items[0];
  CHECK(info.sequence_text.empty());
  CHECK(info.timestamp_text.empty());
}

}  // namespace midstream::rtsp
