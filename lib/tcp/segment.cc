#include "lib/tcp/segment.h"

#include <algorithm>

namespace midstream::tcp {

namespace {

constexpr size_t kFixedHeaderBytes = 20;  // RFC 9293 3.1
constexpr size_t kMaxOptionBytes = 40;    // fifteen words less the fixed header
constexpr uint8_t kMaxWindowScale = 14;   // RFC 7323 2.3

// Option kinds and their lengths: RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3.
enum OptionKind : uint8_t {
  kEndOfList = 0,
  kNoOperation = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
};
constexpr size_t kMssBytes = 4;
constexpr size_t kWindowScaleBytes = 3;
constexpr size_t kSackPermittedBytes = 2;
constexpr size_t kTimestampsBytes = 10;
constexpr size_t kSackHeaderBytes = 2;
constexpr size_t kSackBlockBytes = 8;

Flags read_flags(uint8_t bits) {
  return {.fin = (bits & 0x01) != 0,
          .syn = (bits & 0x02) != 0,
          .rst = (bits & 0x04) != 0,
          .psh = (bits & 0x08) != 0,
          .ack = (bits & 0x10) != 0,
          .urg = (bits & 0x20) != 0,
          .ece = (bits & 0x40) != 0,
          .cwr = (bits & 0x80) != 0};
}

uint8_t flag_bits(const Flags& flags) {
  return static_cast<uint8_t>(flags.fin | flags.syn << 1 | flags.rst << 2 | flags.psh << 3 |
                              flags.ack << 4 | flags.urg << 5 | flags.ece << 6 | flags.cwr << 7);
}

void read_sack(Bytes blocks, Segment& out) {
  ByteReader reader(blocks);
  out.sack_count = static_cast<uint8_t>(std::min(blocks.size() / kSackBlockBytes, kMaxSackBlocks));
  for (size_t i = 0; i < out.sack_count; ++i) {
    out.sack[i].left = TcpSequence(reader.u32());
    out.sack[i].right = TcpSequence(reader.u32());
  }
}

// `value` is what follows kind and length. An option of a length that its kind does not have is
// skipped like an unknown one, as Linux does. An MSS of 0 would leave no room for a single byte.
void read_option(uint8_t kind, Bytes value, Segment& out) {
  const size_t bytes = value.size() + 2;
  const bool syn = out.flags.syn;
  if (kind == kMss && bytes == kMssBytes && syn && load_be16(value.data()) != 0) {
    out.mss = load_be16(value.data());
  } else if (kind == kWindowScale && bytes == kWindowScaleBytes && syn) {
    out.window_scale = std::min(value[0], kMaxWindowScale);
  } else if (kind == kSackPermitted && bytes == kSackPermittedBytes && syn) {
    out.sack_permitted = true;
  } else if (kind == kTimestamps && bytes == kTimestampsBytes) {
    out.timestamps = {TcpTimestamp(load_be32(&value[0])), TcpTimestamp(load_be32(&value[4]))};
  } else if (kind == kSack && value.size() % kSackBlockBytes == 0) {
    read_sack(value, out);
  }
}

bool read_options(Bytes options, Segment& out) {
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const uint8_t kind = reader.u8();
    if (kind == kEndOfList) return true;
    if (kind == kNoOperation) continue;
    const uint8_t length = reader.u8();
    if (length < 2) return false;  // also where the list ends behind the kind
    const Bytes value = reader.bytes(length - 2u);
    if (!reader.ok()) return false;
    read_option(kind, value, out);
  }
  return true;
}

// Every option is led by no-operations to whole words: what Linux does with most of them, and the
// form that receivers have fast paths for (RFC 7323 appendix A).
size_t whole_words(size_t bytes) { return (bytes + 3) / 4 * 4; }

size_t option_bytes_before_sack(const Segment& segment) {
  const bool syn = segment.flags.syn;
  return (syn && segment.mss ? kMssBytes : 0) +
         (syn && segment.sack_permitted ? whole_words(kSackPermittedBytes) : 0) +
         (segment.timestamps ? whole_words(kTimestampsBytes) : 0) +
         (syn && segment.window_scale ? whole_words(kWindowScaleBytes) : 0);
}

// How many SACK blocks find room behind the other options.
size_t sack_blocks(const Segment& segment) {
  const size_t room = kMaxOptionBytes - option_bytes_before_sack(segment);
  if (room < whole_words(kSackHeaderBytes)) return 0;
  return std::min({size_t{segment.sack_count}, kMaxSackBlocks,
                   (room - whole_words(kSackHeaderBytes)) / kSackBlockBytes});
}

void write_option_header(ByteWriter& writer, OptionKind kind, size_t bytes) {
  for (size_t i = bytes; i < whole_words(bytes); ++i) writer.u8(kNoOperation);
  writer.u8(kind);
  writer.u8(static_cast<uint8_t>(bytes));
}

void write_syn_options(ByteWriter& writer, const Segment& segment) {
  if (segment.mss) {
    write_option_header(writer, kMss, kMssBytes);
    writer.u16(*segment.mss);
  }
  if (segment.sack_permitted) write_option_header(writer, kSackPermitted, kSackPermittedBytes);
  if (segment.window_scale) {
    write_option_header(writer, kWindowScale, kWindowScaleBytes);
    writer.u8(*segment.window_scale);
  }
}

void write_options(ByteWriter& writer, const Segment& segment) {
  if (segment.flags.syn) write_syn_options(writer, segment);
  if (segment.timestamps) {
    write_option_header(writer, kTimestamps, kTimestampsBytes);
    writer.u32(segment.timestamps->value.value());
    writer.u32(segment.timestamps->echo.value());
  }
  const size_t blocks = sack_blocks(segment);
  if (blocks == 0) return;
  write_option_header(writer, kSack, kSackHeaderBytes + blocks * kSackBlockBytes);
  for (size_t i = 0; i < blocks; ++i) {
    writer.u32(segment.sack[i].left.value());
    writer.u32(segment.sack[i].right.value());
  }
}

}  // namespace

