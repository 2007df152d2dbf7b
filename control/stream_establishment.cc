#include "control/stream_establishment.h"

#include <algorithm>

#include "dataplane/interleaved.h"
#include "lib/rtsp/interleaved.h"

namespace midstream {
namespace {

// Room for the timestamps that the client insists on if this server does not want them (RFC 7323 3.2).
constexpr uint16_t kTimestampBytes = 12;
constexpr uint16_t kLeastWindow = 4096;  // answers of the replay are read at once
constexpr Duration kDescribeLimit = 5s;  // a server that first has to load its codecs
constexpr Duration kAnswerLimit = 2s;    // any later step
constexpr Duration kConnectLimit = 1s;

uint16_t offered_mss(const TcpHalf& client) {
  return static_cast<uint16_t>(
      std::max<int>(client.mss - (client.has_timestamps ? kTimestampBytes : 0), 536));
}

}  // namespace

StreamEstablishment::StreamEstablishment(Connection& connection, size_t server,
                                         const Endpoint& endpoint, const Positions& positions,
                                         Network& network, Mailboxes& mailbox, Random& random,
                                         bool accurate, const rtsp::Credentials& credentials, Time now)
    : connection_(connection),
      server_(server),
      remote_(endpoint),
      positions_(positions),
      network_(network),
      mailbox_(mailbox),
      endpoint_([this](const tcp::Segment& segment) { emit(segment); }),
      progressed_(now) {
  if (!network_.neighbour(server).known) {
    fail("its host has never answered ARP or neighbour solicitations");
    return;
  }
  ToWorker expect{};
  expect.kind = ToWorker::Kind::kExpect;
  expect.connection = connection_.index;
  expect.endpoint = remote_;
  mailbox_.send(expect);

  const TcpHalf& client = connection_.client_half;
  tcp::EndpointOptions options;
  options.local_port = connection_.client.port;
  options.remote_port = remote_.port;
  options.initial_sequence = TcpSequence(random.u32());
  options.mss = offered_mss(client);
  options.window = std::max(client.window, kLeastWindow);
  options.window_scale = client.window_scale;
  options.sack_permitted = client.sack_permitted;
  if (client.has_timestamps) options.timestamp_value = client.newest_timestamp;
  options.give_up = kConnectLimit;
  endpoint_.open(options, now);
  replay_.start(connection_.conversation, positions, 1, accurate, credentials, random.u64());
  send_output(now);
}

void StreamEstablishment::emit(const tcp::Segment& segment) {
  network_.send_as_client(server_, connection_, segment);
}

void StreamEstablishment::fail(std::string why) {
  state_ = State::kFailed;
  failure_ = std::move(why);
}

void StreamEstablishment::cancel() {
  endpoint_.reset();
  ToWorker forget{};
  forget.kind = ToWorker::Kind::kForgetServer;
  forget.connection = connection_.index;
  forget.endpoint = remote_;
  mailbox_.send(forget);
}

std::string StreamEstablishment::step() const {
  return endpoint_.established() ? replay_.step() + ": no answer yet" : "no SYN-ACK yet";
}

std::vector<OwedTeardowns::Session> StreamEstablishment::sessions_made() const {
  std::vector<OwedTeardowns::Session> made;
  for (size_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::ReplaySession& session = replay_.result(s);
    if (!session.id.empty()) made.push_back({session.id, session.url});
  }
  return made;
}

void StreamEstablishment::send_output(Time now) {
  const std::string output = replay_.take_output();
  if (!output.empty() && !endpoint_.send(as_bytes(output), now))
    fail(replay_.step() + ": cannot be sent");
}

// Once all server ports of a session are known, and before PLAY leaves: media may come at any time.
void StreamEstablishment::post_expectations() {
  for (uint8_t s = 0; s < rtsp::kMaxSessions; ++s) {
    const rtsp::Session& session = connection_.conversation.sessions[s];
    if (session.id.empty() || media_expected_[s] || !replay_.setups_done(s)) continue;
    media_expected_[s] = true;
    for (uint8_t i = 0; i < session.stream_count; ++i) {
      if (session.streams[i].channels) continue;
      const rtsp::PortPair& ports = replay_.result(s).streams[i].server_port;
      ToWorker mail{};
      mail.kind = ToWorker::Kind::kExpectMedia;
      mail.connection = connection_.index;
      mail.session = s;
      mail.stream = i;
      mail.endpoint = {remote_.address, ports.rtp};
      mail.rtcp_port = ports.rtcp;
      mailbox_.send(mail);
    }
  }
}

void StreamEstablishment::on_segment(const tcp::Segment& segment, Time now) {
  endpoint_.on_segment(segment, now);
  while (state_ == State::kRunning && !endpoint_.readable().empty()) {
    if (take_frames()) continue;
    const bool begins_frame = rtsp::starts_interleaved(endpoint_.readable());
    if (answered_ || (connection_.interleaved && begins_frame)) break;  // its header is not whole
    rtsp::Message message;
    const rtsp::ParseResult parsed = rtsp::parse_message(endpoint_.readable(), message);
    if (parsed.status == rtsp::ParseStatus::kNeedMore) break;
    if (parsed.status == rtsp::ParseStatus::kBad)
      return fail(replay_.step() + ": the answer is no RTSP");
    if (half_request_) {
      take_half_answer(message, endpoint_.readable().first(parsed.bytes));
      endpoint_.consume(parsed.bytes);
      progressed_ = now;
      continue;
    }
    const rtsp::ReplayProgress progress = replay_.on_message(message);
    endpoint_.consume(parsed.bytes);
    progressed_ = now;
    post_expectations();
    send_output(now);
    if (progress == rtsp::ReplayProgress::kFailed) return fail(replay_.failure());
    if (progress == rtsp::ReplayProgress::kDone) {
      done_at_ = now;
      answered_ = !ask_again(now);
    }
  }
  poll(now);
}

// Media inside the connection may come before the answer to PLAY (live555), and does behind it: it is
// acknowledged here, and goes to the worker before the rest. False if none is next.
bool StreamEstablishment::take_frames() {
  const Bytes bytes = endpoint_.readable();
  if (frame_left_ == 0) {
    if (!connection_.interleaved || !rtsp::starts_interleaved(bytes)) return false;
    const auto header = rtsp::parse_frame_header(bytes);
    if (!header) return false;
    frame_left_ = rtsp::kFrameHeaderBytes + header->length;
  }
  const size_t size = std::min(frame_left_, bytes.size());
  if (inside_.size() + size > kMaxCustodyBytes) {
    fail(replay_.step() + ": more media than can be kept");
    return false;
  }
  inside_.append(as_text(bytes.first(size)));
  frame_left_ -= size;
  endpoint_.consume(size);
  return true;
}

Duration StreamEstablishment::answer_limit() const {
  return replay_.step().starts_with("DESCRIBE") ? kDescribeLimit : kAnswerLimit;
}

Time StreamEstablishment::next_timer() const {
  if (state_ != State::kRunning) return Time{};  // its end is to be seen to at once
  return std::min(endpoint_.next_timer(), progressed_ + answer_limit());
}

void StreamEstablishment::poll(Time now) {
  if (state_ != State::kRunning) return;
  endpoint_.poll(now);
  switch (endpoint_.error()) {
    case tcp::EndpointError::kNone:
      break;
    case tcp::EndpointError::kRefused:
      return fail("connection refused");
    case tcp::EndpointError::kReset:
      return fail(replay_.step() + ": connection reset");
    case tcp::EndpointError::kClosedByPeer:
      return fail(replay_.step() + ": connection closed");
    case tcp::EndpointError::kTimeout:
      return fail(endpoint_.peer_window() == 0 ? "no SYN-ACK came back"
                                               : replay_.step() + ": no answer");
  }
  if (replay_.progress() == rtsp::ReplayProgress::kFailed) return fail(replay_.failure());
  if (replay_.progress() == rtsp::ReplayProgress::kDone && !answered_ && !half_request_ &&
      endpoint_.established()) {  // the client has no session, there was nothing to replay
    done_at_ = now;
    answered_ = !ask_again(now);
  }
  // The switch repeats nothing of the replay after it: all must have arrived.
  if (answered_ && endpoint_.all_acknowledged()) {
    state_ = State::kDone;
    return;
  }
  if (now - progressed_ < answer_limit()) return;
  seek_unanswered_ = replay_.step().starts_with("PLAY");
  fail((half_request_ ? "what the old server left half answered" : replay_.step()) + ": no answer");
}

}  // namespace midstream
