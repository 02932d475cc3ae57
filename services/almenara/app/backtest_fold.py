"""The record as one set of rules would have met it, had it always been active; partition by partition, in memory.

The very processors and the very worker of a running system; what they write goes to a store in memory that is thrown
away. The record is only read. Has no way to send.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from almenara.adapters.memory import MemoryStore
from almenara.app.spread import Progress
from almenara.app.worker import Worker
from almenara.audit.replay import FAILED
from almenara.domain.event import AUDIENCE, RULESET, TICK, Event
from almenara.engine.engine import EPOCH, SEMANTICS
from almenara.ingest.ticker import NOWHERE
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, EVENTS, GENESIS, NOTICES, REJECTED, Entry, LogReader, Record, read_range
from almenara.ports.processor import Fold, History, Processor
from almenara.ports.queue import Send
from almenara.ports.state import BlobStore, blob_hash
from almenara.ports.store import Store
from almenara.ports.unit import Batch, Lease
from almenara.ports.wire import decode_event, decode_notices, encode_event
from almenara.rules.service import RulesProcessor

BATCH: Final = 500
SOURCE: Final = "almenara/backtest"


@dataclass(frozen=True, slots=True)
class Supposed:
    """What is supposed: that this ruleset was always active; and this audience, where the record has none of its own.

    Both by hash. `blobs` is what the record may not hold, by hash.
    """

    ruleset: str
    audience: str = ""
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folded:
    """What a partition led to: the records of `alerts`, the notices with the moment of each, and what failed.

    `failed` are the positions of the records on which the fold failed; a running system would pass over them.
    """

    partition: int
    alerts: tuple[bytes, ...]
    notices: tuple[tuple[datetime, Entry], ...]
    failed: tuple[str, ...]


class Suppositions:
    """Folds the partitions of a record under one supposition. Compiles the rules once; bears use by one thread.

    `ends` (the last sequence of each partition) bounds what is read: a running system may append in the meantime.
    """

    def __init__(self, store: Store, ends: Sequence[int], supposed: Supposed) -> None:
        self._store = store
        self._ends = ends
        blobs = Blobs(store, supposed.blobs)
        activated = activation(RULESET, {"hash": supposed.ruleset, "engine": SEMANTICS})
        self._rules = Begun(RulesProcessor(blobs), activated)
        self._route: Processor = RouteProcessor(blobs)
        if supposed.audience:
            self._route = Begun(self._route, activation(AUDIENCE, {"hash": supposed.audience}))

    def fold(self, partition: int, progress: Progress) -> Folded:
        """Folds `events` to alerts and these to notices. Raises Missing and Rejected for a ruleset that is wrong."""
        kept = _Rehearsal(self._store, self._ends)
        run(kept, self._rules, partition, progress)
        run(kept, self._route, partition)
        alerts = tuple(record.body for record in read_range(kept, ALERTS, partition))
        return Folded(partition, alerts, tuple(notices_of(kept.written)), tuple(_failed(kept.written)))


def plan(folded: Sequence[Folded], partitions: int, blobs: BlobStore, audience: str = "") -> "Kept":
    """What would be sent: the plan folded over the notices of all partitions in the order of their moments.

    `audience` is the hash of the one that is supposed, empty where those of the record hold.
    """
    kept = Kept(partitions)
    processor: Processor = PlanProcessor(blobs, partitions)
    if audience:
        processor = Begun(processor, activation(AUDIENCE, {"hash": audience}))
    found = [(at, one.partition, number) for one in folded for number, (at, _) in enumerate(one.notices)]
    by_partition = {one.partition: one for one in folded}
    kept.append([by_partition[partition].notices[number][1] for _, partition, number in sorted(found)])
    for partition in range(partitions):
        run(kept, processor, partition)
    return kept


class Kept(MemoryStore):
    """A store in memory that also keeps, in order, what workers wrote and what they would have sent."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.written: list[Entry] = []
        self.sends: list[Send] = []

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        """As every store."""
        self.written += batch.outputs
        self.sends += batch.sends
        return super().commit(lease, batch)


class _Rehearsal(Kept):
    """Its `events` are those of the record. Activations of rules are passed over: in their place stands nothing new."""

    def __init__(self, record: LogReader, ends: Sequence[int]) -> None:
        super().__init__(record.partitions)
        self._record = record
        self._ends = ends

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        if stream != EVENTS:
            return super().read(stream, partition, after, limit)
        limit = min(limit, self._ends[partition] - after)
        found = self._record.read(EVENTS, partition, after, limit) if limit > 0 else []
        return [passed_over(record) if _activates_rules(record) else record for record in found]

    def end(self, stream: str, partition: int) -> int:
        return self._ends[partition] if stream == EVENTS else super().end(stream, partition)


@dataclass(frozen=True, slots=True)
class Blobs:
    """The record's blobs, and some more; nothing is ever stored."""

    recorded: BlobStore
    more: Mapping[str, bytes]

    def put(self, body: bytes) -> str:
        """The hash, and no more."""
        return blob_hash(body)

    def get(self, digest: str) -> bytes:
        """The content. Raises Missing and Differs."""
        return self.more[digest] if digest in self.more else self.recorded.get(digest)


class Begun:
    """A processor whose folds begin as if `first` had been the first record of every partition."""

    def __init__(self, processor: Processor, first: Event) -> None:
        self._processor = processor
        self._first = first
        self.consumer = processor.consumer
        self.stream = processor.stream
        self.version = processor.version

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """As the processor does."""
        fold = self._processor.open(partition, state, history)
        if state is None:
            fold.apply(Record(self.stream, partition, 0, "", self._first.id, encode_event(self._first), GENESIS))
        return fold


def run(store: Kept, processor: Processor, partition: int, progress: Progress | None = None) -> None:
    """Runs a processor over one partition to its end, as a running system does."""
    worker = Worker(processor, partition, unit=store, snapshots=store, history=store)
    while records := store.read(processor.stream, partition, worker.after, BATCH):
        taken = worker.take(records)
        if progress is not None:
            progress(taken)


def notices_of(written: Sequence[Entry]) -> Iterator[tuple[datetime, Entry]]:
    """The notices in order, each with its moment, which never runs backwards."""
    latest = EPOCH
    for entry in written:
        if entry.stream == NOTICES:
            latest = max(latest, _moment(entry.body))
            yield latest, entry


def _moment(body: bytes) -> datetime:
    found = decode_notices(body)
    return found.recorded if isinstance(found, Event) else found.at


def _failed(written: Sequence[Entry]) -> Iterator[str]:
    for entry in written:
        if entry.stream == REJECTED:
            refusal = msgspec.json.decode(entry.body)
            if refusal.get("reason") == FAILED:
                yield str(refusal["position"])


def activation(type_: str, data: Mapping[str, object]) -> Event:
    """An activation that was there before everything else."""
    return Event(
        id=f"{type_}/{SOURCE}", source=SOURCE, type=type_, time=EPOCH, recorded=EPOCH, country=NOWHERE, data=data
    )


def _activates_rules(record: Record) -> bool:
    # ids of activations start with their type: nothing else has to be decoded
    return record.id.startswith(f"{RULESET}/") and decode_event(record.body).type == RULESET


def passed_over(record: Record) -> Record:
    """The record with a tick before all time in it: it keeps its place and changes nothing."""
    tick = Event(id=record.id, source=SOURCE, type=TICK, time=EPOCH, recorded=EPOCH, country=NOWHERE)
    place = record.stream, record.partition, record.sequence
    return Record(*place, record.key, record.id, encode_event(tick), record.chain)
