"""The judges judged: a run that is broken in one place must be found broken, by that name."""

import dataclasses

from e2e.case import expect, expect_none
from support import contract, netns, player, wire
from support.conversation import Conversation
from support.lab import CLIENT, PORT, SERVERS, mac_of
from support.playback import play

SECONDS = 4
LOSS_PERCENT = 2
A = SERVERS["a"]


def contract_can_break(case):
    """With media over UDP."""
    return _expect_all_heard(case, "ffmpeg", CHANGES)


def contract_can_break_inside(case):
    """The same with media inside the connection."""
    return _expect_all_heard(case, "ffmpeg_inside", CHANGES_INSIDE)


def _expect_all_heard(case, client, changes):
    """Take a run over a plain bridge, change one packet, and expect the sentence."""
    with case.lab(SECONDS, switch="bridge") as lab:
        lab.warm(["a"], "half")
        packets = play(lab, "half", case.directory, client=client).conversation.packets
    whole = Conversation(packets, CLIENT, A, PORT)
    media = contract.media_of(whole)
    expect_none(contract.violations(whole, mac_of(A), media))
    for words, change in changes:
        broken = change(whole, list(packets))
        found = contract.violations(Conversation(broken, CLIENT, A, PORT), mac_of(A), media, strangers=[SERVERS["b"]])
        expect(any(words in sentence for sentence in found), f"{words!r} was expected, but found: {found}")
    return f"{len(changes)} ways to break it"


def _rtp(whole, packets, stream=0, number=20):
    """The index of one RTP packet of a stream in the capture."""
    port = whole.streams[stream].client_ports[0]
    return [n for n, p in enumerate(packets) if p.kind == "udp" and p.destination_port == port][number]


def _report(whole, packets, number):
    port = whole.streams[0].client_ports[1]
    found = [n for n, p in enumerate(packets) if p.kind == "udp" and p.destination_port == port and p.payload[1] == 200]
    return found[number]


def _control(packets, number=2):
    """The index of a segment with an answer of the server."""
    return [n for n, p in enumerate(packets) if p.kind == "tcp" and p.source == A and p.payload][number]


def _frame(packets, number=20):
    """The index of a segment that begins with a frame of the first stream's RTP."""
    return [n for n, p in enumerate(packets) if p.kind == "tcp" and p.source == A and p.payload[:2] == b"$\0"][number]


def _changed(packets, at, **fields):
    packets[at] = dataclasses.replace(packets[at], **fields)
    return packets


def _bytes_changed(packets, at, offset, value):
    payload = bytearray(packets[at].payload)
    payload[offset:offset + len(value)] = value
    return _changed(packets, at, payload=bytes(payload))


def _without(packets, at):
    return packets[:at] + packets[at + 1:]


def _twice(packets, at):
    return packets[:at + 1] + packets[at:]


def _stamped(packets, at, value):
    options = {**packets[at].options, 8: value.to_bytes(4, "big") + bytes(4)}
    return _changed(packets, at, options=options)


CHANGES = (
    ("RTP H264: sequence number", lambda w, p: _without(p, _rtp(w, p))),
    ("media H264: ", lambda w, p: _without(p, _rtp(w, p))),
    ("media MPEG4-GENERIC: ", lambda w, p: _twice(p, _rtp(w, p, 1))),
    ("RTP H264: ssrc", lambda w, p: _bytes_changed(p, _rtp(w, p), 8, b"\1\2\3\4")),
    ("RTP H264: payload_type", lambda w, p: _bytes_changed(p, _rtp(w, p), 1, b"\x63")),
    ("has timestamp", lambda w, p: _bytes_changed(p, _rtp(w, p), 7, bytes([p[_rtp(w, p)].payload[7] ^ 1]))),
    ("marker", lambda w, p: _bytes_changed(p, _rtp(w, p), 1, bytes([p[_rtp(w, p)].payload[1] ^ 0x80]))),
    ("1 unknown", lambda w, p: _bytes_changed(p, _rtp(w, p), 40, b"????")),
    ("a udp packet of 10.99.0.3 reaches", lambda w, p: _changed(p, _rtp(w, p), source="10.99.0.3")),
    ("the client reads of 10.99.0.3", lambda w, p: _bytes_changed(
        p, _control(p, 1), p[_control(p, 1)].payload.index(b"10.99.0.2"), b"10.99.0.3")),
    ("packets from 10.99.0.3", lambda w, p: _changed(p, _rtp(w, p), source="10.99.0.3")),
    ("comes from 02:00:00:99:00:03", lambda w, p: _changed(p, _rtp(w, p), source_mac="02:00:00:99:00:03")),
    ("is a reset", lambda w, p: _changed(p, _control(p), flags=wire.RST)),
    ("a hole", lambda w, p: _without(p, _control(p))),
    ("has a timestamp that goes back", lambda w, p: _stamped(p, _control(p), 0)),
    ("lacks its timestamp", lambda w, p: _changed(p, _control(p), options={})),
    ("has a wrong", lambda w, p: _changed(p, _control(p), faults=["wrong TCP or UDP checksum"])),
    ("Session ids", lambda w, p: _bytes_changed(
        p, _control(p), p[_control(p)].payload.index(b"Session: ") + 9, b"????????")),
    ("have the answers", lambda w, p: _bytes_changed(p, _control(p), p[_control(p)].payload.index(b"CSeq: ") + 6, b"9")),
    ("leaves the line", lambda w, p: _bytes_changed(p, _report(w, p, 1), 18, b"\0\0")),
    ("the counts fall", lambda w, p: _bytes_changed(p, _report(w, p, 0), 20, b"\0\xff\0\0")),
)
CHANGES_INSIDE = (
    ("a hole", lambda w, p: _without(p, _frame(p))),
    ("RTP H264: sequence number", lambda w, p: _bytes_changed(p, _frame(p), 4 + 2, b"??")),
    ("RTP H264: ssrc", lambda w, p: _bytes_changed(p, _frame(p), 4 + 8, b"????")),
    ("has timestamp", lambda w, p: _bytes_changed(p, _frame(p), 4 + 7, bytes([p[_frame(p)].payload[4 + 7] ^ 1]))),
    ("1 lost, 1 unknown", lambda w, p: _bytes_changed(p, _frame(p), 40, b"????")),
    ("which nobody set up", lambda w, p: _bytes_changed(p, _frame(p), 1, b"?")),
    ("no whole message or frame", lambda w, p: _bytes_changed(p, _frame(p), 2, b"\xff\xff")),
    ("is a reset", lambda w, p: _changed(p, _frame(p), flags=wire.RST)),
    ("has a timestamp that goes back", lambda w, p: _stamped(p, _frame(p), 0)),
)


def players_can_complain(case):
    """Both players notice that a packet in fifty is missing."""
    for name in player.OVER_UDP:
        with case.lab(SECONDS, switch="bridge") as lab:
            lab.warm(["a"], "half")
            clean = play(lab, "half", case.directory, client=name).frames
            # Not the BYE: FFmpeg waits for it as long as anybody waits for FFmpeg.
            netns.lose(lab.namespace("bridge"), "a", LOSS_PERCENT, which="udp length > 200")
            done = play(lab, "half", case.directory, client=name)
        expect(player.compare(done.client, done.frames, clean), f"{name} played the same frames in spite of losses")
        expect(player.tally(done.frames, clean)["lost"] > 0, f"{name} lost no frame in spite of losses")
        if name == "rtspsrc":
            expect(any("packet lost" in fault for fault in done.client.faults()), "rtspsrc did not hear of a loss")


CASES = [contract_can_break, contract_can_break_inside, players_can_complain]
