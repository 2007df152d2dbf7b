// A random run itself: what its seed chose happens, and the contract is asserted.
#include <fmt/format.h>

#include <algorithm>

#include "tests/scenario/npt_text.h"
#include "tests/scenario/randomized.h"

namespace midstream::scenario {
namespace {

class Run {
 public:
  Run(const Choice& choice, bool log) : c_(choice), world_(choice.world) { world_.log.keep(log); }

  Findings play() {
    set_links();
    if (c_.moment == Moment::kOpening) return die_while_opening();
    if (!world_.client().begin(fmt::format("npt={}-", write_seconds(c_.position))))
      return {"the movie did not begin"};
    for (size_t i = 0; i < c_.failures.size() && !told_; ++i) fail(i);
    if (told_) {
      add(check_told());
      return findings_;
    }
    if (c_.in_doubt()) {
      world_.run_for(1s);
    } else if (!world_.run_to_the_end(c_.movie.duration + (c_.interleaved() ? 30s : 8s)) &&
               !c_.lossy()) {
      findings_.push_back("the end never came");
    }
    await_answers();
    Expectation expected = c_.expectation();
    expected.report_tolerance_ms += to_ms(pause_);
    expected.bye_at_the_end = world_.newest_server()->personality().says_bye;
    expected.bye_may_come = c_.in_doubt();
    add(c_.in_doubt() ? check_all_but_media(world_, expected) : check_all(world_, expected));
    return findings_;
  }

 private:
  // Terms may then come from two servers: what the client got is compared elsewhere (states_test.cc).
  Findings die_while_opening() {
    RtspClient& client = world_.client();
    if (!client.connect()) return {"no connection"};
    const size_t heartbeats = world_.a().count("OPTIONS");
    const uint32_t first = client.request("OPTIONS");
    // Of a pool, too, a is the first in order.
    if (!world_.run_until([&] { return world_.a().count("OPTIONS") > heartbeats; }, 5s))
      return {"a was not asked"};
    world_.timeline.after(c_.moments[0], [this] { end(world_.a(), c_.failures[0]); });
    if (!client.await(first) || !client.describe() || !client.setup_all() || !client.play())
      return {"the movie did not begin"};
    if (!client.await_packets(0, 20)) return {"nothing plays"};
    // Inside the connection the end of one frame is what comes next, sooner or later.
    world_.run_until([&] { return client.unread().empty(); }, 3s);
    const Expectation expected = c_.expectation();
    add(check_connection(world_, expected));
    add(check_responses(world_, expected));
    add(check_old_server_fenced(world_, expected));
    return findings_;
  }

  // The client holds bytes of a server that is gone, and what lies before them was lost with it.
  // Another server's answers are not those bytes: its stream cannot go on (contract line 1), and line 7
  // holds.
  Findings check_told() {
    RtspClient& client = world_.client();
    client.request("OPTIONS");  // the reset itself may be lost: then this is answered with one
    if (!world_.run_until([&] { return client.tcp().over(); }, 5s))
      return {"a client that cannot go on is not told so"};
    return check_old_server_fenced(world_, c_.expectation());
  }

  void await_answers() {
    for (const uint32_t cseq : asked_)
      if (!world_.client().await(cseq)) findings_.push_back(fmt::format("no answer to CSeq {}", cseq));
  }

  void set_links() {
    world_.client_host().upstream() = world_.client_host().downstream() = c_.client_link;
    for (size_t i = 0; i < world_.server_count(); ++i) {
      Host& host = world_.server(i).host();
      host.upstream() = host.downstream() = c_.server_link;
    }
  }

