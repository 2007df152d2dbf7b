// Writes the Ethernet header, and the tag if there is one, in front of a frame that we make up.
#pragma once

#include "lib/net/packet.h"

namespace midstream::net {

size_t link_header_bytes(const LinkHeader& link);
void write_link_header(ByteWriter& writer, const LinkHeader& link, uint16_t ether_type);

}  // namespace midstream::net
