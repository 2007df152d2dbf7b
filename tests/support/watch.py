"""How far the client's player is, read from the capture while it is written."""

from dataclasses import dataclass

from support import wire
from support.capture import Reader

# What the lab's servers offer (rtsp_server.py): payload type to clock rate.
CLOCK_RATES = {96: 90000, 97: 48000}
VIDEO = 96


@dataclass(slots=True)
class Sample:
    time_ns: int
    kind: int                       # payload type
    position: float                 # seconds from the stream's first packet
    length: int                     # of the frame
    payload: bytes


class Watch:
    """Every RTP packet of one server to the client, in the order of arrival."""

    def __init__(self, file, source, client):
        self._reader = Reader(file)
        self._source, self._client = source, client
        self._first = {}
        self.samples = []
        self.positions = {}             # payload type -> furthest position in seconds

    def look(self):
        for packet in self._reader.read():
            if packet.kind == "udp" and packet.source == self._source and packet.destination == self._client \
                    and len(packet.payload) >= 12 and packet.payload[1] & 0x7F in CLOCK_RATES:
                self._take(wire.rtp(packet), len(packet.raw))
        return self

    def _take(self, packet, length):
        kind = packet.payload_type
        first = self._first.setdefault(kind, packet.timestamp)
        difference = (packet.timestamp - first + (1 << 31)) % (1 << 32) - (1 << 31)
        position = difference / CLOCK_RATES[kind]
        self.positions[kind] = max(position, self.positions.get(kind, 0.0))
        self.samples.append(Sample(packet.time_ns, kind, position, length, packet.payload))

    def position(self):
        """The position of the stream that is least far, in seconds; 0 before all of them play."""
        self.look()
        return min(self.positions.values()) if len(self.positions) == len(CLOCK_RATES) else 0.0
