#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/sdp/description.h"

namespace midstream::sdp {
namespace {

// What gst-rtsp-server 1.22 says of an MKV with H.264 and AAC.
const std::string kGst =
    "v=0\r\n"
    "o=- 2890844526 1 IN IP4 10.99.0.2\r\n"
    "s=Session streamed with GStreamer\r\n"
    "i=rtsp-server\r\n"
    "t=0 0\r\n"
    "a=tool:GStreamer\r\n"
    "a=type:broadcast\r\n"
    "a=control:*\r\n"
    "a=range:npt=0-60.021333\r\n"
    "m=video 0 RTP/AVP 96\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "b=AS:1234\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=framerate:25\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42c015;sprop-parameter-sets=Z0LAFQ==,aM48gA==\r\n"
    "a=control:stream=0\r\n"
    "m=audio 0 RTP/AVP 97\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=rtpmap:97 mpeg4-generic/48000/2 \r\n"
    "a=fmtp:97 streamtype=5; mode=AAC-hbr; config=1190\r\n"
    "a=control:stream=1\r\n";

Description parsed(const std::string& text) {
  Description description;
  INFO(text);
  REQUIRE(parse(text, description));
  return description;
}

Media media(const std::string& lines) { return parsed("v=0\r\n" + lines).media[0]; }

}  // namespace

TEST_CASE("a description is taken apart", "[sdp]") {
  const Description d = parsed(kGst);
  CHECK(d.control.view() == "*");
  REQUIRE(d.range);
  CHECK(d.range->start == Npt{0});
  CHECK(d.range->end == Npt{60'021'333'000});
  CHECK_FALSE(d.secure);
  CHECK_FALSE(d.multicast);
  REQUIRE(d.media_count == 2);
  CHECK(d.media[0].type.view() == "video");
  CHECK(d.media[0].protocol.view() == "RTP/AVP");
  CHECK(d.media[0].has_payload_type);
  CHECK(d.media[0].payload_type == 96);
  CHECK(d.media[0].encoding.view() == "H264");
  CHECK(d.media[0].clock_rate == 90000);
  CHECK(d.media[0].control.view() == "stream=0");
  CHECK(d.media[1].type.view() == "audio");
  CHECK(d.media[1].payload_type == 97);
  CHECK(d.media[1].encoding.view() == "MPEG4-GENERIC");
  CHECK(d.media[1].clock_rate == 48000);
  CHECK(d.media[1].control.view() == "stream=1");
}

TEST_CASE("line ends do not count", "[sdp]") {
  std::string bare;
  for (const char c : kGst) bare += c == '\r' ? "" : std::string(1, c);
  bare.pop_back();
  const Description crlf = parsed(kGst), lf = parsed(bare);
  CHECK(difference(crlf, lf).empty());
  CHECK(lf.media[1].control.view() == "stream=1");
}

TEST_CASE("no strict prefix of a description is read beyond its end", "[sdp]") {
  for (size_t n = 0; n < kGst.size(); ++n) {
    const std::vector<char> exact(kGst.begin(), kGst.begin() + static_cast<std::ptrdiff_t>(n));
    Description d;
    INFO(n << " bytes");
    CHECK(parse({exact.data(), exact.size()}, d) == (n >= 3));
    CHECK(d.media_count <= 2);
  }
}

TEST_CASE("rtpmap and static payload types", "[sdp]") {
  struct Row {
    const char* lines;
    const char* encoding;
    uint32_t clock_rate;
  };
  const std::vector<Row> rows{
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "H264", 90000},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000   \r\n", "H264", 90000},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap: 96  h264 / 90000\r\n", "H264", 90000},
      {"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/44100/2\r\n", "L16", 44100},
      {"m=audio 0 RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n", "G722", 8000},
      {"m=audio 0 RTP/AVP 9\r\n", "", 8000},
      {"m=audio 0 RTP/AVP 0\r\n", "", 8000},
      {"m=audio 0 RTP/AVP 14\r\n", "", 90000},
      {"m=video 0 RTP/AVP 26\r\n", "", 90000},
      {"m=video 0 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\n", "MP2T", 90000},
      {"m=video 0 RTP/AVP 96\r\n", "", 0},
      {"m=video 0 RTP/AVP 96 97\r\na=rtpmap:97 H265/1\r\na=rtpmap:96 H264/90000\r\n", "H264", 90000},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:97 H265/90000\r\n", "", 0},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264\r\n", "H264", 0},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:96\r\n", "", 0},
      {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H\xc3\xa9/90000\r\n", "H??", 90000},
      {"m=application 0 udp x\r\na=rtpmap:0 H264/90000\r\n", "", 0},
  };
  for (const Row& row : rows) {
    INFO(row.lines);
    const Media m = media(row.lines);
    CHECK(m.encoding.view() == row.encoding);
    CHECK(m.clock_rate == row.clock_rate);
  }
}

TEST_CASE("controls are kept as written", "[sdp]") {
  const Description d = parsed(
      "v=0\n"
      "a=control:rtsp://10.0.0.1:8554/a/\n"
      "m=video 0 RTP/AVP 96\na=control: track1 \n"
      "m=audio 0 RTP/AVP 0\na=control:?ctype=audio&x=y\n"
      "m=audio 0 RTP/AVP 0\n");
  CHECK(d.control.view() == "rtsp://10.0.0.1:8554/a/");
  CHECK(d.media[0].control.view() == "track1");
  CHECK(d.media[1].control.view() == "?ctype=audio&x=y");
  CHECK(d.media[2].control.empty());
}

TEST_CASE("the range of the session, else the longest of the media", "[sdp]") {
  struct Row {
    const char* what;
    std::string lines;
    std::optional<Npt> end;
    bool from_now;
  };
  const std::string video = "m=video 0 RTP/AVP 96\r\n", audio = "m=audio 0 RTP/AVP 0\r\n";
  const std::vector<Row> rows{
      {"session", "a=range:npt=0-10\r\n" + video, Npt{10'000'000'000}, false},
      {"session and media", "a=range:npt=0-10\r\n" + video + "a=range:npt=0-20\r\n",
       Npt{10'000'000'000}, false},
      {"media", video + "a=range:npt=0-20\r\n" + audio + "a=range:npt=0-15\r\n", Npt{20'000'000'000},
       false},
      {"media, the last is longer", video + "a=range:npt=0-15\r\n" + audio + "a=range:npt=0-20\r\n",
       Npt{20'000'000'000}, false},
      {"no end", "a=range:npt=0-\r\n" + video, std::nullopt, false},
      {"live", "a=range:npt=now-\r\n" + video, std::nullopt, true},
      {"blanks", "a=range: npt= 0 - 10 \r\n" + video, Npt{10'000'000'000}, false},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const Description d = parsed("v=0\r\n" + row.lines);
    REQUIRE(d.range);
    CHECK(d.range->end == row.end);
    CHECK(d.range->from_now == row.from_now);
  }
  CHECK_FALSE(parsed("v=0\r\n" + video).range);
  CHECK_FALSE(parsed("v=0\r\na=range:clock=19961108T142300Z-\r\n").range);
}

TEST_CASE("what cannot be protected is seen", "[sdp]") {
  struct Row {
    const char* lines;
    bool secure, multicast;
  };
  const std::vector<Row> rows{
      {"m=video 0 RTP/AVP 96\r\n", false, false},
      {"m=video 0 RTP/AVPF 96\r\n", false, false},
      {"m=video 0 RTP/SAVP 96\r\n", true, false},
      {"m=video 0 RTP/SAVPF 96\r\n", true, false},
      {"m=video 0 RTP/AVP 96\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", true, false},
      {"a=key-mgmt:mikey AQAF\r\nm=video 0 RTP/AVP 96\r\n", true, false},
      {"c=IN IP4 0.0.0.0\r\n", false, false},
      {"c=IN IP4 10.0.0.1\r\n", false, false},
      {"c=IN IP4 223.255.255.255\r\n", false, false},
      {"c=IN IP4 224.0.0.0/127\r\n", false, true},
      {"c=IN IP4 239.255.255.255\r\n", false, true},
      {"c=IN IP4 240.0.0.1\r\n", false, false},
      {"m=video 0 RTP/AVP 96\r\nc=IN IP4 232.1.2.3/255\r\n", false, true},
      {"c=IN IP6 ff15::1\r\n", false, true},
      {"c=IN IP6 FF15::1\r\n", false, true},
      {"c=IN IP6 fd00::1\r\n", false, false},
      {"c=IN IP4 host\r\n", false, false},
  };
  for (const Row& row : rows) {
    INFO(row.lines);
    const Description d = parsed(std::string("v=0\r\n") + row.lines);
    CHECK(d.secure == row.secure);
    CHECK(d.multicast == row.multicast);
  }
}

TEST_CASE("what is no SDP, or more than fits, is refused", "[sdp]") {
  std::string full = "v=0\r\n";
  for (size_t i = 0; i < kMaxMedia; ++i) full += "m=video 0 RTP/AVP 96\r\n";
  CHECK(parsed(full).media_count == kMaxMedia);
  const std::string one = "v=0\r\nm=video 0 RTP/AVP 96\r\n";
  CHECK(parsed(one + "a=control:" + std::string(256, 'x')).media[0].control.view().size() == 256);

  Description d;
  for (const std::string& text : {
           std::string(),
           std::string("\r\n"),
           std::string("v=1\r\n"),
           std::string("o=- 1 1 IN IP4 0.0.0.0\r\n"),
           std::string("position: 10.5\r\n"),
           full + "m=video 0 RTP/AVP 96\r\n",
           one + "a=control:" + std::string(kMaxControl + 1, 'x'),
           "v=0\r\na=control:" + std::string(kMaxControl + 1, 'x'),
           one + "a=rtpmap:96 " + std::string(33, 'x') + "/90000",
           "v=0\r\nm=" + std::string(17, 'x') + " 0 RTP/AVP 96\r\n",
           "v=0\r\nm=video 0 " + std::string(25, 'x') + " 96\r\n",
       }) {
    INFO(text);
    CHECK_FALSE(parse(text, d));
  }
}

}  // namespace midstream::sdp
