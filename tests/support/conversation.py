"""What one client said and received: RTSP messages, and the streams that they set up.

Made from the packets of a capture at the client. Everything is known from the
client's own messages: which connection, which ports, which stream is what.
"""

import re
from dataclasses import dataclass, field

from support import wire
from support.tcp_stream import TcpStream


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
    rtp: list = field(default_factory=list)
    rtcp: list = field(default_factory=list)
    strays: list = field(default_factory=list)      # packets to its ports from anywhere else


class Conversation:
    def __init__(self, packets, client, server, port):
        self.client, self.server, self.port = client, server, port
        self.packets = packets
        control = [packet for packet in packets if packet.kind == "tcp" and self._is_control(packet)]
        self.connections = [packet for packet in control
                            if packet.source == client and packet.flags & (wire.SYN | wire.ACK) == wire.SYN]
        self.to_server = self.to_client = None
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
        self.requests = messages(self.to_server.bytes)
        self.responses = messages(self.to_client.bytes)

    def _find_streams(self):
        described = next((m.body.decode(errors="replace") for m in self.responses if m.body.startswith(b"v=0")), "")
        answers = {m["cseq"]: m for m in self.responses}
        for request in self.requests:
            answer = answers.get(request["cseq"])
            if request.method == "SETUP" and answer is not None and answer.status == 200:
                self.streams.append(_stream(request, answer, described))

    def _collect_media(self):
        by_port = {}
        for stream in self.streams:
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


def _stream(request, answer, described):
    name = request.start.split()[1].rsplit("/", 1)[1]
    stream = Stream(name)
    for media in re.split(r"^m=", described, flags=re.M)[1:]:
        if re.search(rf"^a=control:(\S*/)?{re.escape(name)}\s*$", media, re.M):
            encoding = re.search(r"^a=rtpmap:\d+ ([^/\s]+)/(\d+)", media, re.M)
            stream.encoding, stream.clock_rate = encoding[1], int(encoding[2])
    stream.client_ports = _ports(answer["transport"], "client_port")
    stream.server_ports = _ports(answer["transport"], "server_port")
    return stream


def _ports(transport, name):
    found = re.search(rf"{name}=(\d+)-(\d+)", transport)
    return (int(found[1]), int(found[2])) if found else ()


def messages(data):
    """Every whole RTSP message of a byte stream; a broken end is left out."""
    found = []
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return found
        start, *lines = head.decode(errors="replace").lstrip("\r\n").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return found
        found.append(Message(start, headers, rest[:length]))
        data = rest[length:]
