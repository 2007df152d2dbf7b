#include "lib/rtsp/half_answer.h"

#include <memory>
#include <set>

#include "tests/unit/rtsp/dialogue.h"

namespace midstream::rtsp {
namespace {

struct Result {
  std::string follows;
  const char* failure;
};

Result finish(std::string_view sent, std::string_view answer) {
  auto out = std::make_unique<std::array<uint8_t, 32 * 1024>>();
  const FinishedAnswer done = finish_answer(as_bytes(sent), as_bytes(answer), *out);
  return {std::string(as_text(Bytes(*out).first(done.bytes))), done.failure};
}

const std::string kOld = wire(
    "RTSP/1.0 200 OK\nCSeq: 7\nServer: GStreamer\nSession: ABCDEFGH\nDate: Mon, 23 Nov 2026 10:00:00 "
    "GMT");
const std::string kNew = wire("RTSP/1.0 200 OK\nCSeq: 7\nDate: Tue, 1 Dec 2026\nSession: ABCDEFGH");

TEST_CASE("half answer: a new answer that begins alike goes on", "[rtsp][half]") {
  for (size_t cut = 0; cut <= kOld.size(); ++cut) {
    const auto [follows, failure] = finish(kOld.substr(0, cut), kOld);
    CHECK(failure == nullptr);
    CHECK(kOld.substr(0, cut) + follows == kOld);
  }
}

TEST_CASE("half answer: cut anywhere in the head, it becomes one whole answer", "[rtsp][half]") {
  for (size_t cut = 0; cut < kOld.size(); ++cut) {
    const std::string sent = kOld.substr(0, cut);
    const auto [follows, failure] = finish(sent, kNew);
    INFO(sent << "\n--- follows\n" << follows);
    REQUIRE(failure == nullptr);
    const std::string text = sent + follows;
    const Message message = parsed(text);
    CHECK(message.status == 200);
    REQUIRE(message.find("CSeq") != nullptr);
    CHECK(message.find("CSeq")->value == "7");
    REQUIRE(message.find("Session") != nullptr);
    CHECK(message.find("Session")->value == "ABCDEFGH");
    std::set<std::string> names;
    for (size_t i = 0; i < message.header_count; ++i)
      CHECK(names.insert(std::string(message.headers[i].name)).second);
  }
}

TEST_CASE("half answer: the example of the header", "[rtsp][half]") {
  const auto [follows, failure] =
      finish("RTSP/1.0 200 OK\r\nCSeq: 7\r\nDate: Mon, 2",
             "RTSP/1.0 200 OK\r\nServer: b\r\nCSeq: 7\r\nSession: x\r\n\r\n");
  CHECK(failure == nullptr);
  CHECK(follows == "\r\nServer: b\r\nSession: x\r\n\r\n");
}

TEST_CASE("half answer: what the client was told is not made untrue", "[rtsp][half]") {
  struct Case {
    const char *sent, *answer;
  };
  const Case cases[] = {
      {"RTSP/1.0 2", "RTSP/1.0 404 Not Found\r\nCSeq: 7\r\n\r\n"},
      {"RTSP/1.0 200 OK\r\nCS", "RTSP/1.0 454 Session Not Found\r\nCSeq: 7\r\n\r\n"},
      {"RTSP/1.0 200 OK\r\nSession: QWERT", "RTSP/1.0 200 OK\r\nCSeq: 7\r\nSession: ABCD\r\n\r\n"},
      {"RTSP/1.0 200 OK\r\nRTP-Info: url=rtsp://h/a;seq=1",
       "RTSP/1.0 200 OK\r\nRTP-Info: url=rtsp://h/a;seq=25\r\n\r\n"},
      {"RTSP/1.0 200 OK\r\nSession: ABCD;timeout=6", "RTSP/1.0 200 OK\r\nSession: ABCD\r\n\r\n"},
      {"RTSP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nab",
       "RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabcde"},
      {"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 40\r\n",
       "RTSP/1.0 200 OK\r\n\r\n"},
  };
  for (const Case& c : cases) {
    INFO(c.sent);
    const auto [follows, failure] = finish(c.sent, c.answer);
    CHECK(failure != nullptr);
    CHECK((failure == nullptr || c.answer[9] == '4' || follows.empty()));
  }
}

TEST_CASE("half answer: the body has the length that was promised", "[rtsp][half]") {
  const std::string head = "RTSP/1.0 200 OK\nCSeq: 9\nContent-Type: text/parameters";
  const std::string old = wire(head, "position: 12.5\r\nvolume: 3\r\n");
  for (const char* body : {"position: 12.5\r\nvolume: 3\r\n", "position: 9\r\nvolume: 3\r\n",
                           "a: 1\r\n", "position: 12.75\r\nvolume: 3\r\n\r\n"}) {
    const std::string answer = wire(head, body);
    for (size_t cut = old.find("\r\n\r\n") + 1; cut < old.size(); ++cut) {
      const std::string sent = old.substr(0, cut);
      const auto [follows, failure] = finish(sent, answer);
      INFO(sent << "\n--- follows\n" << follows);
      if (failure != nullptr) {
        CHECK(std::string_view(body).size() > 27);
        continue;
      }
      const std::string text = sent + follows;
      CHECK(as_text(parsed(text).body).size() == 27);  // parsed() requires that nothing is left over
    }
  }
  // At a line's end the new lines go on.
  const std::string sent = old.substr(0, old.find("volume"));
  CHECK(finish(sent, wire(head, "position: 9\r\nvolume: 4\r\n")).follows == "volume: 4\r\n");
}

TEST_CASE("half answer: a description with another o= line", "[rtsp][half]") {
  const std::string head = "RTSP/1.0 200 OK\nCSeq: 2\nContent-Type: application/sdp";
  const std::string a =
      "v=0\r\no=- 1188340656180883 1 IN IP4 10.0.0.2\r\ns=film\r\nm=video 0 RTP/AVP 96\r\n";
  const std::string b = "v=0\r\no=- 77 1 IN IP4 10.0.0.3\r\ns=film\r\nm=video 0 RTP/AVP 96\r\n";
  const std::string old = wire(head, a);
  const size_t body = old.find("v=0");
  for (size_t cut = body; cut < old.size(); ++cut) {
    const std::string sent = old.substr(0, cut);
    const auto [follows, failure] = finish(sent, wire(head, b));
    INFO(sent << "\n--- follows\n" << follows);
    REQUIRE(failure == nullptr);
    const std::string text = sent + follows;
    const std::string_view whole = as_text(parsed(text).body);
    CHECK(whole.size() == a.size());
    CHECK(whole.find("s=film\r\nm=video 0 RTP/AVP 96\r\n") != std::string_view::npos);
    const std::string_view origin = whole.substr(5, whole.find('\r', 5) - 5);
    CHECK(std::count(origin.begin(), origin.end(), ' ') == 5);
  }
}

TEST_CASE("half answer: a Content-Length that was begun", "[rtsp][half]") {
  const std::string body(145, 'x');
  const std::string answer = wire("RTSP/1.0 200 OK\nCSeq: 7\nContent-Type: text/plain", body);
  struct Case {
    const char* digits;
    size_t length;
  };
  for (const Case& c : {Case{"", 145},
                        {"1", 145},
                        {"14", 145},
                        {"2", 200},
                        {"15", 150},
                        {"9", 900},
                        {"146", 146},
                        {"144", 1440}}) {
    INFO(c.digits);
    const std::string sent = "RTSP/1.0 200 OK\r\nContent-Length: " + std::string(c.digits);
    const auto [follows, failure] = finish(sent, answer);
    REQUIRE(failure == nullptr);
    const std::string text = sent + follows;
    const Message message = parsed(text);
    CHECK(message.body.size() == c.length);
    CHECK(as_text(message.body).starts_with(body));
  }
  CHECK(finish("RTSP/1.0 200 OK\r\nContent-Length: 0", answer).failure != nullptr);
  const std::string none = "RTSP/1.0 200 OK\r\nContent-Length";
  const std::string text = none + finish(none, kNew).follows;
  CHECK(parsed(text).body.empty());
}

TEST_CASE("half answer: which request it is the answer to", "[rtsp][half]") {
  Dialogue dialogue;
  CHECK_FALSE(half_answered(dialogue.conversation, as_bytes("RTSP/1.0 200 OK\r\n")));
  dialogue.client("OPTIONS * RTSP/1.0\nCSeq: 5");
  dialogue.client("OPTIONS * RTSP/1.0\nCSeq: 6");
  const auto of = [&](std::string_view sent) {
    return half_answered(dialogue.conversation, as_bytes(sent));
  };
  CHECK(of("R") == 0);
  CHECK(of("RTSP/1.0 200 OK\r\nCSeq: 6") == 0);  // its digits may go on
  CHECK(of("RTSP/1.0 200 OK\r\nCSeq: 6\r\nSe") == 1);
  CHECK_FALSE(of("RTSP/1.0 200 OK\r\nCSeq: 8\r\n"));
  CHECK_FALSE(of("OPTIONS rtsp://h/ RT"));
}

}  // namespace
}  // namespace midstream::rtsp
