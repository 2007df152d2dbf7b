// B's answers: whether they lead to where A was.
#include "lib/rtsp/presentation.h"
#include "lib/rtsp/replay.h"

namespace midstream::rtsp {
namespace {

// RFC 2326 7.1.1; by number, since peers word them as they like.
std::string status_text(uint16_t status) {
  struct Known {
    uint16_t status;
    const char* phrase;
  };
  static constexpr Known kKnown[] = {{301, "Moved Permanently"},
                                     {302, "Moved Temporarily"},
                                     {400, "Bad Request"},
                                     {401, "Unauthorized"},
                                     {403, "Forbidden"},
                                     {404, "Not Found"},
                                     {405, "Method Not Allowed"},
                                     {406, "Not Acceptable"},
                                     {451, "Parameter Not Understood"},
                                     {453, "Not Enough Bandwidth"},
                                     {454, "Session Not Found"},
                                     {455, "Method Not Valid in This State"},
                                     {457, "Invalid Range"},
                                     {459, "Aggregate Operation Not Allowed"},
                                     {460, "Only Aggregate Operation Allowed"},
                                     {461, "Unsupported Transport"},
                                     {500, "Internal Server Error"},
                                     {501, "Not Implemented"},
                                     {503, "Service Unavailable"},
                                     {505, "RTSP Version Not Supported"}};
  for (const Known& known : kKnown)
    if (known.status == status) return std::to_string(status) + ' ' + known.phrase;
  return std::to_string(status);
}

// Empty if B sends what A sent, and to where: ports.
std::string against(const Transport& transport, const PortPair& client_port) {
  if (!transport.server_port || transport.server_port->rtp == 0) return "no server ports";
  if (transport.client_port && transport.client_port->rtp != client_port.rtp)
    return "other client ports";
  return {};
}

}  // namespace

std::string Replay::on_answer(const Awaited& awaited, const Message& answer) {
  const std::string who = name(awaited);
  if (answer.status != 200) return who + ": " + status_text(answer.status);
  std::string failure;
  if (awaited.method == Method::kDescribe) return on_describe(answer);
  if (awaited.method == Method::kSetup)
    failure = on_setup(awaited.stream, answer);
  else
    failure = on_play(answer);
  return failure.empty() ? failure : who + ": " + failure;
}

std::string Replay::on_describe(const Message& answer) {
  if (!sdp::parse(as_text(answer.body), description_)) return "DESCRIBE: no usable description";
  const auto difference = sdp::difference(conversation_->description, description_);
  if (!difference.empty()) return "content differs: " + std::string(difference.view());
  if (!base_url(answer, conversation_->describe_url.view(), base_)) return "DESCRIBE: URL too long";
  next_session();
  return failure_;
}

std::string Replay::on_setup(size_t index, const Message& answer) {
  ReplaySession& session = sessions_[session_];
  const Header* header = answer.find("Session");
  const auto parsed = header != nullptr ? parse_session(header->value) : std::nullopt;
  if (!parsed || parsed->id.empty()) return "no Session";
  if (!session.id.assign(parsed->id)) return "Session too long";
  if (parsed->timeout_s) session.timeout_s = *parsed->timeout_s;

  const Stream& wanted_stream = conversation_->sessions[session_].streams[index];
  const Header* agreed = answer.find("Transport");
  if (agreed == nullptr) return "no Transport";
  const Transport transport = parse_transport(agreed->value).items[0];
  ReplayStream& stream = session.streams[index];
  const std::string failure = agree_on_place(wanted_stream, transport, stream);
  if (!failure.empty()) return failure;

  const sdp::Media& media = description_.media[wanted_stream.media];
  stream.ssrc = transport.ssrc;
  stream.payload_type = media.payload_type;
  stream.clock_rate = media.clock_rate;
  after_setup();
  return {};
}

// UDP ports as with A, or channels: those may be others than the client's, which is translated.
std::string Replay::agree_on_place(const Stream& agreed, const Transport& transport,
                                   ReplayStream& stream) {
  if (!transport.rtp || transport.secure || transport.multicast) return "other transport";
  if (transport.inside_connection() != agreed.channels.has_value()) return "other transport";
  if (!agreed.channels) {
    const std::string failure = against(transport, agreed.client_port);
    if (failure.empty()) stream.server_port = *transport.server_port;
    return failure;
  }
  const auto channels = transport.interleaved_text.empty() ? agreed.channels : transport.interleaved;
  if (!channels || !are_free({}, *channels)) return "no usable channels";
  if (!are_free(channels_taken(), *channels)) return "channels of another stream";
  stream.channels = channels;
  return {};
}

ChannelSet Replay::channels_taken() const {
  ChannelSet channels;
  for (const ReplaySession& session : sessions_)
    for (const ReplayStream& stream : session.streams)
      if (stream.channels) take(channels, *stream.channels);
  return channels;
}

std::string Replay::on_play(const Message& answer) {
  ReplaySession& session = sessions_[session_];
  if (const Header* header = answer.find("Session")) {
    const auto parsed = parse_session(header->value);
    if (parsed && parsed->timeout_s) session.timeout_s = *parsed->timeout_s;
  }
  if (const Header* header = answer.find("Range")) {
    const auto range = parse_npt_range(header->value);
    if (range) session.play_start = range->start;
  }
  session.live = !session.play_start && !description_.range;
  read_rtp_info(answer);
  next_session();
  return {};
}

void Replay::read_rtp_info(const Message& answer) {
  const Header* header = answer.find("RTP-Info");
  if (header == nullptr) return;
  const RtpInfoList list = parse_rtp_info(header->value);
  auto& streams = sessions_[session_].streams;
  const size_t count = conversation_->sessions[session_].stream_count;
  std::array<std::string_view, kMaxRtpInfo> urls;
  for (size_t i = 0; i < count; ++i) urls[i] = streams[i].url.view();
  const StreamOfEntry stream_of = match_rtp_info(list, base_.view(), urls, count);
  for (size_t i = 0; i < list.count; ++i) {
    if (stream_of[i] >= count) continue;
    streams[stream_of[i]].info_sequence = list.items[i].sequence;
    streams[stream_of[i]].info_timestamp = list.items[i].timestamp;
  }
}

}  // namespace midstream::rtsp