bool parse_segment(Bytes bytes, Segment& out) {
  out = Segment{};
  if (bytes.size() < kFixedHeaderBytes) return false;
  ByteReader reader(bytes);
  out.source_port = reader.u16();
  out.destination_port = reader.u16();
  out.sequence = TcpSequence(reader.u32());
  out.acknowledgement = TcpSequence(reader.u32());
  const size_t header_bytes = (reader.u8() >> 4) * size_t{4};
  out.flags = read_flags(reader.u8());
  out.window = reader.u16();
  reader.skip(2);  // checksum
  out.urgent = reader.u16();
  if (header_bytes < kFixedHeaderBytes || header_bytes > bytes.size()) return false;
  out.payload = bytes.subspan(header_bytes);
  return read_options(reader.bytes(header_bytes - kFixedHeaderBytes), out);
}

size_t segment_header_bytes(const Segment& segment) {
  const size_t blocks = sack_blocks(segment);
  const size_t sack_bytes = blocks == 0 ? 0 : whole_words(kSackHeaderBytes) + blocks * kSackBlockBytes;
  return kFixedHeaderBytes + option_bytes_before_sack(segment) + sack_bytes;
}

size_t write_segment(const Segment& segment, MutableBytes out) {
  const size_t header_bytes = segment_header_bytes(segment);
  const size_t payload_bytes = segment.payload.size();
  if (header_bytes > out.size() || payload_bytes > out.size() - header_bytes) return 0;
  // The payload may lie in `out` already, so it moves before anything else is written.
  if (payload_bytes > 0) {
    std::memmove(out.data() + header_bytes, segment.payload.data(), payload_bytes);
  }

  ByteWriter writer(out.first(header_bytes));
  writer.u16(segment.source_port);
  writer.u16(segment.destination_port);
  writer.u32(segment.sequence.value());
  writer.u32(segment.acknowledgement.value());
  writer.u8(static_cast<uint8_t>(header_bytes / 4 << 4));
  writer.u8(flag_bits(segment.flags));
  writer.u16(segment.window);
  writer.u16(0);  // checksum: needs the addresses
  writer.u16(segment.urgent);
  write_options(writer, segment);
  return header_bytes + payload_bytes;
}

}  // namespace midstream::tcp
