"""Live sources: two servers send the same programme, each in its own packets, and one of them dies."""

from e2e.case import expect, expect_none
from support.capture import Capture
from support.failover import Death, Failover
from support.playback import play
from support.watch import CLOCK_RATES, VIDEO, Watch

# NAL unit types that may begin a picture that needs none before it: an IDR slice, SEI, SPS, PPS and
# the delimiter (ITU-T H.264, table 7-1).
RANDOM_ACCESS = {5, 6, 7, 8, 9}
STAP_A, FU_A = 24, 28               # RFC 6184, sections 5.7.1 and 5.8
CLOCK_TOLERANCE_S = 0.1             # an encoder's delay, and a frame


def _case(mode, kill):
    def run(case):
        with case.lab(mode=mode) as lab:
            lab.warm(["a", "b"], "live")
            failover = Failover(lab, [Death("a", kill, 4.0)])
            with Capture(lab.namespace("bridge"), "uplink", case.directory / "server-side.pcap") as servers:
                failover.run = play(lab, "live", case.directory, _and_leave(failover), "rtspsrc")
            of_b = {sample.payload for sample in Watch(servers.file, lab.servers_at["b"], lab.client).look().samples}
        expect_none(failover.run.contract_violations() + failover.run.player_violations())
        expect([event["outcome"] for event in failover.events] == ["resumed"], f"events: {failover.events}")
        for kind in CLOCK_RATES:
            _judge_restart([s for s in failover.run.watch.samples if s.kind == kind], kind, of_b)
    run.__name__ = f"live_{mode}_{kill}"
    return run


def _and_leave(failover):
    def script(playing):
        failover.see(playing)
        resumed = playing.position()
        playing.wait_for_position(resumed + 3)
        playing.client.tell("stop")
    return script


def _judge_restart(samples, kind, of_b):
    first = next((n for n, sample in enumerate(samples) if sample.payload in of_b), 0)
    expect(first > 0, f"payload type {kind}: nothing of b came")
    before, after = samples[first - 1], samples[first]
    expect(kind != VIDEO or _nal_type(after.payload) in RANDOM_ACCESS,
           f"b's video begins with a NAL unit of type {_nal_type(after.payload)}")
    # Live goes on: the clock of the media has moved by as much as everybody's.
    elapsed, played = (after.time_ns - before.time_ns) / 1e9, after.position - before.position
    expect(abs(elapsed - played) < CLOCK_TOLERANCE_S,
           f"payload type {kind}: {elapsed:.3f} s went by, and timestamps moved by {played:.3f} s")


def _nal_type(payload):
    kind = payload[0] & 31
    return payload[3] & 31 if kind == STAP_A else payload[1] & 31 if kind == FU_A else kind


CASES = []
