// The server dies with a request about playing on its way, or right behind its answer: a pause, a seek;
// and with several sessions in different states on one connection.
#include <catch2/catch.hpp>

#include "tests/scenario/play_answer.h"
#include "tests/scenario/switch_fixture.h"

namespace midstream::scenario {
namespace {

constexpr size_t kSomePackets = 120;  // of video: two seconds and more

// The request is with a, which has acknowledged it or not, and dies.
uint32_t ask_and_die(SwitchedWorld& world, const std::string& method, const std::string& headers,
                     bool acknowledged) {
  if (acknowledged) world.a().stop_answering();
  const uint32_t cseq = world.client().request(method, headers);
  world.run_for(acknowledged ? 50ms : 60us);
  world.a().die(Death::kFin);
  return cseq;
}

// From `position` on everything came, once and last.
void check_tail(World& world, Duration position) {
  for (size_t i = 0; i < world.client().tracks().size(); ++i) {
    INFO("track " << i);
    const Track& track = world.a().movie().tracks[i];
    const auto& rtp = world.client().tracks()[i].rtp;
    size_t k = rtp.size();
    for (size_t u = track.units.size(); u-- > 0 && track.units[u].pts >= position;) {
      REQUIRE(k-- > 0);
      REQUIRE(rtp[k].packet.payload == track.units[u].payload);
    }
  }
}

void check_all_but_reports_and_media(World& world) {
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_responses(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_old_server_fenced(world, {}) == Findings{});
}

TEST_CASE("a PAUSE is on its way when the server dies") {
  const bool acknowledged = GENERATE(true, false);
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  const uint32_t pause = ask_and_die(world, "PAUSE", "", acknowledged);
  REQUIRE(world.client().await(pause));
  CHECK(world.client().answer(pause)->status() == 200);
  world.run_for(4s);
  const auto before = packets_so_far(world);
  world.run_for(1s);
  CHECK(packets_so_far(world) == before);
  const uint32_t play = world.client().request("PLAY");
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
  check_all_but_reports_and_media(world);
  CHECK(check_media(world, {}) == Findings{});
}

TEST_CASE("a PLAY that resumes is on its way when the server dies") {
  const bool acknowledged = GENERATE(true, false);
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  REQUIRE(world.client().pause());
  world.run_for(1s);
  const auto before = packets_so_far(world);
  const uint32_t play = ask_and_die(world, "PLAY", "", acknowledged);
  REQUIRE(world.client().await(play));
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
  check_contract(world);
}

TEST_CASE("a seek is on its way when the server dies") {
  const bool acknowledged = GENERATE(true, false);
  const bool pauses = GENERATE(true, false);  // FFmpeg does, others do not
  SwitchedWorld world;
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  if (pauses) REQUIRE(world.client().pause());
  const uint32_t play = ask_and_die(world, "PLAY", "Range: npt=5-\r\n", acknowledged);
  REQUIRE(world.client().await(play));
  CHECK(world.client().answer(play)->status() == 200);
  CHECK(world.run_to_the_end());
  check_all_but_reports_and_media(world);
  check_tail(world, 5s);
}

TEST_CASE("a seek is answered, and the server dies before its first packet, or soon after") {
  const Duration wait = GENERATE(Duration(20ms), Duration(60ms), Duration(200ms), Duration(1500ms));
  const Duration place = GENERATE(Duration(5s), Duration(2500ms));
  WorldOptions options;
  options.a.personality.media_delay = 50ms;
  SwitchedWorld world(options);
  REQUIRE(world.client().begin());
  REQUIRE(world.client().await_packets(0, kSomePackets));
  REQUIRE(world.client().pause());
  world.run_for(100ms);
  const auto before = packets_so_far(world);
  REQUIRE(world.client().play("npt=" + write_seconds(place) + "-"));
  const uint32_t play = world.client().newest_cseq();
  world.run_for(wait);
  world.a().die(Death::kFin);
  CHECK(world.run_to_the_end());
  check_play_answer(world, play, before);
  check_all_but_reports_and_media(world);
  check_tail(world, place);
  // Nothing twice: from the seek on there are the units from its key frame on, and no more.
  const Duration key = world.a().movie().key_frame_before(place);
  size_t units = 0, packets = 0;
  for (const MediaUnit& unit : world.a().movie().tracks[0].units) units += unit.pts >= key;
  for (size_t k = before[0]; k < world.client().tracks()[0].rtp.size(); ++k)
    packets += !is_parameter_set(world.client().tracks()[0].rtp[k].packet.payload);
  CHECK(packets == units);
}

std::string id_of(const RtspMessage& answer) {
  const std::string value = answer.header("Session");
  return value.substr(0, value.find(';'));
}

// Another session on the client's connection, of the video alone.
std::string set_up_another(RtspClient& client, uint16_t port) {
  client.use_session("");
  const uint32_t cseq =
      client.request("SETUP",
                     "Transport: RTP/AVP/UDP;unicast;client_port=" + std::to_string(port) + "-" +
                         std::to_string(port + 1) + "\r\n",
                     client.tracks()[0].control);
  REQUIRE(client.await(cseq));
  client.use_session(id_of(*client.answer(cseq)));
  return client.session_id();
}

TEST_CASE("several sessions on one connection: one plays, one is paused, one is torn down") {
  SwitchedWorld world;
  RtspClient& client = world.client();
  REQUIRE(client.begin());
  const std::string playing = client.session_id();
  std::vector<RtpPacket> second;
  world.client_host().bind_udp(51000, [&](Endpoint, Bytes bytes) {
    if (const auto packet = read_rtp(bytes)) second.push_back(*packet);
  });
  world.client_host().bind_udp(51001, [](Endpoint, Bytes) {});
  const std::string paused = set_up_another(client, 51000);
  REQUIRE(client.play("npt=0-"));
  REQUIRE(world.run_until([&] { return second.size() >= 40; }, 5s));
  REQUIRE(client.pause());
  set_up_another(client, 52000);
  REQUIRE(client.await(client.request("TEARDOWN")));

  world.a().die(Death::kFin);
  REQUIRE(world.run_until([&] { return world.dut.events().size() == 1; }, 3s));
  CHECK(world.dut.events().newest().outcome == "resumed");
  CHECK(world.b().sessions().size() == 2);
  const size_t before = second.size();
  world.run_for(500ms);
  CHECK(second.size() == before);
  client.use_session(paused);
  REQUIRE(client.play(""));
  CHECK(id_of(*client.answer(client.newest_cseq())) == paused);
  client.use_session(playing);
  CHECK(world.run_to_the_end());
  world.run_for(6s);  // the second has begun later
  CHECK(check_connection(world, {}) == Findings{});
  CHECK(check_rtp(world, {}) == Findings{});
  CHECK(check_media(world, {}) == Findings{});
  std::erase_if(second, [](const RtpPacket& p) { return is_parameter_set(p.payload); });
  const auto& units = world.a().movie().tracks[0].units;
  REQUIRE(second.size() == units.size());
  for (size_t k = 0; k < units.size(); ++k) {
    REQUIRE(second[k].payload == units[k].payload);
    REQUIRE(second[k].ssrc == second[0].ssrc);
    REQUIRE(second[k].sequence == static_cast<uint16_t>(second[0].sequence + k));
    REQUIRE(second[k].timestamp - second[0].timestamp ==
            world.a().movie().tracks[0].ticks(units[k].pts));
  }
}

}  // namespace
}  // namespace midstream::scenario
