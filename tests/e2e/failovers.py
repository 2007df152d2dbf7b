"""A server dies in the middle of a movie, and FFmpeg, which plays it, must not notice."""

from e2e.case import expect_none
from support import movies
from support.failover import KILLS, fail_over
from support.playback import baseline


def _case(kill, movie, position_s):
    def run(case):
        expected = baseline(movie, case.seconds, f"{case.instance}-base")
        with case.lab() as lab:
            lab.warm(["a", "b"], movie)
            failover = fail_over(lab, movie, kill, position_s, case.directory)
            found = failover.violations(expected)
        expect_none(found)
        return f"gap {failover.gap_ms():.1f} ms"
    run.__name__ = f"failover_{kill}_{movie}"
    return run


# Not at a key frame: what lies between it and the position must be dropped, and only that.
POSITIONS_S = {"half": 9.3, "two": 11.1}
CASES = [_case(kill, movie, POSITIONS_S[movie]) for kill in KILLS for movie in movies.NAMES]
