"""The demonstration: a movie plays, its server dies, the movie goes on. scripts/demo starts it."""

import argparse
import os
import pathlib
import shutil
import sys
import time

from support import movies, picture, player, shell
from support.failover import KILLS, Death, fail_over
from support.lab import SERVERS, Lab
from support.playback import baseline

EXAMPLES = """\
examples:
  scripts/demo                          kill the process of the server that plays
  scripts/demo --kill cut --movie two   cut its host off; key frames two seconds apart
  scripts/demo --keep                   leave the lab standing, to look around with scripts/lab
"""
INSTANCE = "demo"


def parse():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movie", choices=("half", "two"), default="half",
                        help="half: key frames half a second apart; two: two seconds, with B-frames (half)")
    parser.add_argument("--kill", choices=sorted(KILLS), default="sigkill", help="how the server dies (sigkill)")
    parser.add_argument("--seconds", type=int, default=30, help="length of the movie (30)")
    parser.add_argument("--at", type=float, help="position in the movie at which it dies (a third)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("/tmp/midstream-demo"),
                        help="where picture, capture and logs go (/tmp/midstream-demo)")
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end")
    arguments = parser.parse_args()
    if arguments.seconds < 8:
        parser.error("--seconds: at least 8, so that there is something before and after the failure")
    if arguments.at is None:
        arguments.at = arguments.seconds / 3
    return arguments


def main():
    arguments = parse()
    if os.geteuid() != 0:
        sys.exit("demo: network namespaces need root")
    shell.exit_on_terminate()
    lab = Lab(INSTANCE, arguments.seconds)
    try:
        sys.exit(show(lab, arguments))
    except shell.Failure as failure:
        sys.exit(f"demo: {failure}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
    finally:
        finish(lab, arguments.keep)


def finish(lab, keep):
    if keep and lab.is_up():
        print(f"the lab is still up: scripts/lab --instance {INSTANCE} status | ctl events | down")
    else:
        lab.down()


def show(lab, arguments):
    print("measuring a run without a failure, to compare with (kept for the next time) ...", flush=True)
    expected = baseline(arguments.movie, arguments.seconds)
    print("starting the lab: a client, servers a, b and c, and midstream between them ...", flush=True)
    lab.up()
    lab.warm(SERVERS, arguments.movie)
    print(f"FFmpeg plays {lab.url(arguments.movie)}, {arguments.seconds} s; "
          f"at {arguments.at:.1f} s server a fails: {KILLS[arguments.kill].says}", flush=True)
    status = StatusLine(lab)
    failover = fail_over(lab, arguments.movie, [Death("a", arguments.kill, arguments.at)], arguments.output,
                         status.tick)
    status.end()
    shutil.copy(lab.midstream.process.log, arguments.output)
    return report(failover, expected, arguments)


class StatusLine:
    """One line that is written over while the movie plays; without a terminal, a line every two seconds."""

    def __init__(self, lab):
        self._lab = lab
        self._terminal = sys.stdout.isatty()
        self._next = 0.0

    def tick(self, _watch):
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (0.2 if self._terminal else 2.0)
        text = self._text()
        print(f"\r\033[K  {text}" if self._terminal else f"  {text}", end="" if self._terminal else "\n", flush=True)

    def end(self):
        if self._terminal:
            print("\r\033[K", end="")

    def _text(self):
        """What the switch says, not what we know."""
        streams = self._lab.midstream.ask("streams")
        sessions = self._lab.midstream.ask("sessions")
        if not streams or not sessions:
            return "no session"
        places = "  ".join(f"{row['encoding']} {row['position_s'] or 0:7.3f} s" for row in streams)
        rate = sum(row["bps"] or 0 for row in streams) / 1000
        return f"{places}  {rate:6.0f} kbit/s  server {sessions[0]['server']}  {sessions[0]['state']}"


def report(failover, expected, arguments):
    violations = failover.violations(expected)
    print("\nWhat happened")
    print(f"  at {failover.killed_at_s:.3f} s of the movie server a failed: {KILLS[arguments.kill].says}")
    for event in failover.events:
        print_event(event, failover.gap_ms())
    counts = player.tally(failover.run.frames, expected["frames"])
    print(f"  frames            {counts['expected']} expected, {counts['received']} received, "
          f"{counts['lost']} lost, {counts['repeated']} repeated")
    print("  contract          " + ("held: the client cannot have noticed" if not violations else "broken:"))
    for violation in violations:
        print(f"    {violation}")
    if failover.events and failover.gap():
        print(f"  picture           {write_picture(failover, arguments)}")
    return 1 if violations else 0


def print_event(event, gap_ms):
    def row(name, value, meaning=""):
        print(f"  {name:<17} {'-' if value is None else f'{value:.1f} ms':<12} {meaning}".rstrip())
    print(f"  cause             {event['cause']}")
    print(f"  moved             {event['server_from']} -> {event['server_to'] or 'nobody'}: {event['outcome']}")
    row("detection", event["detection_ms"], "last sign of a to the event")
    row("establishment", event["establishment_ms"], "event to b's answer to PLAY")
    row("catch-up", event["catch_up_ms"], "answer to b's first new packet")
    measured = "" if gap_ms is None else f"; {gap_ms:.1f} ms in the client's capture"
    row("media gap", event["media_gap_ms"], f"a's last packet to b's first{measured}")
    for stream in event["streams"]:
        print(f"  {stream['encoding']:<17} failed at {_seconds(stream['position_s'])} "
              f"(known by {stream['position_source']}), resumed from {_seconds(stream['resume_s'])}; "
              f"cut by {stream['cut']}, {stream['dropped_packets']} packets dropped as delivered already")


def _seconds(value):
    return "-" if value is None else f"{value:.3f} s"


def write_picture(failover, arguments):
    file = arguments.output / "failover.svg"
    title = f"Midstream: movie “{arguments.movie}”, server a fails: {KILLS[arguments.kill].says}"
    file.write_text(picture.draw(title, failover.run.watch.samples, failover.gap(), failover.events[0]))
    return file


if __name__ == "__main__":
    main()
