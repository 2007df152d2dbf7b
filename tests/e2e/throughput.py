"""As much media gets through a connection after a failover as before it."""

import statistics

from e2e.case import expect
from support import throughput

LEAST_RATIO = 0.8
SESSIONS = 3                        # their median: other work of the machine comes and goes
MODES = ("transparent", "virtual")


def _case(mode):
    def run(case):
        with case.lab(mode=mode, servers=throughput.SERVERS) as lab:
            results = [throughput.measure(lab) for _ in range(SESSIONS)]
        outcomes = [event["outcome"] for result in results for event in result.events]
        expect(outcomes == ["resumed"] * SESSIONS, f"events: {outcomes}")
        said = ", ".join(map(str, results))
        expect(statistics.median(result.ratio for result in results) >= LEAST_RATIO, said)
        return said
    run.__name__ = f"throughput_{mode}"
    return run


CASES = [_case(mode) for mode in MODES]
