#include "control/heartbeat.h"

#include <fmt/format.h>

#include "lib/rtsp/message.h"

namespace midstream {

const char* to_string(ServerState state) {
  switch (state) {
    case ServerState::kUnknown:
      return "unknown";
    case ServerState::kUp:
      return "up";
    case ServerState::kDown:
      return "down";
  }
  return "?";
}

Heartbeat::Heartbeat(size_t server, uint16_t port, const HeartbeatConfig& config, Network& network,
                     Random& random)
    : server_(server),
      remote_port_(port),
      config_(config),
      network_(network),
      random_(random),
      endpoint_([this](const tcp::Segment& segment) { network_.send_from_device(server_, segment); }) {}

void Heartbeat::open(Time now) {
  if (local_port_ != 0) network_.stop_listening(local_port_);
  local_port_ = network_.listen([this](const tcp::Segment& s, Time at) { on_segment(s, at); });
  tcp::EndpointOptions options;
  options.local_port = local_port_;
  options.remote_port = remote_port_;
  options.initial_sequence = TcpSequence(random_.u32());
  endpoint_.open(options, now);
  opened_ = true;
}

void Heartbeat::send_options(Time now) {
  const std::string text =
      fmt::format("OPTIONS * RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: midstream\r\n\r\n", ++cseq_);
  if (!endpoint_.send(as_bytes(text), now)) return;
  if (asked_ == Time::max()) asked_ = now;
}

void Heartbeat::change(ServerState state, Time now) {
  if (state_ == state) return;
  state_ = state;
  since_ = now;
}

void Heartbeat::mark_down(Cause cause, Time now) {
  if (state_ == ServerState::kDown) return;
  cause_ = cause;
  change(ServerState::kDown, now);
}

void Heartbeat::on_segment(const tcp::Segment& segment, Time now) {
  if (segment.source_port != remote_port_) return;
  endpoint_.on_segment(segment, now);
  while (!endpoint_.readable().empty()) {
    rtsp::Message message;
    const rtsp::ParseResult parsed = rtsp::parse_message(endpoint_.readable(), message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) break;
    const bool answer = parsed.status == rtsp::ParseStatus::kDone && !message.is_request;
    endpoint_.consume(parsed.bytes);
    if (answer) on_answer(now);
  }
  watch_connection(now);
}

// Any answer shows that the process lives, 401 and 454 as well.
void Heartbeat::on_answer(Time now) {
  if (asked_ != Time::max()) round_trip_ = now - asked_;
  answered_ = now;
  asked_ = Time::max();
  missed_ = 0;
  if (probe_ == ProbeResult::kPending) probe_ = ProbeResult::kAlive;
  change(ServerState::kUp, now);
}

// An ended connection is opened anew: at once if it had worked, at the next beat if not.
void Heartbeat::watch_connection(Time now) {
  if (!opened_ || endpoint_.error() == tcp::EndpointError::kNone) return;
  const tcp::EndpointError error = endpoint_.error();
  opened_ = false;
  asked_ = Time::max();
  if (error == tcp::EndpointError::kRefused) {
    mark_down(Cause::kRefused, now);
    if (probe_ == ProbeResult::kPending) probe_ = ProbeResult::kDead;
    return;
  }
  if (error == tcp::EndpointError::kClosedByPeer) endpoint_.reset();
  if (error != tcp::EndpointError::kTimeout) {
    open(now);
    send_options(now);
  }
}

void Heartbeat::probe(Time now) {
  if (probe_ == ProbeResult::kPending) return;
  probe_ = ProbeResult::kPending;
  probe_until_ = now + kProbeWait;
  if (!opened_) open(now);
  send_options(now);
}

Heartbeat::ProbeResult Heartbeat::take_probe_result() {
  const ProbeResult result = probe_;
  if (result != ProbeResult::kPending) probe_ = ProbeResult::kNone;
  return result;
}

void Heartbeat::poll(Time now) {
  endpoint_.poll(now);
  watch_connection(now);
  if (probe_ == ProbeResult::kPending && now >= probe_until_) {
    probe_ = ProbeResult::kDead;
    mark_down(Cause::kSilence, now);
  }
  // One that was found dead is asked until it answers, whatever its kind.
  const bool asked_for = config_.kind != HeartbeatConfig::Kind::kNone || state_ == ServerState::kDown;
  if (!asked_for || now < next_) return;
  if (!network_.neighbour(server_).known) return;
  next_ = now + config_.interval;
  if (asked_ != Time::max() && now - asked_ >= config_.interval) {
    if (++missed_ >= config_.multiplier) mark_down(Cause::kHeartbeat, now);
  }
  if (!opened_) open(now);
  send_options(now);
}

}  // namespace midstream
