"""How far the client's player is, read from the capture while it is written."""

from dataclasses import dataclass

from support import wire
from support.capture import Reader
from support.conversation import split

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


class Inside:
    """The frames of one direction of an RTSP connection, while it is being captured (RFC 2326, 10.12)."""

    def __init__(self):
        self._next = None               # sequence number
        self._early = {}
        self._bytes = b""

    def take(self, packet):
        """RTP and RTCP packets that are whole now."""
        if packet.flags & wire.SYN:
            self._next, self._early, self._bytes = packet.sequence + 1 & 0xFFFFFFFF, {}, b""
        elif packet.payload and self._next is not None:
            self._early.setdefault(packet.sequence, packet.payload)
        for sequence in sorted(self._early, key=self._ahead):
            new = self._early[sequence][max(0, -self._ahead(sequence)):]
            if self._ahead(sequence) > 0:
                break
            del self._early[sequence]
            self._bytes += new
            self._next = self._next + len(new) & 0xFFFFFFFF
        _, frames, unread = split(self._bytes)
        self._bytes = self._bytes[len(self._bytes) - unread:]
        return [payload for _, _, payload in frames]

    def _ahead(self, sequence):
        return (sequence - self._next + (1 << 31)) % (1 << 32) - (1 << 31)


class Watch:
    """Every RTP packet of one server to the client, in the order of arrival."""

    def __init__(self, file, source, client):
        self._reader = Reader(file)
        self._source, self._client = source, client
        self._first = {}
        self._inside = {}               # client's port -> its connection
        self.samples = []
        self.window = None              # what the client announced last on a TCP connection, not scaled
        self.positions = {}             # payload type -> furthest position in seconds

    def look(self):
        for packet in self._reader.read():
            if packet.kind == "udp" and packet.source == self._source and packet.destination == self._client \
                    and len(packet.payload) >= 12 and packet.payload[1] & 0x7F in CLOCK_RATES:
                self._take(wire.rtp(packet), len(packet.raw))
            if packet.kind == "tcp" and packet.source == self._client and packet.flags & wire.ACK:
                self.window = packet.window
            if packet.kind == "tcp" and packet.source == self._source and packet.destination == self._client:
                for payload in self._inside.setdefault(packet.destination_port, Inside()).take(packet):
                    if len(payload) >= 12 and payload[1] & 0x7F in CLOCK_RATES:
                        self._take(wire.rtp(wire.Packet(packet.time_ns, b"", payload=payload)), len(payload))
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
