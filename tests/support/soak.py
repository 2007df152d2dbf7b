"""Many failovers in a row, for figures: how many held the contract, and how long they took."""

import argparse
import json
import os
import pathlib
import random
import sys

from support import movies, shell
from support.failover import KILLS, TIMES, fail_over
from support.lab import Lab
from support.playback import baseline
from support.results import median_and_worst, side_by_side

EXAMPLES = """\
examples:
  scripts/soak kills 100                    25 of each: process killed or host cut off, movie half or two
  scripts/soak kills 40 --cold              the second server has never played before
  scripts/soak kills 100 --json kills.json  every run as JSON
"""


def parse():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills",))
    parser.add_argument("count", type=int, help="how many failovers")
    parser.add_argument("--cold", action="store_true", help="do not warm the second server up")
    parser.add_argument("--seconds", type=int, default=12, help="length of the movies (12)")
    parser.add_argument("--jobs", type=int, default=2, help="labs side by side (2)")
    parser.add_argument("--seed", type=int, default=1, help="for the positions at which servers die (1)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every run's figures")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("/tmp/midstream-soak"),
                        help="where captures of runs that broke the contract stay")
    return parser.parse_args()


def main():
    arguments = parse()
    if os.geteuid() != 0:
        sys.exit("soak: network namespaces need root")
    shell.exit_on_terminate()
    expected = {movie: baseline(movie, arguments.seconds) for movie in movies.NAMES}
    runs = []

    def done(plan, outcome):
        runs.append({**plan, **outcome})
        print(line(runs[-1]), flush=True)

    side_by_side(lambda instance, plan: kill_once(instance, plan, arguments, expected),
                 plans(arguments), arguments.jobs, "soak", done)
    print_table(runs)
    if arguments.json:
        arguments.json.write_text(json.dumps({"cold": arguments.cold, "runs": runs}, indent=1) + "\n")
    sys.exit(any(run["violations"] for run in runs))


def plans(arguments):
    """Every kind of kill with every movie in turn; positions anywhere but at the very ends."""
    chance = random.Random(arguments.seed)
    kinds = [(movie, kill) for kill in sorted(KILLS, reverse=True) for movie in movies.NAMES]
    for number in range(arguments.count):
        movie, kill = kinds[number % len(kinds)]
        yield {"number": number, "movie": movie, "kill": kill,
               "at_s": round(chance.uniform(1.0, arguments.seconds - 4.0), 3)}


def kill_once(instance, plan, arguments, expected):
    directory = arguments.output / f"{plan['number']:04d}-{plan['kill']}-{plan['movie']}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with Lab(instance, arguments.seconds, keep_log=directory) as lab:
            lab.warm(["a"] if arguments.cold else ["a", "b"], plan["movie"])
            failover = fail_over(lab, plan["movie"], plan["kill"], plan["at_s"], directory)
            outcome = figures(failover, expected[plan["movie"]])
    except shell.Failure as failure:
        return {"violations": [str(failure)], "gap_ms": None, **dict.fromkeys(TIMES)}
    if not outcome["violations"]:
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
    verdict = "held" if not run["violations"] else "BROKEN: " + "; ".join(run["violations"])
    gap = "-" if run["gap_ms"] is None else f"{run['gap_ms']:.1f} ms"
    return f"{run['number']:4} {run['kill']:<8} {run['movie']:<5} at {run['at_s']:6.3f} s  gap {gap:>10}  {verdict}"


def print_table(runs):
    columns = ("detection", "establishment", "catch-up", "media gap", "gap in capture")
    print(f"\n{'':<15} {'held':>9}" + "".join(f"{name:>20}" for name in columns))
    print(f"{'':<15} {'':>9}" + f"{'median / worst ms':>20}" * len(columns))
    for kill in sorted(KILLS, reverse=True):
        for movie in movies.NAMES:
            some = [run for run in runs if (run["kill"], run["movie"]) == (kill, movie)]
            if some:
                print(f"{kill + ' ' + movie:<15} " + row(some))
    print(f"{'all':<15} " + row(runs))


def row(runs):
    held = f"{sum(not run['violations'] for run in runs)}/{len(runs)}"
    return f"{held:>9}" + "".join(f"{pair([run[name] for run in runs]):>20}" for name in (*TIMES, "gap_ms"))


def pair(values):
    middle, worst = median_and_worst(values)
    return "-" if middle is None else f"{middle:.1f} / {worst:.1f}"


if __name__ == "__main__":
    main()
