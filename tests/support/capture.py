"""Captures: tcpdump on one device of the lab, and the packets it wrote.

A capture is complete: it has begun when start() returns, and stop() first sends
a frame of its own (the sentinel) and waits until the file holds it, so nothing
that came before is still in a buffer. A capture that dropped packets is a Failure.
"""

import pathlib
import re
import signal
import socket
import struct

from support import netns, wire
from support.shell import Daemon, Failure, wait_until


class Capture:
    def __init__(self, space, device, file):
        self.file = pathlib.Path(file)
        self._space, self._device = space, device
        self._tcpdump = Daemon(self.file.parent, self.file.name)

    def start(self):
        self.file.unlink(missing_ok=True)
        self._tcpdump.start(netns.execute(
            self._space, "tcpdump", "-i", self._device, "-n", "-s", "0", "-U", "-B", "32768",
            "--immediate-mode", "--nano", "-Z", "root", "-w", self.file))
        self._tcpdump.wait_for_output("listening on")
        return self

    def stop(self):
        if self._tcpdump.pid() is None:
            return self
        reader = Reader(self.file)
        self._send_sentinel()
        wait_until(lambda: any(packet.ethertype == wire.SENTINEL for packet in reader.read()),
                   f"the end of the capture {self.file.name}")
        self._tcpdump.stop(signal.SIGINT)
        dropped = re.search(r"(\d+) packets? dropped by kernel", self._tcpdump.output())
        if dropped is None or dropped[1] != "0":
            raise Failure(f"capture {self.file.name} is not complete: {self._tcpdump.output().strip()}")
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def packets(self):
        return [packet for packet in Reader(self.file).read() if packet.ethertype != wire.SENTINEL]

    def _send_sentinel(self):
        with netns.inside(self._space):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind((self._device, wire.SENTINEL))
        # To a group address that bridges do not pass on (IEEE 802.1Q, table 8-1).
        raw.send(bytes.fromhex("0180c200000f020000990000") + struct.pack("!H", wire.SENTINEL) + bytes(46))
        raw.close()


class Reader:
    """Reads a capture file, also one that is still being written: read() returns what is new."""

    def __init__(self, file):
        self._file = open(file, "rb")
        self._rest = b""
        self._begun = False

    def read(self):
        data = self._rest + self._file.read()
        at = 0
        if not self._begun:
            if len(data) < 24:
                self._rest = data
                return []
            if struct.unpack("<I", data[:4])[0] != 0xA1B23C4D:
                raise Failure("not a capture with nanoseconds")
            self._begun, at = True, 24
        packets = []
        while len(data) - at >= 16:
            seconds, nanoseconds, length, _ = struct.unpack_from("<IIII", data, at)
            if len(data) - at - 16 < length:
                break
            packets.append(wire.parse(seconds * 10**9 + nanoseconds, data[at + 16:at + 16 + length]))
            at += 16 + length
        self._rest = data[at:]
        return packets
