"""Many failovers in a row, for figures.

kills: how many held the contract, and how long they took. throughput: how fast media inside the connection gets
through before and after.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import statistics
import sys

from support import shell, throughput
from support.failover import KILLS, TIMES, Death, fail_over
from support.lab import Lab
from support.playback import baseline
from support.player import PLAYERS
from support.results import side_by_side

EXAMPLES = """\
examples:
  scripts/soak kills 64                     every cell of the matrix twice
  scripts/soak kills 40 --mode transparent --kill cut --player rtspsrc
  scripts/soak kills 300 --jobs 4 --json kills.json
  scripts/soak throughput 6
"""
MODES, MOVIES, STATES = ("transparent", "virtual"), ("half", "two"), ("warm", "cold")
AXES = {"mode": MODES, "kill": tuple(KILLS), "player": tuple(PLAYERS), "movie": MOVIES, "state": STATES}
RETURN_S = 7.0                      # of the movie behind a kill: the failover, and a process that goes on after 5 s


def parse():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "throughput"))
    parser.add_argument("count", type=int, help="how many failovers; of throughput: sessions in each mode")
    for axis, values in AXES.items():
        parser.add_argument(f"--{axis}", choices=values, help="only this one")
    parser.add_argument("--seconds", type=int, default=14, help="length of the movies (14)")
    parser.add_argument("--jobs", type=int, default=5, help="labs side by side (5)")
    parser.add_argument("--seed", type=int, default=1, help="for the positions at which servers die (1)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every run's figures")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("/tmp/midstream-soak"),
                        help="where captures, logs and events of runs that broke the contract stay")
    return parser.parse_args()


def main():
    arguments = parse()
    if os.geteuid() != 0:
        sys.exit("soak: network namespaces need root")
    shell.exit_on_terminate()
    if arguments.what == "throughput":
        measure_throughput(arguments)
    else:
        kill(arguments)


def measure_throughput(arguments):
    """One session at a time: what is measured is the machine's."""
    for mode in (arguments.mode,) if arguments.mode else MODES:
        with Lab("soak0", arguments.seconds, mode=mode, servers=throughput.SERVERS) as lab:
            results = []
            for _ in range(arguments.count):
                results.append(throughput.measure(lab))
                print(f"{mode:<11} {results[-1]}", flush=True)
            print(f"{mode:<11} median ratio {statistics.median(result.ratio for result in results):.2f}", flush=True)


def kill(arguments):
    runs = []

    def done(plan, outcome):
        runs.append({**plan, **outcome})
        print(line(runs[-1]), flush=True)

    side_by_side(lambda instance, plan: kill_once(instance, plan, arguments),
                 plans(arguments), arguments.jobs, "soak", done)
    print_table(runs)
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1) + "\n")
    sys.exit(any(run["violations"] for run in runs))


def plans(arguments):
    """Every cell of the matrix in turn, in an order of the seed's; positions anywhere but at the very ends."""
    chance = random.Random(arguments.seed)
    chosen = [(getattr(arguments, axis),) if getattr(arguments, axis) else values for axis, values in AXES.items()]
    cells = [dict(zip(AXES, cell)) for cell in itertools.product(*chosen)]
    chance.shuffle(cells)
    for number in range(arguments.count):
        yield {"number": number, **cells[number % len(cells)],
               "at_s": round(chance.uniform(1.0, arguments.seconds - RETURN_S), 3)}


def kill_once(instance, plan, arguments):
    directory = arguments.output / "-".join([f"{plan['number']:04d}", *(plan[axis] for axis in AXES)])
    try:
        directory.mkdir(parents=True, exist_ok=True)
        expected = baseline(plan["movie"], arguments.seconds, plan["player"], instance)
        with Lab(instance, arguments.seconds, mode=plan["mode"], keep_log=directory) as lab:
            lab.warm(["a", "b"] if plan["state"] == "warm" else ["a"], plan["movie"])
            failover = fail_over(lab, plan["movie"], [Death("a", plan["kill"], plan["at_s"])], directory,
                                 client=plan["player"])
            outcome = figures(failover, expected)
    except (shell.Failure, AssertionError) as failure:      # the latter from our own RTSP client
        outcome = {"violations": [str(failure)], "events": [], "gap_ms": None, **dict.fromkeys(TIMES)}
    if outcome["violations"]:
        (directory / "run.json").write_text(json.dumps({**plan, **outcome}, indent=1) + "\n")
        return {**outcome, "directory": str(directory)}
    discard(directory)
    return outcome


def figures(failover, expected):
    event = failover.events[0] if failover.events else dict.fromkeys(TIMES)
    return {"violations": failover.violations(expected), "events": failover.events,
            "gap_ms": failover.gap_ms(), **{name: event[name] for name in TIMES}}


def discard(directory):
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()


def line(run):
    verdict = "held" if not run["violations"] else f"BROKEN ({run['directory']}): " + "; ".join(run["violations"])
    gap = "-" if run["gap_ms"] is None else f"{run['gap_ms']:.1f} ms"
    cell = " ".join(f"{run[axis]:<{max(map(len, values))}}" for axis, values in AXES.items())
    return f"{run['number']:4} {cell} at {run['at_s']:6.3f} s  gap {gap:>10}  {verdict}"


def print_table(runs):
    columns = ("detection", "establishment", "catch-up", "media gap", "gap in capture")
    print(f"\n{'':<13} {'held':>9}" + "".join(f"{name:>26}" for name in columns))
    print(f"{'':<13} {'':>9}" + f"{'median / 90 % / max ms':>26}" * len(columns))
    for kill in KILLS:
        for state in STATES:
            some = [run for run in runs if (run["kill"], run["state"]) == (kill, state)]
            if some:
                print(f"{kill + ' ' + state:<13} " + row(some))
    print(f"{'all':<13} " + row(runs))


def row(runs):
    held = f"{sum(not run['violations'] for run in runs)}/{len(runs)}"
    return f"{held:>9}" + "".join(f"{spread([run[name] for run in runs]):>26}" for name in (*TIMES, "gap_ms"))


def spread(values):
    """Median, nine of ten, and the worst."""
    values = sorted(value for value in values if value is not None)
    if not values:
        return "-"
    ninth = values[min(len(values) - 1, int(0.9 * len(values)))]
    return f"{statistics.median(values):.1f} / {ninth:.1f} / {values[-1]:.1f}"


if __name__ == "__main__":
    main()
