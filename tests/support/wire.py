"""Packets as they were on the wire: Ethernet, ARP, IPv4, IPv6, TCP, UDP, RTP and RTCP, read without help.

The tests judge the switch by these bytes, so nothing here is shared with it.
"""

import ipaddress
import struct
from dataclasses import dataclass, field

ARP, IPV4, IPV6, SENTINEL = 0x0806, 0x0800, 0x86DD, 0x88B5
# RFC 4861, sections 4 and 4.6.1.
DISCOVERY, NEIGHBOUR_ADVERTISEMENT, TARGET_MAC = range(133, 138), 136, 2
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass(slots=True)
class Packet:
    time_ns: int
    raw: bytes
    destination_mac: str = ""
    source_mac: str = ""
    ethertype: int = 0
    kind: str = "other"             # tcp, udp, icmp, icmp6, arp, nd, fragment, other
    source: str = ""
    destination: str = ""
    source_port: int = 0
    destination_port: int = 0
    payload: bytes = b""
    sequence: int = 0               # TCP from here on
    acknowledgement: int = 0
    flags: int = 0
    window: int = 0
    options: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)

    def flow(self):
        return (self.kind, self.source, self.source_port, self.destination, self.destination_port)


def parse(time_ns, raw):
    packet = Packet(time_ns, raw, mac(raw[0:6]), mac(raw[6:12]), int.from_bytes(raw[12:14], "big"))
    if packet.ethertype == ARP and len(raw) >= 42:
        packet.kind = "arp"
        packet.source, packet.destination = address(raw[28:32]), address(raw[38:42])
        packet.payload = raw[14:42]
    elif packet.ethertype == IPV4:
        _parse_ipv4(packet, raw[14:])
    elif packet.ethertype == IPV6:
        _parse_ipv6(packet, raw[14:])
    return packet


def _parse_ipv4(packet, data):
    header_length, total = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big")
    packet.source, packet.destination = address(data[12:16]), address(data[16:20])
    if total > len(data):
        packet.faults.append(f"IP length {total} in a frame of {len(data)}")
    if _sum(data[:header_length]) != 0xFFFF:
        packet.faults.append("wrong IP checksum")
    body = data[header_length:total]
    if int.from_bytes(data[6:8], "big") & 0x3FFF:
        packet.kind, packet.payload = "fragment", body
    else:
        _parse_transport(packet, data[9], data[12:20], body)


def _parse_ipv6(packet, data):
    """Extension headers are none that the lab's hosts send."""
    length, following = int.from_bytes(data[4:6], "big"), data[6]
    packet.source, packet.destination = address(data[8:24]), address(data[24:40])
    if 40 + length > len(data):
        packet.faults.append(f"IP length {length} in a frame of {len(data)}")
    _parse_transport(packet, following, data[8:40], data[40:40 + length])


def _parse_transport(packet, protocol, addresses, body):
    if protocol == 6:
        _check(packet, protocol, addresses, body)
        _parse_tcp(packet, body)
    elif protocol == 17:
        if body[6:8] != b"\0\0" or packet.ethertype == IPV6:
            _check(packet, protocol, addresses, body)
        _parse_udp(packet, body)
    elif protocol == 1:
        packet.kind, packet.payload = "icmp", body
    elif protocol == 58:
        _check(packet, protocol, addresses, body)
        packet.kind, packet.payload = "nd" if body[0] in DISCOVERY else "icmp6", body


def _check(packet, protocol, addresses, body):
    """The pseudo header of IPv6 is longer (RFC 8200, 8.1), and its sum comes to the same."""
    if _sum(addresses + struct.pack("!HH", protocol, len(body)) + body) != 0xFFFF:
        packet.faults.append("wrong TCP, UDP or ICMPv6 checksum")


def announcement(packet):
    """(address, hardware address) that a packet announces to be neighbours, or None."""
    if packet.kind == "arp":
        return packet.source, mac(packet.payload[8:14])
    if packet.kind == "nd" and packet.payload[0] == NEIGHBOUR_ADVERTISEMENT and len(packet.payload) >= 32 \
            and packet.payload[24] == TARGET_MAC:
        return address(packet.payload[8:24]), mac(packet.payload[26:32])
    return None


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _parse_udp(packet, body):
    packet.kind = "udp"
    packet.source_port, packet.destination_port, length, _ = struct.unpack("!4H", body[:8])
    if length != len(body):
        packet.faults.append(f"UDP length {length} in {len(body)} bytes")
    packet.payload = body[8:]


def _parse_tcp(packet, body):
    packet.kind = "tcp"
    (packet.source_port, packet.destination_port, packet.sequence, packet.acknowledgement,
     offset, packet.flags, packet.window) = struct.unpack("!HHIIBBH", body[:16])
    offset = (offset >> 4) * 4
    packet.payload = body[offset:]
    _parse_options(packet, body[20:offset])


def _parse_options(packet, data):
    """Option kind to its value; the well-known ones are checked for their length (RFC 9293, 7323, 2018)."""
    lengths = {2: 4, 3: 3, 4: 2, 8: 10}
    at = 0
    while at < len(data) and data[at] != 0:
        if data[at] == 1:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        if length < 2 or at + length > len(data) or lengths.get(data[at], length) != length:
            packet.faults.append(f"invalid TCP option {data[at]}")
            return
        packet.options[data[at]] = data[at + 2:at + length]
        at += length


def mac(data):
    return data.hex(":")


def address(data):
    return str(ipaddress.ip_address(data))


@dataclass(slots=True)
class Rtp:
    time_ns: int
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def rtp(packet):
    first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet.payload[:12])
    start = 12 + 4 * (first & 15)
    if first & 0x10:
        start += 4 + 4 * int.from_bytes(packet.payload[start + 2:start + 4], "big")
    end = len(packet.payload) - (packet.payload[-1] if first & 0x20 else 0)
    return Rtp(packet.time_ns, bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc,
               packet.payload[start:end])


@dataclass(slots=True)
class SenderReport:
    time_ns: int
    ssrc: int
    ntp: int                        # 32.32 fixed point
    timestamp: int
    packets: int
    bytes: int


@dataclass(slots=True)
class Rtcp:
    reports: list
    names: list                     # (ssrc, CNAME)
    byes: list                      # ssrc


def rtcp(packet):
    """The parts of a compound packet that a receiver acts on (RFC 3550, section 6)."""
    found, data = Rtcp([], [], []), packet.payload
    while len(data) >= 8:
        count, kind, length = data[0] & 31, data[1], 4 * (1 + int.from_bytes(data[2:4], "big"))
        ssrc = int.from_bytes(data[4:8], "big")
        if kind == 200:
            ntp, timestamp, packets, octets = struct.unpack("!QIII", data[8:28])
            found.reports.append(SenderReport(packet.time_ns, ssrc, ntp, timestamp, packets, octets))
        elif kind == 202 and count and data[8] == 1:
            found.names.append((ssrc, data[10:10 + data[9]].decode(errors="replace")))
        elif kind == 203:
            found.byes.append(ssrc)
        data = data[length:]
    return found
