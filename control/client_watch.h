// What a client says while its connection is moved: its frames wait for the new server, but nothing is
// to be established for a client that tears down or leaves meanwhile. Works on copies; the frames
// themselves are handed back unread.
#pragma once

#include "dataplane/connection.h"

namespace midstream {

class ClientWatch {
 public:
  explicit ClientWatch(const Connection& connection)
      : stream_(connection.from_client), conversation_(connection.conversation) {}

  void on_segment(const tcp::Segment& segment);

  enum class Wish : uint8_t {
    kService,
    kTeardown,  // of every session that it had
    kGone,      // it has closed or reset the connection
  };
  Wish wish() const;

 private:
  bool gone_ = false;
  tcp::Reassembly stream_;
  rtsp::Conversation conversation_;
};

}  // namespace midstream
