"""Spreads the folds of a backtest over processes, each with its own read-only view of the record.

What comes back is the same for any number of processes. Has no way to send.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from almenara.app.backtest_fold import Folded, Progress, Supposed, Suppositions
from almenara.app.isolation import no_network
from almenara.ports.store import Store

RECORDS_A_JOB: Final = 200_000
"""A further process pays from about so many records on: it has to start and to compile the rules for itself."""
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Source:
    """How to open the record (goes to other processes), and whether it is read without any network."""

    open: Callable[[], Store]
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be folded: each supposition over each partition up to its end (`ends`, the last sequences)."""

    source: Source
    ends: tuple[int, ...]
    supposed: tuple[Supposed, ...]

    def tasks(self) -> list[tuple[int, int]]:
        """(supposition, partition), the longest first, so that no process is left with a long one at the end."""
        found = [(which, partition) for which in range(len(self.supposed)) for partition in range(len(self.ends))]
        return sorted(found, key=lambda task: (-self.ends[task[1]], task))

    @property
    def records(self) -> int:
        """How many records are folded in all."""
        return sum(self.ends) * len(self.supposed)


def processors_here() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fold_all(work: Work, jobs: int, progress: Progress) -> list[list[Folded]]:
    """For each supposition what every partition led to, in order of partition. `jobs` = how many processes."""
    folded = _here(work, progress) if jobs <= 1 else _spread(work, jobs, progress)
    found: list[list[Folded]] = [[] for _ in work.supposed]
    for which, one in folded:
        found[which].append(one)
    return [sorted(side, key=lambda one: one.partition) for side in found]


def useful_jobs(work: Work) -> int:
    """As many processes as there are processors, but not more than the record is worth."""
    return min(processors_here(), len(work.tasks()), 1 + work.records // RECORDS_A_JOB)


def _here(work: Work, progress: Progress) -> Iterator[tuple[int, Folded]]:
    with _opened(work.source) as store:
        sides = [Suppositions(store, work.ends, supposed) for supposed in work.supposed]
        for which, partition in work.tasks():
            yield which, sides[which].fold(partition, progress)


@contextmanager
def _opened(source: Source) -> Iterator[Store]:
    with no_network() if source.offline else nullcontext(), closing(source.open()) as store:
        yield store


def _spread(work: Work, jobs: int, progress: Progress) -> Iterator[tuple[int, Folded]]:
    # Spawned, not forked: connections and threads must not be shared with this process.
    context = multiprocessing.get_context("spawn")
    counted, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(jobs, context, _begin, (work, counted, stop))
    told = 0
    try:
        waiting: dict[Future[Folded], int] = {pool.submit(_fold, *task): task[0] for task in work.tasks()}
        while waiting:
            done, _ = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
            now = counted.value
            progress(now - told)
            told = now
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _Stopped(Exception):
    """The process that asked has given up."""


@dataclass(slots=True)
class _Job:
    """What one of the processes keeps between its tasks."""

    work: Work
    store: Store
    counted: Any
    stop: Any
    sides: dict[int, Suppositions] = field(default_factory=dict)

    def fold(self, which: int, partition: int) -> Folded:
        if which not in self.sides:
            self.sides[which] = Suppositions(self.store, self.work.ends, self.work.supposed[which])
        return self.sides[which].fold(partition, self.progress)

    def progress(self, records: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        with self.counted.get_lock():
            self.counted.value += records


_jobs: list[_Job] = []
"""The one job of a process of the pool: its tasks find it nowhere else."""


def _begin(work: Work, counted: Any, stop: Any) -> None:
    """Once in each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is told, and stops the others by the event
    if work.source.offline:
        no_network().__enter__()  # until the process ends
    _jobs.append(_Job(work, work.source.open(), counted, stop))


def _fold(which: int, partition: int) -> Folded:
    return _jobs[0].fold(which, partition)
