"""A server dies in the middle of a movie, and the player must not notice: the whole matrix."""

from e2e.case import expect_none
from support.failover import KILLS, Death, fail_over
from support.playback import baseline
from support.player import INSIDE, OVER_UDP

# Not at a key frame: what lies between it and the position must be dropped, and only that.
POSITIONS_S = {"half": 5.3, "two": 5.1}
MODES = ("transparent", "virtual")


def _case(mode, kill, client, movie, version=4):
    def run(case):
        expected = baseline(movie, case.seconds, client, case.instance)
        with case.lab(mode=mode, version=version) as lab:
            lab.warm(["a", "b"], movie)
            failover = fail_over(lab, movie, [Death("a", kill, POSITIONS_S[movie])], case.directory, client=client)
            found = failover.violations(expected)
        expect_none(found)
        return f"gap {failover.gap_ms():.1f} ms"
    run.__name__ = "_".join(("failover", mode, kill, client, movie, *(["ipv6"] if version == 6 else [])))
    return run


CASES = [_case(mode, kill, client, movie)
         for mode in MODES for kill in KILLS for client in OVER_UDP for movie in POSITIONS_S]
CASES += [_case("transparent", "cut", "ffmpeg", "two", 6), _case("virtual", "sigkill", "rtspsrc", "half", 6)]
CASES += [_case(mode, kill, client, movie)
          for mode in MODES for kill in KILLS for client in INSIDE for movie in POSITIONS_S
          if kill != "sigterm" or movie == "half"]
