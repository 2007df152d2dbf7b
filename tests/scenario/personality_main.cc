// A scripted server as a process: the scenario tests' host and RTSP server on a real interface, in real
// time. It is a whole computer with an address of its own (the kernel must not have it), so to kill
// the process is to pull its cable, and to stop it freezes the computer. What happens to the server
// while its host lives is told on standard input, a word a line: see kCommands.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/scenario/elementary_stream.h"
#include "tests/scenario/rtsp_server.h"
#include "tests/scenario/wire.h"

namespace midstream::scenario {
namespace {

struct Options {
  std::string interface, address, personality = "gst", h264, adts;
  uint32_t frames_per_second = 24;
  uint16_t port = 554;
  uint32_t packet_bytes = 1400;
  uint64_t seed = 0;
};

class Computer {
 public:
  explicit Computer(const Options& o)
      : random_(o.seed != 0 ? o.seed : std::random_device{}()),
        wire_(timeline_, segment_, o.interface),
        host_({timeline_, log_, violations_, random_, segment_}, o.personality, wire_.mac(),
              parse_address(o.address).value()),
        server_(host_, server_options(o)) {
    log_.keep(false);
    host_.upstream().delay = host_.downstream().delay = Duration(0);
  }

  void run() {
    fmt::print("ready\n");
    std::fflush(stdout);
    wire_.run([this] { return read_commands(); });
  }

 private:
  static ServerOptions server_options(const Options& o) {
    ServerOptions options;
    options.personality = personality_named(o.personality).value();
    options.personality.packet_bytes = o.packet_bytes;
    options.port = o.port;
    options.shown = read_movie(o.h264, o.frames_per_second, o.adts);
    return options;
  }

  // False at the end of the input, or at "quit".
  bool read_commands() {
    std::array<char, 256> bytes;
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n <= 0) return false;
    input_.append(bytes.data(), static_cast<size_t>(n));
    for (size_t end; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1))
      if (!obey(input_.substr(0, end))) return false;
    return true;
  }

  bool obey(const std::string& word) {
    if (word == "quit") return false;
    if (word == "fin")
      server_.die(Death::kFin);
    else if (word == "reset")
      server_.die(Death::kReset);
    else if (word == "shut-down")
      server_.shut_down();
    else if (word == "start")
      server_.start();
    else if (word == "freeze")
      server_.freeze();
    else if (word == "thaw")
      server_.thaw();
    else if (word == "mute")
      server_.stop_answering();
    else if (word == "cut-off")
      host_.cut_off();
    else if (word == "reconnect")
      host_.reconnect();
    else
      fmt::print("unknown: {}\n", word);
    fmt::print("done: {}\n", word);
    std::fflush(stdout);
    return true;
  }

  Timeline timeline_;
  PacketLog log_;
  Violations violations_{timeline_, log_};
  Random random_;
  Segment segment_{timeline_, log_, 1};
  Wire wire_;
  Host host_;
  RtspServer server_;
  std::string input_;
};

constexpr const char* kCommands =
    "Commands on standard input, a line each, answered with \"done: WORD\":\n"
    "  fin, reset    the server's process ends, its connections with it; the host lives\n"
    "  shut-down     it says BYE first\n"
    "  start         it is started again\n"
    "  freeze, thaw  SIGSTOP and SIGCONT of the server's process; the host lives\n"
    "  mute          it reads requests and answers none\n"
    "  cut-off, reconnect  the host's cable\n"
    "  quit          ends this program, as does the end of input";

}  // namespace
}  // namespace midstream::scenario

int main(int argc, char** argv) {
  using namespace midstream::scenario;
  Options o;
  CLI::App app{"A scripted RTSP server on a network interface of its own."};
  app.footer(kCommands);
  app.add_option("--interface", o.interface, "network interface")->required();
  app.add_option("--address", o.address, "its IP address; the kernel must not have it")->required();
  std::vector<std::string> names;
  for (const NamedPersonality& p : personalities()) names.push_back(p.name);
  app.add_option("--personality", o.personality, "which kind of server")->check(CLI::IsMember(names));
  app.add_option("--port", o.port, "RTSP port (554)");
  app.add_option("--h264", o.h264, "video: H.264, Annex B, without B-frames")->check(CLI::ExistingFile);
  app.add_option("--fps", o.frames_per_second, "its frames per second (24)");
  app.add_option("--adts", o.adts, "sound: AAC in ADTS frames")->check(CLI::ExistingFile);
  app.add_option("--packet-bytes", o.packet_bytes, "largest RTP payload (1400)");
  app.add_option("--seed", o.seed, "of its random numbers; 0: another one each time");
  CLI11_PARSE(app, argc, argv);
  try {
    Computer(o).run();
  } catch (const std::exception& e) {
    std::cerr << "personality: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
