// The frames that bench-path plays: one of each stream, in an order that no cache likes.
#pragma once

#include <string>

namespace midstream::bench {

// Throws std::runtime_error if the file cannot be written.
void write_capture(const std::string& file, size_t server, size_t streams, size_t frame_bytes);

}  // namespace midstream::bench
