"""What one client said and received: RTSP messages, and the streams that they set up.

Made from the packets of a capture at the client. Everything is known from the
client's own messages: which connection, which ports, which stream is what.
"""

import re
from dataclasses import dataclass, field

from support import wire
from support.tcp_stream import TcpStream

MESSAGE = re.compile(r"RTSP/1\.0 \d{3} |[A-Z_]+ \S+ RTSP/1\.0$")     # its first line


@dataclass
class Message:
    start: str
    headers: dict
    body: bytes

    def __getitem__(self, name):
        return self.headers.get(name.lower(), "")

    @property
    def method(self):
        return self.start.split(" ", 1)[0]

    @property
    def status(self):
        return int(self.start.split()[1])


@dataclass
class Stream:
    name: str                       # its control attribute
    encoding: str = "?"
    clock_rate: int = 90000
    client_ports: tuple = ()
    server_ports: tuple = ()
    channels: tuple = ()            # inside the connection (RFC 2326, 10.12); then there are no ports
    rtp: list = field(default_factory=list)
    rtcp: list = field(default_factory=list)
    strays: list = field(default_factory=list)      # packets to its ports from anywhere else


class Conversation:
    def __init__(self, packets, client, server, port):
        self.client, self.server, self.port = client, server, port
        self.packets = packets
        control = [packet for packet in packets if packet.kind == "tcp" and self._is_control(packet)]
        opened = {}
        for packet in control:
            if packet.source == client and packet.flags & (wire.SYN | wire.ACK) == wire.SYN:
                opened.setdefault((packet.source_port, packet.sequence), packet)    # a lost one comes again
        self.connections = list(opened.values())
        self.to_server = self.to_client = None
        self._frames = []
        self.requests, self.responses, self.streams = [], [], []
        if self.connections:
            self._read_control(control)
            self._find_streams()
            self._collect_media()

    def _is_control(self, packet):
        return (packet.source_port == self.port and packet.destination == self.client
                or packet.destination_port == self.port and packet.source == self.client)

    def _read_control(self, control):
        first = self.connections[0]
        there = [p for p in control if (p.source, p.source_port) == (self.client, first.source_port)]
        back = [p for p in control if (p.destination, p.destination_port) == (self.client, first.source_port)]
        answer = next((p for p in back if p.flags & wire.SYN), None)
        if answer is None:
            return
        self.to_server = TcpStream("client to server", there, answer, first)
        self.to_client = TcpStream("server to client", back, first, answer)
        self.requests, _, _ = split(self.to_server.bytes)
        found, self._frames, unread = split(self.to_client.bytes)
        self.responses = [message for message in found if MESSAGE.match(message.start)]
        self.to_client.faults += [f"{self.to_client.name}: {message.start[:40]!r} is no whole message or frame"
                                  for message in found if not MESSAGE.match(message.start)]
        if unread:
            self.to_client.faults.append(f"{self.to_client.name}: the last {unread} bytes are no whole message or frame")

    def _find_streams(self):
        described = next((m.body.decode(errors="replace") for m in self.responses if m.body.startswith(b"v=0")), "")
        answers = {m["cseq"]: m for m in self.responses}
        for request in self.requests:
            answer = answers.get(request["cseq"])
            if request.method == "SETUP" and answer is not None and answer.status == 200:
                self.streams.append(_stream(request, answer, described))

    def _collect_media(self):
        by_port, by_channel = {}, {}
        for stream in self.streams:
            for kind, channel in enumerate(stream.channels):
                by_channel[channel] = (stream, kind)
            for kind, port in enumerate(stream.client_ports):
                by_port[port] = (stream, kind)
        for packet in self.packets:
            if packet.kind != "udp" or packet.destination != self.client or packet.destination_port not in by_port:
                continue
            stream, kind = by_port[packet.destination_port]
            if (packet.source, packet.source_port) != (self.server, stream.server_ports[kind]):
                stream.strays.append(packet)
            elif kind == 0:
                stream.rtp.append(wire.rtp(packet))
            else:
                stream.rtcp.append(wire.rtcp(packet))
        for offset, channel, payload in self._frames:
            packet = wire.Packet(self.to_client.time_of(offset), b"", payload=payload)
            if channel not in by_channel:
                self.to_client.faults.append(f"{self.to_client.name}: a frame on channel {channel}, which nobody set up")
                continue
            stream, kind = by_channel[channel]
            (stream.rtcp if kind else stream.rtp).append((wire.rtcp if kind else wire.rtp)(packet))


def _stream(request, answer, described):
    name = request.start.split()[1].rsplit("/", 1)[1]
    stream = Stream(name)
    for media in re.split(r"^m=", described, flags=re.M)[1:]:
        if re.search(rf"^a=control:(\S*/)?{re.escape(name)}\s*$", media, re.M):
            encoding = re.search(r"^a=rtpmap:\d+ ([^/\s]+)/(\d+)", media, re.M)
            stream.encoding, stream.clock_rate = encoding[1], int(encoding[2])
    stream.client_ports = _ports(answer["transport"], "client_port")
    stream.server_ports = _ports(answer["transport"], "server_port")
    stream.channels = _ports(answer["transport"], "interleaved")
    return stream


def _ports(transport, name):
    found = re.search(rf"{name}=(\d+)-(\d+)", transport)
    return (int(found[1]), int(found[2])) if found else ()


def split(data):
    """The messages of a byte stream, the frames between them (offset, channel, packet), and how many bytes are left."""
    found, frames, at = [], [], 0
    while True:
        if data[at:at + 1] == b"$":
            end = at + 4 + int.from_bytes(data[at + 2:at + 4], "big")
            if at + 4 > len(data) or end > len(data):
                return found, frames, len(data) - at
            frames.append((at, data[at + 1], data[at + 4:end]))
            at = end
            continue
        break_at = data.find(b"\r\n\r\n", at)
        if break_at < 0:
            return found, frames, len(data) - at
        head, body = data[at:break_at], break_at + 4
        start, *lines = head.decode(errors="replace").lstrip("\r\n").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(data) < body + length:
            return found, frames, len(data) - at
        found.append(Message(start, headers, data[body:body + length]))
        at = body + length
