#!/usr/bin/python3 -B
"""A stream server that sends as fast as TCP lets it, inside the RTSP connection; the same at every server.

    flood_server.py --port 554

Packet N of the presentation is at N milliseconds: PLAY with `Range: npt=12.345-` begins with packet 12345.
Its payload is N, eight bytes, and a filling. Prints "ready" once it accepts connections.
"""

import argparse
import random
import re
import socket
import struct
import threading

CLOCK_RATE, PAYLOAD_TYPE = 90000, 96
PACKETS_A_SECOND = 1000             # of the presentation
SECONDS = 40000                     # of it: timestamps do not wrap
FILLING = random.Random(1).randbytes(1392)
# The frame's header (RFC 2326, 10.12), the packet's (RFC 3550, 5.1) and the number.
HEAD = struct.Struct("!cBHBBHIIQ")
FRAME_BYTES = HEAD.size + len(FILLING)
RTP_BYTES = FRAME_BYTES - 4
TICKS = CLOCK_RATE // PACKETS_A_SECOND
AT_ONCE = 64                        # frames
SDP = f"""v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
s=flood\r
t=0 0\r
a=range:npt=0-{SECONDS}\r
m=video 0 RTP/AVP {PAYLOAD_TYPE}\r
c=IN IP4 0.0.0.0\r
a=rtpmap:{PAYLOAD_TYPE} raw/{CLOCK_RATE}\r
a=control:stream=0\r
"""


class Viewer:
    """One connection, with one session at most."""

    def __init__(self, connection):
        chance = random.SystemRandom()
        self._connection = connection
        self._session = f"{chance.getrandbits(64):016x}"
        self._ssrc, self._sequence, self._timestamp = (chance.getrandbits(bits) for bits in (32, 16, 32))
        self._channel = 0
        self._sending = threading.Lock()        # whole frames and answers
        self._leaves = False

    def serve(self):
        received = b""
        while data := self._connection.recv(65536):
            received += data
            while b"\r\n\r\n" in received:
                head, received = received.split(b"\r\n\r\n", 1)
                self._obey(head.decode())
        self._leaves = True

    def _obey(self, request):
        method, url = request.split()[:2]
        headers, body = {"CSeq": re.search(r"^CSeq: *(\d+)", request, re.M)[1]}, ""
        start = None
        if method == "DESCRIBE":
            headers |= {"Content-Base": url + "/", "Content-Type": "application/sdp"}
            body = SDP
        elif method == "SETUP":
            self._channel = int(re.search(r"interleaved=(\d+)", request)[1])
            headers["Transport"] = f"RTP/AVP/TCP;unicast;interleaved={self._channel}-{self._channel + 1};" \
                                   f"ssrc={self._ssrc:08X}"
        elif method == "PLAY":
            wanted = re.search(r"npt=([\d.]+)-", request)
            start = int(float(wanted[1]) * PACKETS_A_SECOND + 1e-6) if wanted else 0
            headers["Range"] = f"npt={start / PACKETS_A_SECOND:.3f}-{SECONDS}"
            headers["RTP-Info"] = f"url={url.rstrip('/')}/stream=0;seq={self._sequence};rtptime={self._timestamp}"
        if method in ("SETUP", "PLAY", "TEARDOWN"):
            headers["Session"] = self._session
        self._leaves = method == "TEARDOWN"
        self._answer(headers, body)
        if start is not None:
            threading.Thread(target=self._flood, args=(start,), daemon=True).start()

    def _answer(self, headers, body):
        headers["Content-Length"] = len(body)
        lines = ["RTSP/1.0 200 OK", *(f"{name}: {value}" for name, value in headers.items())]
        with self._sending:
            self._connection.sendall("\r\n".join([*lines, "", body]).encode())

    def _flood(self, start):
        frames = bytearray((bytes(HEAD.size) + FILLING) * AT_ONCE)
        number = start
        while not self._leaves and number < SECONDS * PACKETS_A_SECOND:
            for at in range(0, len(frames), FRAME_BYTES):
                passed = number - start
                HEAD.pack_into(frames, at, b"$", self._channel, RTP_BYTES, 0x80, 0x80 | PAYLOAD_TYPE,
                               self._sequence + passed & 0xFFFF, self._timestamp + passed * TICKS & 0xFFFFFFFF,
                               self._ssrc, number)
                number += 1
            try:
                with self._sending:
                    self._connection.sendall(frames)
            except OSError:             # the viewer has gone
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=554)
    with socket.create_server(("", parser.parse_args().port), backlog=16) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=Viewer(connection).serve, daemon=True).start()


if __name__ == "__main__":
    main()
