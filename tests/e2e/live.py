"""Live sources: two servers send the same programme, each in its own packets, and one of them dies."""

from e2e.case import expect, expect_none
from support.failover import Death, fail_over
from support.watch import CLOCK_RATES, VIDEO

# NAL unit types that may begin a picture that needs none before it: an IDR slice, SEI, SPS, PPS and
# the delimiter (ITU-T H.264, table 7-1).
RANDOM_ACCESS = {5, 6, 7, 8, 9}
STAP_A, FU_A = 24, 28               # RFC 6184, sections 5.7.1 and 5.8
DIES_AT_S, LEAVES_AT_S = 4.0, 8.0
CLOCK_TOLERANCE_S = 0.1             # an encoder's delay, and a frame


def _case(mode, kill):
    def run(case):
        with case.lab(mode=mode) as lab:
            lab.warm(["a", "b"], "live")
            failover = fail_over(lab, "live", [Death("a", kill, DIES_AT_S)], case.directory, client="rtspsrc",
                                 leave_at_s=LEAVES_AT_S)
        expect_none(failover.run.contract_violations() + failover.run.player_violations())
        expect([event["outcome"] for event in failover.events] == ["resumed"], f"events: {failover.events}")
        for kind in CLOCK_RATES:
            _judge_restart(failover.gap((kind,)), kind)
    run.__name__ = f"live_{mode}_{kill}"
    return run


def _judge_restart(gap, kind):
    expect(gap is not None, f"payload type {kind}: nothing of b came")
    before, after = gap
    expect(kind != VIDEO or _nal_type(after.payload) in RANDOM_ACCESS,
           f"b's video begins with a NAL unit of type {_nal_type(after.payload)}")
    # Live goes on: the clock of the media has moved by as much as everybody's.
    elapsed, played = (after.time_ns - before.time_ns) / 1e9, after.position - before.position
    expect(abs(elapsed - played) < CLOCK_TOLERANCE_S,
           f"payload type {kind}: {elapsed:.3f} s went by, and timestamps moved by {played:.3f} s")


def _nal_type(payload):
    kind = payload[0] & 31
    return payload[3] & 31 if kind == STAP_A else payload[1] & 31 if kind == FU_A else kind


CASES = [_case("transparent", "sigkill"), _case("transparent", "cut"), _case("virtual", "sigkill")]