  // The server that plays now fails; until the next one plays.
  void fail(size_t index) {
    world_.run_for(c_.moments[index]);
    RtspServer* server = world_.newest_server();
    if (is_ending(*server)) return;
    const bool paused = index == 0 && c_.moment == Moment::kPaused;
    const Time asked = world_.timeline.now();
    if (paused && !world_.client().pause()) return findings_.push_back("no answer to PAUSE");
    if (paused && is_ending(*server)) return resume_unharmed(*server, asked);
    if (index == 0) ask(c_.before);
    const size_t events = world_.dut.events().size() + 1;
    fail_now(*server, index, paused);
    if (index == 0) ask(c_.after);
    if (!world_.run_until([&] { return world_.dut.events().size() >= events; }, 12s))
      return findings_.push_back(
          fmt::format("failure {} of {} was never an event", index + 1, server->host().name()));
    const Event& event = world_.dut.events().newest();
    const TcpPeer& tcp = world_.client().tcp();
    const bool may_hold = tcp.holds_bytes_behind_a_hole() || !tcp.says_what_it_holds();
    told_ = event.outcome.ends_with("behind a hole") && may_hold;
    if (told_) return;
    if (event.outcome != "resumed")
      findings_.push_back(
          fmt::format("{} -> {}: {}", event.server_from, event.server_to, event.outcome));
    if (index == 0 && c_.returns) bring_back(*server, c_.failures[0]);
    if (paused) resume();
  }

  void resume() { asked_.push_back(world_.client().request("PLAY")); }

  // The PAUSE was lost for so long that no failure is one any more. A pause moves a server's own line
  // of NTP and timestamps.
  void resume_unharmed(const RtspServer& server, Time paused_at) {
    resume();
    await_answers();
    pause_ = world_.timeline.now() + server.personality().media_delay - paused_at;
  }

  // Behind the first bytes of a frame, if that was chosen and one comes.
  void fail_now(RtspServer& server, size_t index, bool paused) {
    const bool half = !c_.half_frames.empty() && c_.half_frames[index] && !paused;
    if (!half) return end(server, c_.failures[index]);
    const auto& inside = c_.world.client.interleaved;
    bool failed = false;
    server.cut_next_frame(inside[0] ? 0 : 1, *c_.half_frames[index], [&] {
      failed = true;
      end(server, c_.failures[index]);
    });
    world_.run_until([&] { return failed; }, 2s);
    if (!failed) findings_.push_back("no frame came that could be left half sent");
  }

  void end(RtspServer& server, Failure failure) {
    switch (failure) {
      case Failure::kFin:
        return server.die(Death::kFin);
      case Failure::kReset:
        return server.die(Death::kReset);
      case Failure::kCutOff:
        return server.host().cut_off();
      case Failure::kFreeze:
        return server.freeze();
      case Failure::kShutDown:
        return server.shut_down();
    }
  }

  // Losses may have delayed all that was before; and the client may have more than the newest server
  // has sent, which began at a key frame before.
  bool is_ending(const RtspServer& server) {
    Duration farthest{0};
    for (size_t i = 0; i < world_.server_count(); ++i)
      if (const auto* session = world_.server(i).newest_session())
        farthest = std::max(farthest, session->sender->position());
    return !server.personality().live && farthest > c_.movie.duration - kEnding;
  }

  void bring_back(RtspServer& server, Failure failure) {
    switch (failure) {
      case Failure::kFin:
      case Failure::kReset:
      case Failure::kShutDown:
        server.start();
        break;
      case Failure::kCutOff:
        server.host().reconnect();
        break;
      case Failure::kFreeze:
        server.thaw();
        break;
    }
  }

  void ask(const std::vector<std::string>& methods) {
    if (methods.empty()) return;
    const auto cseqs = world_.client().pipeline(methods);
    asked_.insert(asked_.end(), cseqs.begin(), cseqs.end());
    if (c_.seed % 2 == 0) world_.run_for(std::chrono::microseconds(world_.random.between(0, 3000)));
  }

  void add(Findings more) { findings_.insert(findings_.end(), more.begin(), more.end()); }

  const Choice& c_;
  SwitchedWorld world_;
  std::vector<uint32_t> asked_;
  Duration pause_{0};  // that no failure was in
  bool told_ = false;  // that it cannot go on, and why is known
  Findings findings_;
};

}  // namespace

Findings run(const Choice& choice, bool log) { return Run(choice, log).play(); }

}  // namespace midstream::scenario
