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
PLAYING = "playing"                 # whichever server does
ITSELF, PREVIOUS, NOBODY = "itself", "previous", "nobody"
TIMES = ("detection_ms", "establishment_ms", "catch_up_ms", "media_gap_ms")


@dataclass
class Death:
    """One server's end in a run."""
    server: str
    kill: str
    position_s: float
    comes_back: str = ITSELF        # behind the failover: itself, or at once the PREVIOUS one to die, or NOBODY


@dataclass
class Failover:
    """Kills servers at positions; to be run meanwhile."""
    lab: labs.Lab
    deaths: list
    tick: object = lambda watch: None       # called all the while, with the watch
    leave_at_s: float = None                # where the player is told to stop; without it, it plays to the end
    moment_ns: int = 0                      # of the first death
    killed_at_s: float = 0.0
    dead: list = field(default_factory=list)        # the servers' names, in the order of deaths
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
            name = self._playing_server() if death.server == PLAYING else death.server
            moment, at = KILLS[death.kill].kill(self.lab, name), playing.position()
            self.dead.append(name)
            if number == 0:
                self.moment_ns, self.killed_at_s = moment, at
            self._see_through(playing, number + 1)
            if death.comes_back == ITSELF:
                playing.wait_for_position(playing.position() + KILLS[death.kill].after_s, self.tick)
                self._come_back(playing, number)
            elif death.comes_back == PREVIOUS:
                self._come_back(playing, number - 1)

    def _playing_server(self):
        return self.lab.midstream.ask("sessions")[0]["server"]

    def _come_back(self, playing, number):
        """Whom the death of this number befell; if others are to die, it must be ready to play."""
        name = self.dead[number]
        KILLS[self.deaths[number].kill].come_back(self.lab, name)
        if len(self.dead) < len(self.deaths):
            playing.wait(lambda: self._is_up(name), f"the switch to find server {name} up", tick=self.tick)

    def _is_up(self, name):
        return any((row["name"], row["state"]) == (name, "up") for row in self.lab.midstream.ask("servers"))

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
        for event, dead, successor in zip(self.events, self.dead, [*self.dead[1:], None]):
            moved = f"events: {event['server_from']} -> {event['server_to']}: {event['outcome']}"
            if event["outcome"] != "resumed" or event["server_from"] != dead \
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
        dead = self.dead[0]
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
