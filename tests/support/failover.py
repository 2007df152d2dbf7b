"""A failover: server a dies while it plays, and what the client, and the switch, say of it.

When it dies is a position in the movie at the client, not a time. A host that
was cut off comes back while the new server plays, with all that it still wants
to send; a killed server is started again: neither may be heard by the client.
"""

import shutil
import time
from dataclasses import dataclass, field

from support import lab as labs
from support.capture import Capture
from support.playback import Run, play
from support.shell import Failure
from support.watch import CLOCK_RATES, Watch

KILLS = {"sigkill": labs.Lab.kill_server, "cut": labs.Lab.cut_off}
RETURNS = {"sigkill": labs.Lab.start_server, "cut": labs.Lab.reconnect}
RETURN_AFTER_S = 1.0                # of the movie, behind the failover
EVENT_WITHIN_S = 15.0               # give_up_ms is 10 s
GAP_TOLERANCE_MS = 20.0             # what scheduling may put between the switch's clock and the capture's


@dataclass
class Failover:
    """Kills the server at a position; to be run meanwhile."""
    lab: labs.Lab
    kill: str
    position_s: float
    tick: object = lambda watch: None       # called all the while, with the watch
    moment_ns: int = 0
    killed_at_s: float = 0.0
    events: list = field(default_factory=list)
    run: Run = None
    from_a: list = field(default_factory=list)      # what a sent, seen on the server side

    def __call__(self, watch, ffmpeg):
        self._wait(watch, ffmpeg, lambda: watch.position() >= self.position_s, self.lab.seconds)
        if not ffmpeg.plays():
            raise Failure(f"FFmpeg ended before the position {self.position_s:g} s: {ffmpeg.log()[-500:]}")
        self.killed_at_s = watch.position()
        self.moment_ns = KILLS[self.kill](self.lab, "a")
        self._wait(watch, ffmpeg, self._has_event, EVENT_WITHIN_S)
        resumed = watch.position()
        self._wait(watch, ffmpeg, lambda: watch.position() >= resumed + RETURN_AFTER_S, EVENT_WITHIN_S)
        RETURNS[self.kill](self.lab, "a")
        self._wait(watch, ffmpeg, lambda: False, self.lab.seconds + EVENT_WITHIN_S)
        self.events = self.lab.midstream.ask("events")

    def _has_event(self):
        self.events = self.lab.midstream.ask("events")
        return bool(self.events)

    def _wait(self, watch, ffmpeg, condition, seconds):
        """Until the condition holds, the player has ended, or the time is up: then the analysis judges."""
        deadline = time.monotonic() + seconds
        while not condition() and ffmpeg.plays() and time.monotonic() < deadline:
            watch.look()
            self.tick(watch)
            time.sleep(0.01)

    def violations(self, expected):
        """What broke the contract, and what the switch's own record of it lacks."""
        found = self.run.violations(expected)
        if len(self.events) != 1:
            return found + [f"events: {len(self.events)} instead of one"]
        event = self.events[0]
        if event["outcome"] != "resumed" or event["server_from"] != "a" or event["server_to"] != "b":
            found.append(f"events: {event['server_from']} -> {event['server_to']}: {event['outcome']}")
        absent = [name for name in TIMES if event[name] is None]
        if absent:
            found.append(f"events: no {', '.join(absent)}")
        elif not self._gap_is_told(event["media_gap_ms"]):
            found.append(f"events: the media gap is said to be {event['media_gap_ms']:.1f} ms, "
                         f"the client saw {self.gap_ms()} ms")
        return found

    def gap(self, kinds=tuple(CLOCK_RATES)):
        """The samples on both sides of the failover: a's last packet and b's first, at the client."""
        by_a = {sample.payload for sample in self.from_a}
        samples = [sample for sample in self.run.watch.samples if sample.kind in kinds]
        first = next((n for n, sample in enumerate(samples) if sample.payload not in by_a), 0)
        return (samples[first - 1], samples[first]) if first else None

    def gap_ms(self, *kinds):
        gap = self.gap(*kinds)
        return (gap[1].time_ns - gap[0].time_ns) / 1e6 if gap else None

    def _gap_is_told(self, told_ms):
        """What the switch says lies between the gap of the session and the longest of its streams."""
        gaps = [self.gap_ms(), *(self.gap_ms((kind,)) for kind in CLOCK_RATES)]
        return None not in gaps and min(gaps) - GAP_TOLERANCE_MS <= told_ms <= max(gaps) + GAP_TOLERANCE_MS


TIMES = ("detection_ms", "establishment_ms", "catch_up_ms", "media_gap_ms")


def fail_over(lab, movie, kill, position_s, directory, tick=lambda watch: None):
    """Play a movie, with server a failing at the position."""
    failover = Failover(lab, kill, position_s, tick)
    with Capture(lab.namespace("bridge"), "uplink", lab.directory / "server-side.pcap") as servers:
        failover.run = play(lab, movie, directory, failover)
    failover.from_a = Watch(servers.file).look().samples
    shutil.copy(servers.file, directory)
    return failover
