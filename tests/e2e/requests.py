"""A client that goes on talking after the failover: the new server answers under the old names."""

import re
import struct

from e2e.case import expect, expect_none
from support import contract, netns
from support.capture import Capture
from support.conversation import Conversation
from support.lab import PORT, SERVERS, mac_of
from support.rtsp_client import RtspClient
from support.shell import wait_until

PLAYS = 2                           # after the failover, each behind a PAUSE


def _case(kill):
    def run(case):
        with case.lab() as lab:
            lab.warm(["a", "b"], "half")
            with Capture(lab.namespace("client"), "eth0", case.directory / "client.pcap") as capture:
                with netns.inside(lab.namespace("client")):
                    client = RtspClient(lab.service, PORT, "half")
                with client:
                    _talk(lab, client, kill)
            events = lab.midstream.ask("events")
            expect([event["outcome"] for event in events] == ["resumed"], f"one failover was expected: {events}")
        conversation = Conversation(capture.packets(), lab.client, lab.service, PORT)
        expect_none(contract.violations(conversation, mac_of(SERVERS["a"]), skips=PLAYS))
    run.__name__ = f"requests_after_{kill}"
    return run


def _talk(lab, client, kill):
    with netns.inside(lab.namespace("client")):
        client.setup()
    expect(client.play(Range="npt=0-").status == 200, "PLAY was refused")
    first = client.wait_for_media()
    getattr(lab, kill)("a")
    wait_until(lambda: lab.midstream.ask("events"), "the failover")
    client.drain()
    client.wait_for_media()
    for method in ("OPTIONS", "GET_PARAMETER"):
        _expect_own(client, client.request(method), method)
    _expect_own(client, client.request("PAUSE"), "PAUSE")
    _play_on(client, client.play(), first, "PLAY without Range")
    _expect_own(client, client.request("PAUSE"), "PAUSE")
    _play_on(client, client.play(Range="npt=8-"), first, "PLAY from 8 s")
    _expect_own(client, client.request("TEARDOWN"), "TEARDOWN")


def _expect_own(client, answer, method):
    expect(answer.status == 200, f"{method} was answered {answer.status}")
    session = answer["Session"].split(";")[0]
    # gst answers GET_PARAMETER without a Session, with or without a switch.
    expect(session in (client.session, ""), f"{method} was answered for session {session} instead of {client.session}")


def _play_on(client, answer, first, method):
    """The answer speaks of the streams that the client knows, and they go on."""
    _expect_own(client, answer, method)
    entries = answer["RTP-Info"].split(",")
    expect(len(entries) == len(first), f"{method}: RTP-Info names {len(entries)} streams: {answer['RTP-Info']}")
    for entry, before in zip(entries, first):
        expect(f"//{SERVERS['a']}" in entry, f"{method}: RTP-Info has a foreign url: {entry}")
    client.drain()
    for entry, before, packet in zip(entries, first, client.wait_for_media()):
        announced = int(re.search(r"seq=(\d+)", entry)[1])
        sequence, _, ssrc = struct.unpack("!HII", packet[2:12])
        expect(ssrc == struct.unpack("!I", before[8:12])[0], f"{method}: the SSRC changed")
        # gst announces the next number, or the one before it; a few packets may have come since.
        expect(-1 <= (sequence - announced + 64) % 65536 - 64 < 1000,
               f"{method}: RTP-Info announces number {announced}, {sequence} comes")


CASES = [_case("kill_server"), _case("cut_off")]
