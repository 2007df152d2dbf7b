"""A failover: the server that plays dies, and what the client, and the switch, say of it.

When it dies is a position in the movie at the client, not a time. A host that
was cut off comes back while the new server plays, with all that it still wants
to send; a stopped process goes on where it was; a killed one is started again:
none of them may be heard by the client.
"""

import shutil
import time
from dataclasses import dataclass, field

from support import lab as labs
from support.capture import Capture
from support.playback import Run, play
from support.watch import CLOCK_RATES, Watch


@dataclass(frozen=True)
class Kind:
    """How a server dies, and how it comes back."""
    kill: object
    come_back: object
    after_s: float                  # of the movie, behind the failover
    says: str


KILLS = {
    "sigkill": Kind(labs.Lab.kill_server, labs.Lab.start_server, 1.0, "its process is killed (SIGKILL)"),
    "sigterm": Kind(labs.Lab.terminate_server, labs.Lab.start_server, 1.0, "its process is asked to end (SIGTERM)"),
    "cut": Kind(labs.Lab.cut_off, labs.Lab.reconnect, 1.0, "its host is cut off"),
    "sigstop": Kind(labs.Lab.stop_server, labs.Lab.continue_server, 5.0, "its process stops (SIGSTOP)"),
}
EVENT_WITHIN_S = 15.0               # give_up_ms is 10 s
GAP_TOLERANCE_MS = 20.0             # what scheduling may put between the switch's clock and the capture's
TIMES = ("detection_ms", "establishment_ms", "catch_up_ms", "media_gap_ms")


@dataclass
class Death:
    """One server's end in a run."""
    server: str
    kill: str
    position_s: float
    comes_back: bool = True


@dataclass
class Failover:
    """Kills servers at positions; to be run meanwhile."""
    lab: labs.Lab
    deaths: list
    tick: object = lambda watch: None       # called all the while, with the watch
    leave_at_s: float = None                # where the player is told to stop; without it, it plays to the end
    moment_ns: int = 0                      # of the first death
    killed_at_s: float = 0.0
    events: list = field(default_factory=list)
    run: Run = None
    sends: dict = field(default_factory=dict)       # payload -> [(time_ns, server)], seen on the server side

    def __call__(self, playing):
        self._see_all(playing)
        if self.leave_at_s is not None:
            playing.wait_for_position(self.leave_at_s, self.tick)
            playing.client.tell("stop")
        self._to_the_end(playing)
        self.events = self.lab.midstream.ask("events")

    def _see_all(self, playing):
        """Every death, what follows it, and every return."""
        for number, death in enumerate(self.deaths):
            playing.wait_for_position(death.position_s, self.tick)
            moment, at = KILLS[death.kill].kill(self.lab, death.server), playing.position()
            if number == 0:
                self.moment_ns, self.killed_at_s = moment, at
            self._see_through(playing, number + 1)
            if death.comes_back:
                kind = KILLS[death.kill]
                resumed = playing.position()
                playing.wait_for_position(resumed + kind.after_s, self.tick)
                kind.come_back(self.lab, death.server)

    def _see_through(self, playing, count):
        """Until the switch says how it went, and media goes on."""
        def told():
            self.events = self.lab.midstream.ask("events")
            return len(self.events) >= count
        playing.wait(told, f"event {count}", EVENT_WITHIN_S, self.tick)

    def _to_the_end(self, playing):
        deadline = time.monotonic() + self.lab.seconds + EVENT_WITHIN_S
        while playing.client.plays() and time.monotonic() < deadline:
            playing.watch.look()
            self.tick(playing.watch)
            time.sleep(0.01)

    def violations(self, expected):
        """What broke the contract, and what the switch's own record of it lacks."""
        return self.run.violations(expected) + self.event_violations()

    def event_violations(self):
        if len(self.events) != len(self.deaths):
            return [f"events: {len(self.events)} instead of {len(self.deaths)}"]
        found = []
        successors = [death.server for death in self.deaths[1:]] + [None]
        for event, death, successor in zip(self.events, self.deaths, successors):
            moved = f"events: {event['server_from']} -> {event['server_to']}: {event['outcome']}"
            if event["outcome"] != "resumed" or event["server_from"] != death.server \
                    or successor not in (None, event["server_to"]):
                found.append(moved)
            absent = [name for name in TIMES if event[name] is None]
            if absent:
                found.append(f"events: no {', '.join(absent)}")
        if not found and not self._gap_is_told(self.events[0]["media_gap_ms"]):
            found.append(f"events: the media gap is said to be {self.events[0]['media_gap_ms']:.1f} ms, "
                         f"the client saw {self.gap_ms()} ms")
        return found

    def gap(self, kinds=tuple(CLOCK_RATES)):
        """The samples on both sides of the first failover: a's last packet and b's first, at the client."""
        samples = [sample for sample in self.run.watch.samples if sample.kind in kinds]
        dead = self.deaths[0].server
        first = next((n for n, sample in enumerate(samples) if self._sender(sample) not in (dead, None)), 0)
        return (samples[first - 1], samples[first]) if first else None

    def _sender(self, sample):
        """Whose packet this is: the last one that sent this payload before it arrived."""
        sends = [send for send in self.sends.get(sample.payload, ()) if send[0] <= sample.time_ns]
        return max(sends)[1] if sends else None

    def gap_ms(self, *kinds):
        gap = self.gap(*kinds)
        return (gap[1].time_ns - gap[0].time_ns) / 1e6 if gap else None

    def _gap_is_told(self, told_ms):
        """What the switch says lies between the gap of the session and the longest of its streams."""
        gaps = [self.gap_ms(), *(self.gap_ms((kind,)) for kind in CLOCK_RATES)]
        return None not in gaps and min(gaps) - GAP_TOLERANCE_MS <= told_ms <= max(gaps) + GAP_TOLERANCE_MS


def fail_over(lab, movie, deaths, directory, tick=lambda watch: None, client="ffmpeg", user="", leave_at_s=None):
    """Play a movie, with servers failing on the way."""
    failover = Failover(lab, deaths, tick, leave_at_s)
    with Capture(lab.namespace("bridge"), "uplink", lab.directory / "server-side.pcap") as servers:
        failover.run = play(lab, movie, directory, failover, client, user=user)
    for name, address in lab.servers_at.items():
        for sample in Watch(servers.file, address, lab.client).look().samples:
            failover.sends.setdefault(sample.payload, []).append((sample.time_ns, name))
    shutil.copy(servers.file, directory)
    return failover
