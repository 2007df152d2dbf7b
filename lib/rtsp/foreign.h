// What the bytes are that the message parser refused, before anything plays: the operator does
// something else about RTSPS than about garbage.
#pragma once

#include "lib/base/bytes.h"
#include "lib/rtsp/session.h"

namespace midstream::rtsp {

// `bytes` begin with what parse_message() called bad. kTls, kHttp, kMessageTooLarge (RTSP beyond our
// limits) or kNotRtsp.
Unprotected foreign_protocol(Bytes bytes);

}  // namespace midstream::rtsp
