#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/sdp/description.h"

namespace midstream::sdp {
namespace {

Description parsed(const std::string& lines) {
  Description description;
  INFO(lines);
  REQUIRE(parse("v=0\r\n" + lines, description));
  return description;
}

struct Row {
  const char* what;
  std::string reference, other;
  const char* difference;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(difference(parsed(row.reference), parsed(row.other)).view() == row.difference);
  }
}

const std::string kVideo = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
const std::string kAudio = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n";

}  // namespace

TEST_CASE("the same content at two servers", "[sdp]") {
  check({
      {"itself", kVideo + kAudio, kVideo + kAudio, ""},
      {"origin, address, range and control",
       "o=- 1 1 IN IP4 10.0.0.2\r\na=range:npt=0-10\r\n" + kVideo + "a=control:stream=0\r\n",
       "o=- 2 2 IN IP4 10.0.0.3\r\nc=IN IP4 10.0.0.3\r\n" + kVideo + "a=control:track1\r\n", ""},
      {"another payload type", "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 a=1\r\n",
       "m=video 0 RTP/AVP 98\r\na=fmtp:98 a=1\r\na=rtpmap:98 h264/90000\r\n", ""},
      {"format parameters in another order", kVideo + "a=fmtp:96 a=1;b=Zz==;c\r\n",
       kVideo + "a=fmtp:96  C ; B=Zz== ; A=1 ;\r\n", ""},
      {"hex values in another case", kVideo + "a=fmtp:96 profile-level-id=42C01F\r\n",
       kVideo + "a=fmtp:96 profile-level-id=42c01f\r\n", ""},
      {"what servers word differently",
       kAudio + "a=fmtp:97 streamtype=5;profile-level-id=2;mode=AAC-hbr;config=1190;bitrate=96000\r\n",
       kAudio + "a=fmtp:97 profile-level-id=1; mode=AAC-hbr; config=1190\r\n", ""},
      {"channels that the configuration says", kAudio,
       "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 mpeg4-generic/48000\r\n", ""},
      {"one channel, said or not", "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/44100\r\n",
       "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 L16/44100/1\r\n", ""},
      {"no format parameters and empty ones", kVideo, kVideo + "a=fmtp:96\r\n", ""},
      {"a static payload type with and without rtpmap", "m=audio 0 RTP/AVP 0\r\n",
       "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", ""},
  });
}

TEST_CASE("other content says what differs", "[sdp]") {
  check({
      {"fewer media", kVideo + kAudio, kVideo, "media count 1, was 2"},
      {"more media", kVideo, kVideo + kAudio, "media count 2, was 1"},
      {"media in another order", kVideo + kAudio, kAudio + kVideo, "media 1: type audio, was video"},
      {"encoding", kAudio + kVideo, kAudio + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n",
       "media 2: encoding H265, was H264"},
      {"no encoding", kVideo, "m=video 0 RTP/AVP 96\r\n", "media 1: encoding none, was H264"},
      {"static payload types", "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
       "m=audio 0 RTP/AVP 8\r\n", "media 1: encoding payload type 8, was PCMU"},
      {"clock rate", kAudio, "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/44100/2\r\n",
       "media 1: clock rate 44100, was 48000"},
      {"channels", "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 L16/44100/2\r\n",
       "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 L16/44100\r\n", "media 1: channels 1, was 2"},
      {"the configuration of the sound", kAudio + "a=fmtp:97 config=1190\r\n",
       kAudio + "a=fmtp:97 config=1208\r\n", "media 1: format parameters differ"},
      {"the profile of the picture", kVideo + "a=fmtp:96 profile-level-id=42c01f\r\n",
       kVideo + "a=fmtp:96 profile-level-id=4d401e\r\n", "media 1: format parameters differ"},
      {"format parameters", kVideo + "a=fmtp:96 a=1\r\n", kVideo + "a=fmtp:96 a=2\r\n",
       "media 1: format parameters differ"},
      {"a format parameter less", kVideo + "a=fmtp:96 a=1;b=2\r\n", kVideo + "a=fmtp:96 a=1\r\n",
       "media 1: format parameters differ"},
      {"values swapped", kVideo + "a=fmtp:96 a=1;b=2\r\n", kVideo + "a=fmtp:96 a=2;b=1\r\n",
       "media 1: format parameters differ"},
      {"the case of a value", kVideo + "a=fmtp:96 sprop-parameter-sets=Zz\r\n",
       kVideo + "a=fmtp:96 sprop-parameter-sets=zz\r\n", "media 1: format parameters differ"},
  });
}

TEST_CASE("static payload types without rtpmap are told apart", "[sdp]") {
  check({{"PCMU and PCMA", "m=audio 0 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 8\r\n",
          "media 1: encoding payload type 8, was payload type 0"}});
}

TEST_CASE("the longest difference fits", "[sdp]") {
  const std::string a(32, 'a'), b(32, 'b');
  check({{"encodings", "m=v 0 RTP/AVP 96\r\na=rtpmap:96 " + a + "/1\r\n",
          "m=v 0 RTP/AVP 96\r\na=rtpmap:96 " + b + "/1\r\n",
          "media 1: encoding BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB, was AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}});
}

}  // namespace midstream::sdp
