"""Live sources: two servers send the same programme, each in its own packets, and one of them dies."""

import re

from e2e.case import expect, expect_none
from support.capture import Reader
from support.conversation import Conversation
from support.failover import Death, fail_over
from support.lab import PORT
from support.watch import CLOCK_RATES, VIDEO

# NAL unit types that may begin a picture that needs none before it: an IDR slice, SEI, SPS, PPS and
# the delimiter (ITU-T H.264, table 7-1).
RANDOM_ACCESS = {5, 6, 7, 8, 9}
STAP_A, FU_A = 24, 28               # RFC 6184, sections 5.7.1 and 5.8
DIES_AT_S, LEAVES_AT_S = 4.0, 8.0
CLOCK_TOLERANCE_S = 0.1             # what scheduling puts between the switch's clock and the captures'
SHIFT_TOLERANCE_S = 0.001           # of a tick of each clock


def _case(mode, kill):
    def run(case):
        with case.lab(mode=mode) as lab:
            lab.warm(["a", "b"], "live")
            failover = fail_over(lab, "live", [Death("a", kill, DIES_AT_S)], case.directory, client="rtspsrc",
                                 leave_at_s=LEAVES_AT_S)
            b = _conversation_with(lab.servers_at["b"], lab.client, case.directory / "server-side.pcap")
        expect_none(failover.run.contract_violations() + failover.run.player_violations())
        expect([event["outcome"] for event in failover.events] == ["resumed"], f"events: {failover.events}")
        gaps = {kind: failover.gap((kind,)) for kind in CLOCK_RATES}
        expect(None not in gaps.values(), f"not every stream goes on: {gaps}")
        unit = _nal_type(gaps[VIDEO][1].payload)
        expect(unit in RANDOM_ACCESS, f"b's video begins with a NAL unit of type {unit}")
        _judge_clock(gaps.values(), failover.run.conversation, b)
    run.__name__ = f"live_{mode}_{kill}"
    return run


def _conversation_with(server, client, file):
    return Conversation([p for p in Reader(file).read() if server in (p.source, p.destination)], client, server, PORT)


def _judge_clock(gaps, client, b):
    """Live goes on: for the first stream that does, as much time as went by; and all of them stay together.

    A server's encoders start as they are scheduled, so another stream may come late. By the server's own
    clock, since its PLAY, it is moved as far as the first one.
    """
    before, after = min(gaps, key=lambda gap: gap[1].time_ns)
    elapsed, played = (after.time_ns - before.time_ns) / 1e9, after.position - before.position
    expect(abs(elapsed - played) < CLOCK_TOLERANCE_S,
           f"payload type {after.kind}: {elapsed:.3f} s went by, and timestamps moved by {played:.3f} s")
    shifts = [_time(client, after.kind, after) - _time(b, after.kind, after) for _, after in gaps]
    expect(max(shifts) - min(shifts) < SHIFT_TOLERANCE_S, f"b's streams are moved by {shifts} s")


def _time(conversation, kind, sample):
    """Of the newest packet like the sample, in seconds since PLAY as RTP-Info has it."""
    number, stream = next((n, s) for n, s in enumerate(conversation.streams) if s.rtp[0].payload_type == kind)
    packet = [p for p in stream.rtp if p.payload == sample.payload and p.time_ns <= sample.time_ns][-1]
    answer = next(message for message in conversation.responses if message["rtp-info"])
    start = int(re.findall(r"rtptime=(\d+)", answer["rtp-info"])[number])
    return ((packet.timestamp - start + (1 << 31)) % (1 << 32) - (1 << 31)) / stream.clock_rate


def _nal_type(payload):
    kind = payload[0] & 31
    return payload[3] & 31 if kind == STAP_A else payload[1] & 31 if kind == FU_A else kind


CASES = [_case("transparent", "sigkill"), _case("transparent", "cut"), _case("virtual", "sigkill")]
