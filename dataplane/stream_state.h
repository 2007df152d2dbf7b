// The state of one stream (seed: the stream state): what passed, the position, and how it is kept
// unbroken. Private to its worker but for `published`, which everybody may read at any time.
#pragma once

#include <rte_common.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/base/time.h"
#include "lib/net/packet.h"
#include "lib/npt/position.h"
#include "lib/rtp/continuity.h"
#include "lib/rtp/cut.h"
#include "lib/rtp/random_access.h"

namespace midstream {

// A copy of what others may know of a stream.
struct StreamPosition {
  int64_t npt_ns = 0;
  uint64_t packets = 0, bytes = 0;  // RTP, headers included
  uint64_t bits_per_second = 0;     // of the last whole second
  uint32_t ssrc = 0;
  PositionSource source = PositionSource::kNone;
  uint8_t unused[3] = {};
};

// Single writer, any number of readers, no lock: a sequence counter that is odd while the writer
// writes (relaxed atomics, so a torn copy is seen and read again, never undefined).
class alignas(RTE_CACHE_LINE_SIZE) PublishedPosition {
 public:
  // The worker that owns the stream.
  void write(const StreamPosition& position);
  void count(int64_t npt_ns, uint64_t bytes_more);  // one more packet, and all else stays
  bool shows(uint32_t ssrc, PositionSource source) const {
    const auto owner = std::bit_cast<Owner>(words_[kOwner].load(std::memory_order_relaxed));
    return owner.ssrc == ssrc && owner.source == source;
  }
  uint64_t packets() const { return words_[kPackets].load(std::memory_order_relaxed); }
  uint64_t bytes() const { return words_[kBytes].load(std::memory_order_relaxed); }

  StreamPosition read() const;  // any thread

 private:
  struct Owner {
    uint32_t ssrc;
    PositionSource source;
    uint8_t unused[3];
  };
  enum Word : size_t { kNpt, kPackets, kBytes, kRate, kOwner };  // of StreamPosition
  static constexpr size_t kWords = sizeof(StreamPosition) / 8;
  static_assert(sizeof(StreamPosition) % 8 == 0 && offsetof(StreamPosition, bytes) == kBytes * 8 &&
                offsetof(StreamPosition, ssrc) == kOwner * 8);

  std::atomic<uint32_t> sequence_{0};
  std::atomic<uint64_t> words_[kWords]{};
};

enum class StreamPhase : uint8_t {
  kDirect,     // first server: nothing is changed
  kWaiting,    // moved while it did not play: the client's next PLAY begins a cut
  kCutting,    // waiting for the first new packet of the new server
  kContinued,  // rewritten into the client's terms
};

// Longest gap between packets over the last two windows: what silence is measured against.
class IntervalWatch {
 public:
  void on_packet(Time now);
  void restart(Time now);
  Time last() const { return last_; }
  Duration longest() const { return longest_[0] > longest_[1] ? longest_[0] : longest_[1]; }

 private:
  static constexpr Duration kWindow = 5s;  // remembers the sparsest of the last 5 to 10 seconds
  Time last_{}, window_start_{};
  Duration longest_[2] = {};
};

inline constexpr uint32_t kLatePackets = 1 << 14;  // so long one from before a cut may straggle in

// How a stream's packets pass without a look at their connection. Chosen anew after whatever has
// happened to that.
enum class MediaPath : uint8_t {
  kWhole,    // not at all
  kAccount,  // as they are
  kRewrite,  // in the terms that the client knows
};

// Where a stream's packets leave. Of kAccount the first line alone counts: it says for which frames.
struct Egress {
  net::LinkHeader link;  // toward the client
  uint16_t nic = 0;
  Endpoint source;  // kRewrite: as the client knows it
};

// What a packet needs comes first, by cache lines: the position that all may read, the last packets,
// accounting, and rewriting.
struct alignas(RTE_CACHE_LINE_SIZE) StreamState {
  PublishedPosition published;
  rtp::LastPackets last;

  uint32_t connection = 0;  // of `path`, as are the two below
  uint8_t session = 0, stream = 0;
  MediaPath path = MediaPath::kWhole;
  StreamPhase phase = StreamPhase::kDirect;
  rtp::Codec codec = rtp::Codec::kOther;
  bool started = false;         // a packet has passed since the newest PLAY that named a place
  RtpSequence first_after_cut;  // the server's sequence number of the cut
  uint32_t packets_since_cut = 0;
  Time last_forwarded{};  // last RTP packet that the client was sent
  Time second_start{};    // of `bits_per_second`
  IntervalWatch interval;

  alignas(RTE_CACHE_LINE_SIZE) Position position;
  alignas(RTE_CACHE_LINE_SIZE) rtp::Continuity continuity;
  Egress egress;

  uint64_t bytes_at_second = 0;
  uint32_t bits_per_second = 0;
  bool said_bye = false;     // the current server has
  bool ended = false;        // and the client was told
  bool reports_cut = false;  // a failover waits for the first packet, and not the client's PLAY
  uint16_t client_port = 0;
  uint32_t clock_rate = 0;
  Time cutting_since{};
  bool live = false;                           // the cut is the next random access point
  std::optional<RtpTimestamp> play_timestamp;  // of the new server's PLAY, by its RTP-Info
  bool picture_requests = false;               // the description allows them
  Time next_picture_request{};
  uint32_t receiver_ssrc = 0;                  // that the client reports with
  Time hold_until{};                           // while the finder holds
  std::optional<rtp::SenderTime> server_time;  // by the current server's newest report, in its terms
  bool resumed = true;                         // the first new packet after the newest cut has left
  bool padded = false;       // the old server's last packet was half sent, and could not be completed
  bool skip_number = false;  // it counts: the next packet has the number behind it
  rtp::CutFinder finder;
};

}  // namespace midstream
