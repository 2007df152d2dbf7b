// What PLAY and PAUSE answers say about position and RTP terms.
#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

TEST_CASE("pause and resume", "[session]") {
  Dialogue d = playing_film("Range: npt=10-", "Range: npt=10-60");
  d.client("PAUSE rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 5\nSession: abc");
  CHECK(d.session().state == PlayState::kPlaying);
  CHECK(d.server("RTSP/1.0 200 OK\nCSeq: 5\nSession: abc") == kPlayChanged);
  CHECK(d.session().state == PlayState::kPaused);

  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 6\nSession: abc");
  SECTION("without any Range it continues") {
    d.server("RTSP/1.0 200 OK\nCSeq: 6\nSession: abc");
    CHECK_FALSE(d.session().play_start);
    CHECK(d.session().duration == Npt::from_seconds(60));
    CHECK_FALSE(d.session().live);
  }
  SECTION("the answer says where") {
    d.server("RTSP/1.0 200 OK\nCSeq: 6\nSession: abc\nRange: npt=14.2-60");
    CHECK(d.session().play_start == Npt{14'200'000'000});
  }
  CHECK(d.session().state == PlayState::kPlaying);
  CHECK(d.session().play_count == 2);
}

TEST_CASE("Range, end, duration, live and scale of a PLAY", "[session]") {
  struct Row {
    const char *request, *answer;
    double start, end, duration;  // -1: none
    bool live;
    double scale;
  };
  const auto row = GENERATE(values<Row>({
      {"Range: npt=5-", "Range: npt=4.8-60", 4.8, -1, 60, false, 1},
      {"Range: npt=5-", "Server: x", 5, -1, 60, false, 1},
      {"User-Agent: x", "Server: x", 0, -1, 60, false, 1},
      {"Range: npt=5-20", "Range: npt=5-20", 5, 20, 60, false, 1},
      {"Range: npt=5-", "Range: npt=5-59.9", 5, -1, 59.9, false, 1},
      {"Range: npt=-20", "Range: npt=0-20", 0, 20, 60, false, 1},
      {"Range: npt=0-", "Range: npt=now-", -1, -1, 60, true, 1},
      {"Range: npt=now-", "Server: x", -1, -1, 60, true, 1},
      {"Range: npt=0-\nScale: 2", "Range: npt=0-60\nScale: 2.0", 0, -1, 60, false, 2},
      {"Range: npt=0-\nScale: 2", "Range: npt=0-60\nScale: 1.5", 0, -1, 60, false, 1.5},
      {"Range: npt=0-\nScale: 2", "Range: npt=0-60", 0, -1, 60, false, 1},
      {"Range: npt=30-\nScale: -1", "Range: npt=30-0\nScale: -1", 30, -1, 60, false, -1},
      {"Range: clock=19961108T142300Z-", "Range: clock=19961108T142300Z-", -1, -1, 60, false, 1},
  }));
  INFO(row.request << " / " << row.answer);
  const auto npt = [](double s) { return s < 0 ? std::nullopt : std::optional(Npt::from_seconds(s)); };
  const Dialogue d = playing_film(row.request, row.answer);
  CHECK(d.session().play_start == npt(row.start));
  CHECK(d.session().play_end == npt(row.end));
  CHECK(d.session().duration == npt(row.duration));
  CHECK(d.session().live == row.live);
  CHECK(d.session().scale == row.scale);
}

// gst-rtsp-server describes a movie so whose position it cannot tell yet, and rtspsrc asks accordingly.
TEST_CASE("From now to an end is no live source", "[session]") {
  std::string film = kFilm;
  film.replace(film.find("npt=0-60"), 8, "npt=now-60");
  Dialogue d;
  describe(d, film);
  setup(d, 0);
  CHECK(d.session().duration == Npt::from_seconds(60));
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: abc\nRange: npt=now-60");
  d.server("RTSP/1.0 200 OK\nCSeq: 7\nSession: abc\nRange: npt=0-60");
  CHECK_FALSE(d.session().live);
  CHECK(d.session().play_start == Npt{});
}

TEST_CASE("RTP-Info finds its streams", "[session]") {
  struct Row {
    const char* info;
    int first, second;  // sequence numbers, -1: none
  };
  const auto row = GENERATE(values<Row>({
      {"url=rtsp://10.0.0.2/film/stream=1;seq=2,url=rtsp://10.0.0.2/film/stream=0;seq=1", 1, 2},
      {"url=rtsp://own.address/film/stream=0;seq=1,url=rtsp://own.address/film/stream=1;seq=2", 1, 2},
      {"url=stream=0;seq=1,url=stream=1;seq=2", 1, 2},
      {"url=/film/stream=0;seq=1,url=/film/stream=1;seq=2", 1, 2},
      {"url=rtsp://10.0.0.2/film/stream=1;seq=2", -1, 2},
      {"url=trackID=1;seq=1;rtptime=0,url=trackID=2;seq=2;rtptime=0", 1, 2},
      {"url=trackID=2;seq=2;rtptime=0", -1, -1},
      {"url=stream=0;rtptime=-1", -1, -1},
  }));
  INFO(row.info);
  Dialogue d = playing_film("Range: npt=0-", "RTP-Info: " + std::string(row.info));
  const auto sequence = [&](size_t i) {
    return d.stream(i).info_sequence ? d.stream(i).info_sequence->value() : -1;
  };
  CHECK(sequence(0) == row.first);
  CHECK(sequence(1) == row.second);

  INFO("the next PLAY's answer has none: what was said is over");
  d.client("PLAY rtsp://10.0.0.2/film/ RTSP/1.0\nCSeq: 7\nSession: abc\nRange: npt=30-");
  d.server("RTSP/1.0 200 OK\nCSeq: 7\nSession: abc");
  CHECK(sequence(0) == -1);
  CHECK(sequence(1) == -1);
  CHECK_FALSE(d.stream(1).info_timestamp);
}

TEST_CASE("PLAY of one stream leaves the others' RTP-Info", "[session]") {
  Dialogue d = playing_film("Range: npt=0-", "RTP-Info: url=stream=0;seq=1,url=stream=1;seq=2");
  d.client("PLAY rtsp://10.0.0.2/film/stream=1 RTSP/1.0\nCSeq: 7\nSession: abc");
  d.server("RTSP/1.0 200 OK\nCSeq: 7\nSession: abc\nRTP-Info: url=stream=1;seq=9");
  CHECK(d.stream(0).info_sequence == RtpSequence(1));
  CHECK(d.stream(1).info_sequence == RtpSequence(9));
}

}  // namespace
}  // namespace midstream::rtsp
