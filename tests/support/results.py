"""Labs side by side."""

import concurrent.futures

from support.lab import Lab


def side_by_side(work, items, jobs, prefix, done):
    """Run work(instance, item) for every item, `jobs` at a time, each in a lab instance of its own.

    `done(item, result)` is called in the order in which they end. If anything interrupts us,
    every lab is taken down, which ends what still runs in it.
    """
    free = [f"{prefix}{n}" for n in range(jobs)]
    instances = list(free)

    def one(item):
        instance = free.pop()
        try:
            return work(instance, item)
        finally:
            free.append(instance)

    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        running = {pool.submit(one, item): item for item in items}
        for future in concurrent.futures.as_completed(running):
            done(running[future], future.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for instance in instances:
            Lab(instance).down()
