"""A server of one kind takes over from one of another: their messages, packets and habits differ, the movie does not.

The servers are those of the scenario tests, as processes. Where the second one can go on at the first one's
place, rtspsrc's access units are compared, since every kind of server cuts them into packets of its own.
"""

import collections
import itertools
import threading

from e2e.case import expect_none
from support import player
from support.failover import Death, fail_over
from support.lab import Lab, Scripted
from support.playback import play

SECONDS = 9
# And the sizes of their packets.
KINDS = {"gst": 1400, "live555": 1448, "live555-indexed": 1448, "live555-raw": 1448, "gortsplib": 1460}
NOT_SEEKABLE = {"live555-raw", "gortsplib"}
LIVE = {"gortsplib"}
POSITION_S = 3.3
LEAVE_AT_S = 8.5                    # live555 says nothing at the end of what has a known one
# Without a place in common each stream goes on a frame behind its last: they agree within a frame.
FRAME_S = 1 / 24

_clean = {}                         # by kind: what a run without a failure shows
_measuring = collections.defaultdict(threading.Lock)    # cases run side by side


def _leave(playing):
    playing.wait_for_position(LEAVE_AT_S)
    playing.client.tell("stop")


def _servers(first, second):
    return {name: Scripted(kind, packet_bytes=KINDS[kind])
            for name, kind in (("a", first), ("b", second), ("c", second))}


def _frames_without_failure(case, kind):
    with _measuring[kind]:
        if kind not in _clean:
            with Lab(f"{case.instance}-base", SECONDS, switch="bridge", servers=_servers(kind, kind)) as lab:
                clean = play(lab, "half", case.directory / "clean", _leave, client="rtspsrc")
            expect_none(clean.player_violations())
            _clean[kind] = clean.frames
    return _clean[kind]


def _case(first, second):
    def run(case):
        common = first not in LIVE and second not in NOT_SEEKABLE
        expected = _frames_without_failure(case, first) if common else None
        with case.lab(SECONDS, servers=_servers(first, second)) as lab:
            failover = fail_over(lab, "half", [Death("a", "cut", POSITION_S)], case.directory, client="rtspsrc",
                                 leave_at_s=LEAVE_AT_S)
        done = failover.run
        allowed = {} if common else {"tolerance_s": FRAME_S}
        found = done.contract_violations(**allowed) + done.player_violations() + failover.event_violations()
        if common:
            found += player.compare(done.client, *_from_the_same(done.frames, expected))
        expect_none(found)
        return f"gap {failover.gap_ms():.1f} ms"
    run.__name__ = f"pair_{first}_to_{second}".replace("-", "_")
    return run


def _from_the_same(ours, theirs):
    """live555 sends before it answers PLAY, and rtspsrc may or may not be ready for the very first picture."""
    starts = [max(one[0][0], other[0][0]) for one, other in zip(ours, theirs)]
    return [[[frame for frame in frames if frame[0] >= start] for frames, start in zip(streams, starts)]
            for streams in (ours, theirs)]


# Neighbours begin with different kinds: they do not wait for each other's run without a failure.
CASES = [_case(first, second) for second, first in itertools.product(KINDS, repeat=2)]
