"""Figure 7: the alerts of 200 rules folded again from the log in SQLite and compared, by one process and by two."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import events
import ours
import service
from measure import WALL, against_d, seconds
from setup import Setup, agree
from table import Row

HALVES: Final = ((0, 2), (1, 3))


def rows(setup: Setup) -> Iterator[Row]:
    """The compiling of the rules is part of it, the starting of processes is not."""
    sample = events.events(setup.count(40_000, least=2_000))
    bodies = ours.bodies_of(sample)
    path = setup.work / "record.sqlite"
    path.unlink(missing_ok=True)
    alerts = service.record(path, ours.content(events.rules(200)), sample)
    everything = range(service.PARTITIONS)

    def alone() -> None:
        # Besides the alerts each partition compares the activation that was passed on.
        agree("replay", service.replayed(path, everything) - service.PARTITIONS, alerts)

    rounds = max(2, setup.rounds - 2)
    mine = against_d(bodies, alone, rounds=rounds)
    seen = f"{mine}, {alerts:,} alerts compared byte for byte"
    yield Row(number="7", what="replay of 200 rules from the log (SQLite)", found=mine.over_d, target=0.40, note=seen)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(service.replayed, [path, path], [(0,), (1,)]))  # both are up and have imported everything

        def together() -> None:
            parts = sum(pool.map(service.replayed, [path, path], HALVES))
            agree("replay by two", parts - service.PARTITIONS, alerts)

        ratios = sorted(seconds(alone, WALL) / seconds(together, WALL) for _ in range(rounds))
    yield Row(number="7", what="  two processes over one", found=ratios[len(ratios) // 2], unit="x", target=1.4)
