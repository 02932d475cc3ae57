"""The folds of a backtest as pieces of work for several processes. Has no way to send."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from almenara.app.backtest_fold import Folded, Supposed, Suppositions
from almenara.app.spread import Progress, Source, processors_here, spread
from almenara.ports.store import Store

RECORDS_A_JOB: Final = 200_000
"""A further process pays from about so many records on: it has to start and to compile the rules for itself."""


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


def fold_all(work: Work, jobs: int, progress: Progress) -> list[list[Folded]]:
    """For each supposition what every partition led to, in order of partition. `jobs` = how many processes."""
    found: list[list[Folded]] = [[] for _ in work.supposed]
    for (which, _), one in spread(work.source, partial(_Sides, work), work.tasks(), jobs=jobs, progress=progress):
        found[which].append(one)
    return [sorted(side, key=lambda one: one.partition) for side in found]


def useful_jobs(work: Work) -> int:
    """As many processes as there are processors, but not more than the record is worth."""
    return min(processors_here(), len(work.tasks()), 1 + work.records // RECORDS_A_JOB)


class _Sides:
    """The suppositions of one process; each compiles its rules when its first partition comes."""

    def __init__(self, work: Work, store: Store) -> None:
        self._work = work
        self._store = store
        self._sides: dict[int, Suppositions] = {}

    def __call__(self, task: tuple[int, int], progress: Progress) -> Folded:
        which, partition = task
        if which not in self._sides:
            self._sides[which] = Suppositions(self._store, self._work.ends, self._work.supposed[which])
        return self._sides[which].fold(partition, progress)
