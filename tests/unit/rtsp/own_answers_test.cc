#include "lib/rtsp/own_answers.h"

#include <memory>

#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

std::unique_ptr<Dialogue> playing() {
  auto dialogue = std::make_unique<Dialogue>();
  dialogue->client("DESCRIBE rtsp://h/film RTSP/1.0\nCSeq: 1");
  dialogue->server("RTSP/1.0 200 OK\nCSeq: 1\nContent-Base: rtsp://h/film/", kFilm);
  dialogue->client(
      "SETUP rtsp://h/film/stream=0 RTSP/1.0\nCSeq: 2\nTransport: "
      "RTP/AVP;unicast;client_port=5000-5001");
  dialogue->server(
      "RTSP/1.0 200 OK\nCSeq: 2\nSession: x\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971");
  dialogue->client("PLAY rtsp://h/film/ RTSP/1.0\nCSeq: 3\nSession: x");
  dialogue->server("RTSP/1.0 200 OK\nCSeq: 3\nSession: x\nRange: npt=0-60");
  return dialogue;
}

std::string answers(Conversation& conversation) {
  std::array<uint8_t, kMaxPending * kMaxOwnAnswer> text;
  return std::string(as_text(Bytes(text).first(write_own_answers(conversation, text))));
}

TEST_CASE("own answers: 503 before, 200 to TEARDOWN, 454 behind", "[rtsp][own]") {
  const auto dialogue = playing();
  dialogue->client("GET_PARAMETER rtsp://h/film/ RTSP/1.0\nCSeq: 8\nSession: x");
  CHECK_FALSE(teardown_unanswered(dialogue->conversation));
  dialogue->client("TEARDOWN rtsp://h/film/ RTSP/1.0\nCSeq: 9\nSession: x");
  dialogue->client("PAUSE rtsp://h/film/ RTSP/1.0\nCSeq: 10\nSession: x");
  CHECK(teardown_unanswered(dialogue->conversation));
  CHECK(answers(dialogue->conversation) ==
        "RTSP/1.0 503 Service Unavailable\r\nCSeq: 8\r\n\r\n"
        "RTSP/1.0 200 OK\r\nCSeq: 9\r\nSession: x\r\n\r\n"
        "RTSP/1.0 454 Session Not Found\r\nCSeq: 10\r\n\r\n");
  CHECK(dialogue->session().state == PlayState::kTornDown);
  CHECK_FALSE(teardown_unanswered(dialogue->conversation));
  CHECK(answers(dialogue->conversation).empty());
}

TEST_CASE("own answers: a TEARDOWN of no session that there is", "[rtsp][own]") {
  const auto dialogue = playing();
  dialogue->client("TEARDOWN rtsp://h/film/ RTSP/1.0\nSession: y");
  const bool ours = teardown_unanswered(dialogue->conversation);
  const std::string text = answers(dialogue->conversation);
  if (!ours) CHECK(text == "RTSP/1.0 454 Session Not Found\r\n\r\n");
  CHECK_FALSE(ours);
  CHECK(dialogue->session().state == PlayState::kPlaying);
}

TEST_CASE("own answers: what does not fit is not half written", "[rtsp][own]") {
  const auto dialogue = playing();
  dialogue->client("TEARDOWN rtsp://h/film/ RTSP/1.0\nCSeq: 9\nSession: x");
  std::array<uint8_t, 20> little;
  CHECK(write_own_answer(dialogue->conversation, dialogue->conversation.pending[0], little) == 0);
}

}  // namespace
}  // namespace midstream::rtsp
