"""Spreads pieces of work over processes, each with its own view of the record, which is only read.

What comes back is the same for any number of processes. Knows nothing of what the work is; has no way to send.
"""

import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from almenara.app.heap import quiet_heap
from almenara.app.isolation import no_network
from almenara.ports.store import Store

_LOOK_S: Final = 0.2

Task = TypeVar("Task")
Result = TypeVar("Result")

Progress = Callable[[int], None]
"""Told how many further records were folded. What it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Source:
    """How to open the record (goes to other processes), and whether it is read without any network."""

    open: Callable[[], Store]
    offline: bool = False

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """The record, to be read; closed at the end."""
        with no_network() if self.offline else nullcontext(), closing(self.open()) as store:
            yield store


Piece = Callable[[Task, Progress], Result]
Begin = Callable[[Store], Piece[Task, Result]]
"""Called once in each process with its view of the record; gives what does one task. Must bear being pickled."""


def processors_here() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    source: Source, begin: Begin[Task, Result], tasks: Sequence[Task], *, jobs: int, progress: Progress
) -> Iterator[tuple[Task, Result]]:
    """Each task and what came of it, in the order in which they are done; `jobs` 1 = in this process."""
    if jobs > 1:
        yield from _elsewhere(source, begin, tasks, jobs=jobs, progress=progress)
        return
    with source.opened() as store, quiet_heap():
        piece = begin(store)
        for task in tasks:
            yield task, piece(task, progress)


def _elsewhere(
    source: Source, begin: Begin[Task, Result], tasks: Sequence[Task], *, jobs: int, progress: Progress
) -> Iterator[tuple[Task, Result]]:
    context = _context()
    counted, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(jobs, context, _begin, (source, begin, counted, stop))
    told = 0
    try:
        waiting: dict[Future[Result], Task] = {pool.submit(_piece, task): task for task in tasks}
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


def _context() -> multiprocessing.context.BaseContext:
    """How processes are started: each of them opens the record for itself, so nothing of this one is used there.

    A fork takes 10 ms where a new interpreter imports everything again for most of a second; but a lock that another
    thread holds at that moment would stay shut in the copy for ever.
    """
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


class _Stopped(Exception):
    """The process that asked has given up."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What a process of the pool keeps between its tasks."""

    piece: Piece[Any, Any]
    counted: Any
    stop: Any
    held: ExitStack

    def progress(self, records: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        with self.counted.get_lock():
            self.counted.value += records


_jobs: list[_Job] = []
"""The one job of a process of the pool: its tasks find it nowhere else."""


def _begin(source: Source, begin: Begin[Any, Any], counted: Any, stop: Any) -> None:
    """Once in each process; what is opened here is held until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is told, and stops the others by the event
    held = ExitStack()
    store = held.enter_context(source.opened())
    held.enter_context(quiet_heap())
    _jobs.append(_Job(begin(store), counted, stop, held))


def _piece(task: Any) -> Any:
    job = _jobs[0]
    return job.piece(task, job.progress)
