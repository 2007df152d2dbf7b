// midstreamctl: asks a running switch what it does.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "control/operator.h"
#include "control/operator_client.h"
#include "control/table.h"

namespace {

using namespace midstream;

// Soon enough for a person who watches, and nothing to the switch.
constexpr std::chrono::milliseconds kFollowInterval{500};

struct Options {
  std::string file_prefix = "rte";  // EAL's own default
  std::string command;
  bool json = false;
  bool follow = false;
};

void add_command(CLI::App& app, Options& options, const char* name, const char* what) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_flag("--json", options.json, "one JSON object a line, with all that is known");
  if (std::string(name) == "events")
    command->add_flag("-f,--follow", options.follow, "go on with new events as they happen");
  command->callback([&options, name] { options.command = name; });
}

void define(CLI::App& app, Options& options) {
  app.fallthrough();  // --file-prefix may stand behind the command; commands inherit this
  app.add_option("--file-prefix", options.file_prefix, "the one that the switch was started with")
      ->capture_default_str();
  add_command(app, options, "servers", "the servers: up or down, round trip, sessions");
  add_command(app, options, "sessions", "the sessions: client, server, protected or why not");
  add_command(app, options, "streams", "the streams: position, how it is known, rate");
  add_command(app, options, "workers", "the worker cores: packets, hand-overs, connections, drops");
  add_command(app, options, "counters",
              "packets, and every reason for which one was dropped or not followed");
  add_command(app, options, "events", "what happened: failovers with their causes and times");
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  midstreamctl sessions\n"
      "  midstreamctl --file-prefix lab events --follow\n"
      "  midstreamctl streams --json | jq .position_s\n"
      "Exit status: 0, or 1 if no switch is running or it did not answer.");
}

void show(const Options& options) {
  OperatorClient client;
  client.connect(operator_socket_of(options.file_prefix));
  Table table(table_columns(options.command));
  auto take = [&](const nlohmann::json& row) {
    if (options.json)
      std::cout << row.dump() << '\n';
    else
      table.add(row);
  };
  nlohmann::json after;
  for (;;) {
    after = for_each_row([&client](const auto& request) { return client.ask(request); },
                         options.command, after, take);
    if (!options.json) std::cout << table.print();
    std::cout.flush();
    if (!options.follow || !std::cout) return;
    std::this_thread::sleep_for(kFollowInterval);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Asks a running midstream switch about its servers, sessions, streams, workers, counters and "
      "events.",
      "midstreamctl"};
  Options options;
  define(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    show(options);
  } catch (const OperatorError& error) {
    std::fprintf(stderr, "midstreamctl: %s\n", error.text.c_str());
    return 1;
  }
  return 0;
}
