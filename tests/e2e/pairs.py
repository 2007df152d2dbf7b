"""A server of one kind takes over from one of another: their messages, packets and habits differ, the movie does not.

The servers are those of the scenario tests, as processes. rtspsrc's access units are compared, since
every kind of server cuts them into packets of its own.
"""

import itertools

from e2e.case import expect_none
from support import player
from support.failover import Death, fail_over
from support.lab import Lab, Scripted
from support.playback import play

SECONDS = 9
KINDS = {"gst": 1400, "live555": 1448}      # and the sizes of their packets
POSITION_S = 3.3
LEAVE_AT_S = 8.5                    # live555 says nothing at the end of what has a known one


def _leave(playing):
    playing.wait_for_position(LEAVE_AT_S)
    playing.client.tell("stop")


def _case(first, second):
    def run(case):
        servers = {name: Scripted(kind, packet_bytes=KINDS[kind])
                   for name, kind in (("a", first), ("b", second), ("c", second))}
        with Lab(f"{case.instance}-base", SECONDS, switch="bridge", servers=servers) as lab:
            clean = play(lab, "half", case.directory / "clean", _leave, client="rtspsrc")
        expect_none(clean.player_violations())
        with case.lab(SECONDS, servers=servers) as lab:
            failover = fail_over(lab, "half", [Death("a", "cut", POSITION_S)], case.directory, client="rtspsrc",
                                 leave_at_s=LEAVE_AT_S)
        done = failover.run
        expect_none(done.contract_violations() + done.player_violations() + failover.event_violations()
                    + player.compare(done.client, *_from_the_same(done.frames, clean.frames)))
        return f"gap {failover.gap_ms():.1f} ms"
    run.__name__ = f"pair_{first}_to_{second}".replace("-", "_")
    return run


def _from_the_same(ours, theirs):
    """live555 sends before it answers PLAY, and rtspsrc may or may not be ready for the very first picture."""
    starts = [max(one[0][0], other[0][0]) for one, other in zip(ours, theirs)]
    return [[[frame for frame in frames if frame[0] >= start] for frames, start in zip(streams, starts)]
            for streams in (ours, theirs)]


CASES = [_case(*pair) for pair in itertools.product(KINDS, repeat=2)]
