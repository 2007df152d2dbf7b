"""A small RTSP client for tests that speak for themselves: real sockets, every message at hand."""

import re
import socket


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __getitem__(self, name):
        return self.headers.get(name.lower(), "")


class RtspClient:
    """One control connection and, after setup(), a pair of UDP sockets for each stream. What comes inside
    the connection after setup_inside() is for the caller to read."""

    def __init__(self, address, port, movie, seconds=10.0, receive_buffer=None):
        self.url = f"rtsp://{f'[{address}]' if ':' in address else address}:{port}/{movie}"
        self.session = None
        self.streams = []
        self._sequence = 0
        self._received = b""
        self.connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if receive_buffer is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(seconds)
        self.connection.connect((address, port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()
        for stream in self.streams:
            for endpoint in stream:
                endpoint.close()

    def request(self, method, url=None, **headers):
        """Send a request and return its response; the CSeq must be its own."""
        self.send(method, url, **headers)
        return self.receive()

    def send(self, method, url=None, **headers):
        self._sequence += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._sequence}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.connection.sendall("\r\n".join(lines + ["", ""]).encode())

    def receive(self):
        while b"\r\n\r\n" not in self._received:
            self._read()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            self._read()
            rest = self._received.partition(b"\r\n\r\n")[2]
        self._received = rest[length:]
        if headers.get("cseq") != str(self._sequence):
            raise AssertionError(f"answer with CSeq {headers.get('cseq')} to request {self._sequence}")
        return Response(int(status.split()[1]), headers, rest[:length].decode())

    def _read(self):
        data = self.connection.recv(65536)
        if not data:
            raise AssertionError("the control connection was closed")
        self._received += data

    def setup(self):
        """DESCRIBE, then SETUP of every stream over UDP."""
        description, controls = self._describe()
        for control in controls:
            pair = _udp_pair(self.connection.getsockname()[0])
            first = pair[0].getsockname()[1]
            self._set_up(control, f"RTP/AVP;unicast;client_port={first}-{first + 1}")
            self.streams.append(pair)
        return description

    def setup_inside(self):
        """DESCRIBE, then SETUP of every stream inside the connection (RFC 2326, 10.12)."""
        description, controls = self._describe()
        for number, control in enumerate(controls):
            self._set_up(control, f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}")
        return description

    def _describe(self):
        """Also the URL of every stream."""
        description = self.request("DESCRIBE", Accept="application/sdp")
        base = (description["Content-Base"] or self.url).rstrip("/") + "/"
        controls = re.findall(r"^a=control:(?!\*)(\S+)", description.body, re.M)
        return description, [control if "://" in control else base + control for control in controls]

    def _set_up(self, url, transport):
        answer = self.request("SETUP", url, Transport=transport)
        if answer.status != 200:
            raise AssertionError(f"SETUP of {url} answered {answer.status}")
        self.session = answer["Session"].split(";")[0]

    def unread(self):
        """What came behind the newest answer."""
        return self._received

    def play(self, **headers):
        return self.request("PLAY", **headers)

    def wait_for_media(self, seconds=10.0):
        """One new RTP packet of each stream."""
        packets = []
        for rtp, _ in self.streams:
            rtp.settimeout(seconds)
            packets.append(rtp.recv(65536))
        return packets

    def drain(self):
        """Throw away what the RTP sockets hold."""
        for rtp, _ in self.streams:
            rtp.setblocking(False)
            try:
                while rtp.recv(65536):
                    pass
            except BlockingIOError:
                pass
            rtp.setblocking(True)


def _udp_pair(address):
    """Two neighbouring ports, the first one even (RFC 3550, section 11)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        rtp = socket.socket(family, socket.SOCK_DGRAM)
        rtp.bind((address, 0))
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            rtcp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                rtcp.bind((address, port + 1))
                return rtp, rtcp
            except OSError:
                rtcp.close()
        rtp.close()


def warm(address, port, movie):
    """Play a moment from the start and, of a movie, from a position."""
    with RtspClient(address, port, movie) as client:
        client.setup()
        requests = ({"Range": "npt=0-"}, {"Range": "npt=1-", "Seek_Style": "RAP"})
        for request in requests[:1] if movie == "live" else requests:
            answer = client.play(**request)
            if answer.status != 200 or len(client.wait_for_media()) != 2:
                raise AssertionError(f"{client.url}: PLAY answered {answer.status}")
            client.request("PAUSE")
            client.drain()
        client.request("TEARDOWN")
