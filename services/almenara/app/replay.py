"""The wiring of a replay: a log to read, blobs to read, the rules' fold. No notifier, no channel, no producer.

That nothing can be sent from here is a matter of wiring, checked by the import contracts, not of a flag. Rulesets are
always compiled afresh here: a replay proves what the rules as written lead to, not what a cache holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from almenara.app.heap import quiet_heap
from almenara.app.spread import Progress, Source, processors_here, spread
from almenara.audit.replay import Replayed, failed_records, replay
from almenara.audit.verify import Verified, verify
from almenara.domain.errors import Missing
from almenara.ports.log import ALERTS, EVENTS
from almenara.ports.processor import history_of
from almenara.ports.store import Store
from almenara.rules.service import RulesProcessor
from almenara.rules.upgrade import Facts, facts_of

RECORDS_A_JOB: Final = 20_000
"""A further process pays from about so many records on: it has to start and to compile the rules for itself."""

Watch = Callable[[int, int], None]
"""Told how many further records were folded, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is replayed: the records in (after, upto] of these partitions. See `audit.replay.replay`."""

    after: int
    upto: int
    ends: Mapping[int, int]
    committed: Mapping[int, int]
    failed: frozenset[str]

    def tasks(self) -> list[int]:
        """The partitions, the longest first, so that no process is left with a long one at the end."""
        return sorted(self.ends, key=lambda partition: (-self.ends[partition], partition))

    @property
    def records(self) -> int:
        """How many records are folded."""
        return sum(min(end, self.upto) if self.upto else end for end in self.ends.values())

    def begin(self, store: Store) -> Callable[[int, Progress], Replayed]:
        """What replays one partition; the rules are compiled once, when the first one activates them."""
        return partial(self._replayed, store, RulesProcessor(store, recorded=store))

    def _replayed(self, store: Store, processor: RulesProcessor, partition: int, progress: Progress) -> Replayed:
        facts = facts_of(history_of(store, EVENTS, partition))
        found = replay(
            store,
            processor,
            ALERTS,
            partition=partition,
            after=self.after,
            upto=self.upto,
            committed=self.committed.get(partition, 0),
            failed=self.failed,
            facts=(facts.events, facts.alerts) if facts else (0, 0),
            progress=progress,
        )
        return replace(found, older=_older(partition, facts)) if facts else found


def _older(partition: int, facts: Facts) -> str:
    return (
        f"events/{partition}/1 to events/{partition}/{facts.events} were decided by engine semantics {facts.engine}; "
        f"a release with those replays them, with --partition {partition} --upto {facts.events}"
    )


def replay_alerts(
    store: Store, *, partitions: Sequence[int] | None = None, after: int = 0, upto: int = 0
) -> list[Replayed]:
    """Folds `events` again, some partitions or all, and compares with `alerts`. Raises Missing for one not there."""
    asked = _asked(store, partitions, after, upto)
    with quiet_heap():
        replayed = asked.begin(store)
        return [replayed(number, lambda _: None) for number in sorted(asked.ends)]


def replay_record(
    source: Source,
    *,
    partition: int | None = None,
    after: int = 0,
    upto: int = 0,
    jobs: int = 0,
    watch: Watch | None = None,
) -> list[Replayed]:
    """As `replay_alerts`, over a record that is opened here, by `jobs` processes (0: as many as are useful)."""
    with source.opened() as store:
        asked = _asked(store, None if partition is None else [partition], after, upto)
    tasks, whole = asked.tasks(), asked.records
    useful = min(processors_here(), len(tasks), 1 + whole // RECORDS_A_JOB)

    def progress(records: int) -> None:
        if watch is not None:
            watch(records, whole)

    found = dict(spread(source, asked.begin, tasks, jobs=min(jobs or useful, len(tasks)), progress=progress))
    return [found[number] for number in sorted(found)]


def _asked(store: Store, partitions: Sequence[int] | None, after: int, upto: int) -> _Asked:
    for partition in partitions or ():
        if partition not in range(store.partitions):
            raise Missing(f"there is no partition {partition}; this record has 0 to {store.partitions - 1}")
    # Asked before anything is read: what is committed by now is there to be read.
    taken = {lease.partition: lease.after for lease in store.positions() if lease.consumer == RulesProcessor.consumer}
    failed = failed_records(store, RulesProcessor.consumer)
    wanted = range(store.partitions) if partitions is None else partitions
    return _Asked(after, upto, {number: store.end(EVENTS, number) for number in wanted}, taken, failed)


def verify_log(store: Store, known: dict[str, str] | None = None) -> Verified:
    """The chains of all streams."""
    return verify(store, known)
