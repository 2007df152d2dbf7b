"""A client that is slow to read what comes inside its connection: its window is small, or shut when a server dies."""

import itertools
import signal
import time

from e2e.case import expect, expect_none
from support import netns
from support.failover import KILLS
from support.playback import baseline, play

# How much the client's kernel takes from a server: a second of a movie, and less than a key frame.
MODEST, SMALL = "net.ipv4.tcp_rmem=4096 131072 131072", "net.ipv4.tcp_rmem=4096 16384 16384"
# Linux shifts its windows by 7 to 10, as its host's memory goes; with these by none, and by the most there is.
NOT_SCALED, SCALED_MOST = "net.ipv4.tcp_window_scaling=0", "net.ipv4.tcp_rmem=4096 131072 1073741824"
POSITIONS_S = (2.1, 5.6)
SHUT_FOR_S = 3                      # longer than the heartbeats' limit and any silence


def _shut(playing):
    """The player stops reading, and what comes fills its window."""
    playing.client.process.send(signal.SIGSTOP)
    playing.wait(lambda: playing.watch.window == 0, "the client's window to be shut")


def _read_on(playing):
    playing.client.process.send(signal.SIGCONT)


def _server_of(lab):
    return [row["server"] for row in lab.midstream.ask("sessions")]


def _case(name, mode, kills, player, movie, **tuning):
    """Servers a, b, c die in this order while the window is shut; the client reads on when the next one plays."""
    def run(case):
        expected = baseline(movie, case.seconds, player, case.instance)
        with case.lab(mode=mode) as lab:
            for role, setting in tuning.items():
                netns.tune(lab.namespace(role), setting)
            lab.warm("abc", movie)
            done = play(lab, movie, case.directory, _deaths(lab, kills), player)
            events = lab.midstream.ask("events")
        expect_none(done.violations(expected))
        moves = [(event["server_from"], event["server_to"], event["outcome"]) for event in events]
        expect(moves == [(*pair, "resumed") for pair in itertools.pairwise("abc"[:len(kills) + 1])], f"events: {moves}")
    run.__name__ = "_".join(("window", name, mode, *kills, player, movie))
    return run


def _deaths(lab, kills):
    def script(playing):
        for number, (kill, position) in enumerate(zip(kills, POSITIONS_S)):
            playing.wait_for_position(position)
            _shut(playing)
            KILLS[kill].kill(lab, "abc"[number])
            successor = "abc"[number + 1]
            playing.wait(lambda: _server_of(lab) == [successor], f"server {successor} to take over")
            _read_on(playing)
            playing.wait(lambda: len(lab.midstream.ask("events")) > number, f"event {number + 1}")
    return script


def window_shut_quiet(case):
    """The server lives, and the client does not read for a while: nothing is reported, nothing is lost."""
    expected = baseline("half", case.seconds, "ffmpeg_inside", case.instance)

    def script(playing):
        playing.wait_for_position(POSITIONS_S[0])
        _shut(playing)
        until = time.monotonic() + SHUT_FOR_S
        playing.wait(lambda: time.monotonic() > until, "the client to have been shut for long")
        _read_on(playing)
    with case.lab() as lab:
        netns.tune(lab.namespace("client"), MODEST)
        done = play(lab, "half", case.directory, script, "ffmpeg_inside")
        events = lab.midstream.ask("events")
    expect_none(done.violations(expected))
    expect(events == [], f"reported without a failure: {events}")


CASES = [
    _case("small", "virtual", ("sigkill", "cut"), "ffmpeg_inside", "half", client=SMALL),
    _case("small", "transparent", ("sigstop", "sigterm"), "rtspsrc_inside", "two", client=SMALL),
    _case("scaled", "transparent", ("sigkill", "cut"), "ffmpeg_inside", "two",
          client=MODEST, b=NOT_SCALED, c=SCALED_MOST),
    _case("scaled", "virtual", ("cut", "sigstop"), "rtspsrc_inside", "half",
          client=MODEST, a=NOT_SCALED, b=SCALED_MOST),
    window_shut_quiet,
]
