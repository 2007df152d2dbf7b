#include "tests/scenario/network.h"

#include <algorithm>
#include <memory>

namespace midstream::scenario {
namespace {

MacAddress mac_at(const Frame& frame, size_t offset) {
  MacAddress mac;
  std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(offset), 6, mac.octets.begin());
  return mac;
}

}  // namespace

size_t Segment::attach(std::string name, bool logged, Receive receive) {
  cables_.push_back({std::move(name), logged, std::move(receive), {}, {}});
  return cables_.size() - 1;
}

void Segment::send(size_t cable, const Frame& frame) {
  transmit(
      cables_[cable].inward, frame, [this, cable](const Frame& f) { forward(cable, f); },
      [&](std::string note) {
        if (cables_[cable].logged)
          log_.frame(timeline_.now(), cables_[cable].name, true, frame, std::move(note));
      });
}

void Segment::forward(size_t from, const Frame& frame) {
  if (frame.size() < 14) return;
  learned_[mac_at(frame, 6)] = from;
  const MacAddress destination = mac_at(frame, 0);
  const auto known = learned_.find(destination);
  if (!destination.is_group() && known != learned_.end()) {
    if (known->second != from) deliver(known->second, frame);
    return;
  }
  for (size_t i = 0; i < cables_.size(); ++i)
    if (i != from) deliver(i, frame);
}

void Segment::deliver(size_t cable, const Frame& frame) {
  transmit(
      cables_[cable].outward, frame, [this, cable](const Frame& f) { cables_[cable].receive(f); },
      [&](std::string note) {
        if (cables_[cable].logged && !note.empty())  // what arrives is logged by who receives it
          log_.frame(timeline_.now(), cables_[cable].name, false, frame, std::move(note));
      });
}

void Segment::transmit(Way& way, const Frame& frame, const std::function<void(const Frame&)>& deliver,
                       const std::function<void(std::string)>& log) {
  const LinkQuality& q = way.quality;
  if (!q.up) return log("cut off");
  if (way.filter && way.filter(frame)) return log("lost by the test");
  if (q.loss > 0 && chance(q.loss)) return log("lost");
  Time arrival = timeline_.now() + q.delay;
  if (q.jitter > 0ns) arrival += Duration(random_.u64() % static_cast<uint64_t>(q.jitter.count()));
  const bool late = q.reorder > 0 && chance(q.reorder);
  if (late) {
    arrival += q.reorder_delay;
  } else {
    arrival = way.last_delivery = std::max(arrival, way.last_delivery);
  }
  log(late ? "late" : "");
  const int copies = q.duplication > 0 && chance(q.duplication) ? 2 : 1;
  for (int i = 0; i < copies; ++i)
    timeline_.at(arrival, [deliver, frame, &way] {
      if (way.quality.up) deliver(frame);
    });
}

void bridge(Segment& one, Segment& other) {
  struct Ends {
    size_t one = 0, other = 0;
  };
  auto ends = std::make_shared<Ends>();
  ends->one =
      one.attach("bridge", false, [&other, ends](const Frame& f) { other.send(ends->other, f); });
  ends->other = other.attach("bridge", false, [&one, ends](const Frame& f) { one.send(ends->one, f); });
}

}  // namespace midstream::scenario
