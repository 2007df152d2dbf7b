"""One direction of a TCP connection, put together from a capture and checked on the way.

Sequence numbers are counted from the SYN (whose own number is 0, so the first
byte is number 1); the faults name the first packet that breaks a rule.
"""

import bisect

from support import wire

TIMESTAMPS, SACK, SACK_PERMITTED = 8, 5, 4


def _distance(later, earlier):
    difference = (later - earlier) & 0xFFFFFFFF
    return difference - (1 << 32) if difference & 0x80000000 else difference


class TcpStream:
    def __init__(self, name, packets, opposite_syn, own_syn):
        self.name = name
        self.faults = []
        self.bytes = b""
        self.fin = False
        self.acknowledged = 0           # the highest acknowledgement sent, counted like the other side's bytes
        self._start = own_syn.sequence
        self._opposite_start = opposite_syn.sequence
        self._timestamps = TIMESTAMPS in own_syn.options and TIMESTAMPS in opposite_syn.options
        self._sack = SACK_PERMITTED in own_syn.options and SACK_PERMITTED in opposite_syn.options
        self._newest_timestamp = None
        self._sorted = None
        self._segments = {}             # number of first byte -> bytes
        self._arrivals = {}             # the same -> when it came first
        for packet in packets:
            self._take(packet)
        self._assemble()

    def _fault(self, packet, text):
        number = _distance(packet.sequence, self._start)
        self.faults.append(f"{self.name}: segment {number}+{len(packet.payload)} {text}")

    def _take(self, packet):
        for fault in packet.faults:
            self._fault(packet, f"has an {fault}" if fault.startswith("i") else f"has a {fault}")
        if packet.flags & wire.RST:
            self._fault(packet, "is a reset")
        if packet.flags & wire.SYN:
            return
        self.fin = self.fin or bool(packet.flags & wire.FIN)
        self._check_options(packet)
        self._check_acknowledgement(packet)
        if packet.payload:
            self._keep(packet, _distance(packet.sequence, self._start))

    def _keep(self, packet, number):
        known = self._segments.get(number)
        if known is not None and known[:len(packet.payload)] != packet.payload[:len(known)]:
            self._fault(packet, "repeats a number with other bytes")
        self._arrivals.setdefault(number, packet.time_ns)
        if known is None or len(known) < len(packet.payload):
            self._segments[number] = packet.payload

    def time_of(self, offset):
        """When the byte at this offset of `bytes` came."""
        numbers = sorted(self._arrivals) if self._sorted is None else self._sorted
        self._sorted = numbers
        return self._arrivals[numbers[bisect.bisect_right(numbers, offset + 1) - 1]]

    def _check_options(self, packet):
        stamp = packet.options.get(TIMESTAMPS)
        if (stamp is not None) != self._timestamps and not packet.flags & wire.RST:
            self._fault(packet, "has timestamps against the agreement" if stamp else "lacks its timestamp")
        if SACK in packet.options and not self._sack:
            self._fault(packet, "has SACK without permission")
        if stamp is None:
            return
        value = int.from_bytes(stamp[:4], "big")
        if self._newest_timestamp is not None and _distance(value, self._newest_timestamp) < 0:
            self._fault(packet, f"has a timestamp that goes back by {_distance(self._newest_timestamp, value)}")
        self._newest_timestamp = value

    def _check_acknowledgement(self, packet):
        number = _distance(packet.acknowledgement, self._opposite_start)
        if number < self.acknowledged:
            self._fault(packet, f"takes an acknowledgement back from {self.acknowledged} to {number}")
        self.acknowledged = max(self.acknowledged, number)

    def _assemble(self):
        whole, expected = bytearray(), 1
        for number in sorted(self._segments):
            data = self._segments[number]
            if number > expected:
                self.faults.append(f"{self.name}: a hole from byte {expected} to {number}")
                break
            overlap = min(expected - number, len(data))
            if bytes(data[:overlap]) != bytes(whole[number - 1:number - 1 + overlap]):
                self.faults.append(f"{self.name}: byte {number} and on arrive again with other content")
            whole += data[overlap:]
            expected = max(expected, number + len(data))
        self.bytes = bytes(whole)
