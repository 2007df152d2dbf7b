"""How fast media inside the connection gets through, before a failover and after it, in one session.

The server sends as fast as TCP lets it (flood_server.py), the client reads as fast as it can, and what it reads
must be every packet once, in order.
"""

import time
from dataclasses import dataclass

from support import flood_server, netns
from support.lab import PORT, SERVER_NAMES, Flood
from support.rtsp_client import RtspClient
from support.shell import Failure, wait_until

SERVERS = {name: Flood() for name in SERVER_NAMES}
MEASURED_S, WARM_S = 2.0, 0.5       # windows have grown by then
FAILOVER_S = 10.0
RECEIVE_BUFFER = 256 << 10          # Linux doubles it; less than the switch keeps of a connection (1 MB) is in flight


@dataclass
class Passage:
    """A part of the run."""
    bytes_a_second: float
    cores: float                    # that the switch was busy on

    def __str__(self):
        return f"{self.bytes_a_second / 1e6:.0f} MB/s with {self.cores:.2f} cores"


@dataclass
class Throughput:
    before: Passage
    after: Passage
    events: list

    @property
    def ratio(self):
        return self.after.bytes_a_second / self.before.bytes_a_second

    def __str__(self):
        return f"{self.before}, then {self.after}: ratio {self.ratio:.2f}"


class Stream:
    """What comes behind the answer to PLAY: frames, and each is the next one."""

    def __init__(self, client):
        self._connection = client.connection
        self._rest = client.unread()
        self._next = None

    def read_for(self, seconds):
        """Bytes a second."""
        begun, size = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            data = self._connection.recv(1 << 20)
            if not data:
                raise Failure("the connection was closed")
            size += len(data)
            self._check(self._rest + data)
        return size / passed

    def _check(self, data):
        whole = len(data) - len(data) % flood_server.FRAME_BYTES
        self._rest = data[whole:]
        for at in range(0, whole, flood_server.FRAME_BYTES):
            frame = flood_server.HEAD.unpack_from(data, at)
            if self._next is not None and frame != self._next:
                raise Failure(f"{frame} came instead of {self._next}")
            *same, sequence, timestamp, ssrc, number = frame
            self._next = (*same, sequence + 1 & 0xFFFF, timestamp + flood_server.TICKS & 0xFFFFFFFF, ssrc, number + 1)


def measure(lab):
    """Of one session, in a lab whose servers are SERVERS: a is killed on the way, and started again in the end."""
    known = len(lab.midstream.ask("events"))
    with netns.inside(lab.namespace("client")):
        client = RtspClient(lab.service, PORT, "flood", receive_buffer=RECEIVE_BUFFER)
        client.setup_inside()
    with client:
        client.play(Range="npt=0-")
        stream = Stream(client)
        stream.read_for(WARM_S)
        before = _passage(lab, stream)
        lab.kill_server("a")
        events = _wait_for_failover(lab, stream, known)
        stream.read_for(WARM_S)
        after = _passage(lab, stream)
    lab.start_server("a")
    wait_until(lab.midstream.all_servers_up, "the switch to find server a up")
    return Throughput(before, after, events)


def _wait_for_failover(lab, stream, known):
    deadline = time.monotonic() + FAILOVER_S
    while len(events := lab.midstream.ask("events")) == known:
        if time.monotonic() > deadline:
            raise Failure("the switch reports no failover")
        stream.read_for(0.1)
    return events[known:]


def _passage(lab, stream):
    busy = lab.midstream.process.cpu_seconds()
    rate = stream.read_for(MEASURED_S)
    return Passage(rate, (lab.midstream.process.cpu_seconds() - busy) / MEASURED_S)
