// The switch's end of midstreamctl: a UNIX stream socket, served by the control loop between two
// other things that it does. Nothing here waits.
//
// A request is one line of JSON, its answer too; a client may send any number, and each is answered
// before the next is read:
//   -> {"command":"sessions","after":null,"limit":2}
//   <- {"next":7,"rows":[{"id":3,...},{"id":7,...}]}
//   -> {"command":"sessions","after":7,"limit":2}
//   <- {"next":null,"rows":[{"id":9,...}]}
//   -> {"command":"sesions"}
//   <- {"error":"unknown command \"sesions\""}
// `next` is what to give as `after` for the page behind this one, and null at the end. The handler
// makes the whole answer; it finds "command" (text), "after" (null if the client gave none) and
// "limit" (1 to kLargestPage) in every request.
//
// What a client costs is bounded: its unfinished line, and one answer that it has not yet read. A
// client too many takes the place of the one that has been quiet for longest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace midstream {

inline constexpr size_t kOperatorClients = 16;          // people and exporters of one switch
inline constexpr size_t kLargestRequestBytes = 4096;    // ours have under 100
inline constexpr size_t kLargestPage = 500;             // rows: some 100 kB of sessions
inline constexpr size_t kLargestAnswerBytes = 4 << 20;  // a full page of events with 16 streams each

class Operator {
 public:
  using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;

  explicit Operator(std::string socket_path) : path_(std::move(socket_path)) {}
  ~Operator();
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  // Opens the socket; the socket file of a switch that is gone is replaced. What went wrong, as one
  // sentence, or nothing.
  std::optional<std::string> open();

  // One turn: takes new clients, and moves every client at most one request further.
  void poll(const Handler& handler);

  size_t clients() const;

 private:
  struct Client {
    int fd = -1;
    bool finished = false;  // reads no more; closed as soon as its answer is out
    uint64_t active_turn = 0;
    std::string input;   // at most kLargestRequestBytes
    std::string output;  // at most one answer
    size_t sent = 0;     // of output
  };

  void accept_clients();
  Client& free_place();
  void serve(Client& client, const Handler& handler);
  void receive(Client& client);
  void answer_next_line(Client& client, const Handler& handler);
  void transmit(Client& client);
  static void close(Client& client);

  std::string path_;
  int listener_ = -1;
  uint64_t turn_ = 0;  // counts poll(): tells which client has been quiet for longest
  std::array<Client, kOperatorClients> clients_;
};

// One answer line, newline included, to one request line. Bytes of peers that are not UTF-8 are
// replaced, never an error.
std::string answer_line(std::string_view line, const Operator::Handler& handler);

// The page behind `after`, as a whole answer.
// By id: for lists that change while they are read. The cursor is an id, so no row is lost or
// repeated when others come and go between two pages. make_rows() adds the rows of one id, none or
// more, and is asked only for ids of this page: with 10,000 sessions, making every row for every page
// holds the control loop up for 140 ms (measured), making 200 for 0.5 ms. A page ends with the id
// that fills it, so it may be longer than `limit` by the rows of one id. `ids`: any order, unique.
using MakeRows = std::function<void(uint64_t id, nlohmann::json& rows)>;
nlohmann::json page(std::vector<uint64_t> ids, const nlohmann::json& after, size_t limit,
                    const MakeRows& make_rows);
// By count, in the rows' own order: for short lists that do not change, such as servers.
nlohmann::json page(nlohmann::json rows, const nlohmann::json& after, size_t limit);

// Where the switch with this --file-prefix has its socket: "/var/run/dpdk/rte/midstream.sock". With
// the EAL's own directory (rte_eal_get_runtime_dir()), or by the EAL's rules where there is no EAL.
std::string operator_socket_in(const std::string& runtime_directory);
std::string operator_socket_of(const std::string& file_prefix);

}  // namespace midstream
