"""Frames that are no business of the switch: they pass in both directions, byte for byte."""

import socket
import struct
import threading

from e2e.case import expect
from support import netns
from support.capture import Capture, Reader
from support.lab import CLIENT, SERVERS, mac_of
from support.shell import run, wait_until

PEER = "b"
FULL = 1514                         # an MTU of 1500 and the Ethernet header


def ping_through(case):
    """Echo requests of every size up to the MTU, none lost."""
    with case.lab() as lab:
        for size in ("8", "1000", "1472"):
            printed = run(*lab.in_client("ping", "-c", "5", "-i", "0.05", "-W", "2", "-M", "do", "-s", size,
                                         SERVERS[PEER]))
            expect("5 received, 0% packet loss" in printed, f"echoes of {size} bytes are lost: {printed}")


def other_ports(case):
    """UDP and a megabyte of TCP that are not RTSP, to the very server that the service stands for."""
    with case.lab() as lab:
        with netns.inside(lab.namespace("a")):
            listener = socket.create_server((SERVERS["a"], 8080))
            echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            echo.bind((SERVERS["a"], 5353))
        with netns.inside(lab.namespace("client")):
            sender = socket.create_connection((SERVERS["a"], 8080), timeout=10)
            datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with listener, echo, sender, datagram:
            _transfer(sender, listener.accept()[0])
            echo.settimeout(5)
            datagram.sendto(b"question", (SERVERS["a"], 5353))
            data, source = echo.recvfrom(100)
            expect((data, source[0]) == (b"question", CLIENT), f"the datagram arrived as {data} from {source}")


def _transfer(sender, receiver):
    sent = bytes(range(256)) * 4096
    received = bytearray()

    def receive():
        while chunk := receiver.recv(65536):
            received.extend(chunk)
    reading = threading.Thread(target=receive)
    reading.start()
    sender.sendall(sent)
    sender.shutdown(socket.SHUT_WR)
    reading.join(20)
    receiver.close()
    expect(bytes(received) == sent, f"{len(received)} of {len(sent)} bytes arrived as they were sent")


def _frame(destination, source, ethertype, length, *, tags=()):
    head = bytes.fromhex((destination + source).replace(":", ""))
    for protocol, number in tags:
        head += struct.pack("!HH", protocol, number)
    head += struct.pack("!H", ethertype)
    body = bytes((length + n) % 251 for n in range(length - len(head)))
    return head + body


def _frames(destination, source):
    broadcast = "ff:ff:ff:ff:ff:ff"
    yield "an unknown EtherType", _frame(destination, source, 0x88B6, 60)
    yield "an unknown EtherType at full size", _frame(destination, source, 0x88B6, FULL)
    yield "a broadcast", _frame(broadcast, source, 0x88B6, 200)
    yield "an IEEE 802.3 length", _frame(destination, source, 100, 114)
    yield "a VLAN tag", _frame(destination, source, 0x88B6, 64, tags=[(0x8100, 0x2005)])
    yield "a VLAN tag at full size", _frame(destination, source, 0x88B6, FULL + 4, tags=[(0x8100, 7)])
    # Not 0x88a8 outside: Linux hands the outer tag over beside the frame, and DPDK's af_packet
    # driver puts it back as 0x8100, whatever it was.
    yield "two VLAN tags", _frame(destination, source, 0x88B6, 300, tags=[(0x8100, 100), (0x8100, 7)])
    yield "an IPv4 header that is cut short", _frame(destination, source, 0x0800, 20) + bytes(40)


def odd_frames(case):
    """Frames that nobody here understands, from the client to a server and back."""
    with case.lab() as lab:
        for sender, receiver, address, other in (("client", PEER, CLIENT, SERVERS[PEER]),
                                                 (PEER, "client", SERVERS[PEER], CLIENT)):
            # A first frame of the receiver teaches every bridge where it is.
            run(*netns.execute(lab.namespace(receiver), "ping", "-c", "1", "-W", "2", address))
            file = lab.directory / f"{receiver}.pcap"
            with Capture(lab.namespace(receiver), "eth0", file) as capture:
                for what, frame in _frames(mac_of(other), mac_of(address)):
                    _pass_one(lab.namespace(sender), frame, capture, f"{what}, from {sender} to {receiver}")


def _pass_one(space, frame, capture, what):
    with netns.inside(space):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with raw:
        raw.bind(("eth0", 0))
        raw.send(frame)
    wait_until(lambda: any(packet.raw == frame for packet in Reader(capture.file).read()),
               f"a frame with {what}", 5)


CASES = [ping_through, other_ports, odd_frames]
