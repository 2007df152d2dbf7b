// What every host sent and received, one line per frame in tcpdump's manner:
//
//   1.003100 client >  10.99.0.10:40000 > 10.99.0.2:554 tcp P. 1001:1101 ack 501 win 512 ts 7/3 "PLAY
//   ..." 1.004200 a      >  10.99.0.2:6970 > 10.99.0.10:50000 rtp 96 seq 7 ts 9000 ssrc 1234abcd M len
//   900 1.004300 a      >  ... (lost)
//
// `>` is sent, `<` is received. The log of the running test is printed when an assertion fails; runs
// of RTP are shortened there. The environment variable SCENARIO_LOG names a file for the whole log.
#pragma once

#include <string>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/time.h"

namespace midstream::scenario {

using Frame = std::vector<uint8_t>;

std::string describe(Bytes frame);

class PacketLog {
 public:
  struct Entry {
    Time time;
    std::string host;
    bool sent;
    Frame frame;
    std::string note;  // "lost", "cut off"; or the whole line if there is no frame
  };

  PacketLog();
  ~PacketLog();
  PacketLog(const PacketLog&) = delete;
  PacketLog& operator=(const PacketLog&) = delete;

  void frame(Time time, const std::string& host, bool sent, const Frame& frame, std::string note = {});
  void remark(Time time, const std::string& host, std::string text);

  // False: nothing is kept from now on, for runs that are many or long.
  void keep(bool yes) { keep_ = yes; }

  const std::vector<Entry>& entries() const { return entries_; }
  std::string print(bool shorten) const;

  // The log of the test that runs now; null between tests.
  static PacketLog* current();

 private:
  bool keep_ = true;
  std::vector<Entry> entries_;
};

}  // namespace midstream::scenario
