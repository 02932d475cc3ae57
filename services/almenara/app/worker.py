"""One worker of one partition: claims it, folds records, commits outputs and position together.

The same code runs in the embedded and in the distributed mode; only where records come from differs. This is the one
place with a bare catch-all: a record that cannot be taken goes to `rejected`, and the partition goes on.
"""

import logging
from collections.abc import Sequence
from typing import Final

from almenara.domain.errors import AlmenaraError, Gap, Rejected
from almenara.domain.ids import content_id
from almenara.ports.log import REJECTED, Entry, LogReader, Record, read_range
from almenara.ports.processor import Fold, Outputs, Processor, history_of
from almenara.ports.queue import Send
from almenara.ports.state import Snapshot, SnapshotStore
from almenara.ports.unit import Batch, Lease, UnitOfWork
from almenara.ports.wire import encode

TRIES: Final = 3
SNAPSHOT_EVERY: Final = 5_000

log = logging.getLogger(__name__)


class Worker:
    """Holds one partition for one processor, from claim until it is fenced off or dropped.

    `history` reads the input stream from the log (for the re-fold after a crash and for a rule's look back).
    """

    def __init__(
        self,
        processor: Processor,
        partition: int,
        *,
        unit: UnitOfWork,
        snapshots: SnapshotStore,
        history: LogReader,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self._processor = processor
        self._partition = partition
        self._unit = unit
        self._snapshots = snapshots
        self._history = history
        self._snapshot_every = snapshot_every
        self._failing: set[int] = set()
        self._lease: Lease = unit.claim(processor.consumer, processor.stream, partition)
        self._fold = self._refold(self._lease.after)

    @property
    def after(self) -> int:
        """The last sequence that was taken and committed."""
        return self._lease.after

    @property
    def fold(self) -> Fold:
        """The fold as it stands, for those who watch; it is not theirs to change."""
        return self._fold

    def take(self, records: Sequence[Record]) -> int:
        """Folds the records that are new and commits. Returns how many were new.

        Raises Gap when a sequence is missing and Fenced when another worker holds the partition; in both cases
        nothing was written and this worker must be dropped.
        """
        entries: list[Entry] = []
        sends: list[Send] = []
        expected = self._lease.after
        for record in records:
            if record.sequence <= expected:
                continue
            expected += 1
            if record.sequence != expected:
                raise Gap(f"{record.position} follows sequence {expected - 1}; {expected} is missing")
            outputs = self._apply(record)
            entries += outputs.entries
            sends += outputs.sends
        fresh = expected - self._lease.after
        if not fresh:
            return 0
        snapshot = self._snapshot(expected) if expected - self._snapshotted >= self._snapshot_every else None
        self._lease = self._unit.commit(self._lease, Batch(expected, entries, sends, snapshot))
        return fresh

    def _apply(self, record: Record) -> Outputs:
        failure: Exception = RuntimeError("unreachable")
        for _ in range(TRIES):
            try:
                return self._fold.apply(record)
            except Rejected as error:
                return _rejection(self._processor.consumer, record, error.reason, error.detail)
            except AlmenaraError:  # the world is not as it must be: stop here, lose nothing
                raise
            except Exception as error:  # the record may have left the fold half changed: start from what is known
                failure = error
                log.warning("%s failed on %s: %s", self._processor.consumer, record.position, error)
                self._fold = self._refold(record.sequence - 1)
        return _rejection(self._processor.consumer, record, "failed", f"{type(failure).__name__}: {failure}")

    def _refold(self, upto: int) -> Fold:
        """The fold as it stands after `upto`: the newest snapshot, then the records since, their outputs dropped.

        A record on which it fails may have left it half changed, so it starts again without that record: what was
        passed over when it was first met must leave no trace, or a restart would change what follows.
        """
        while True:
            known = len(self._failing)
            fold = self._folded(upto)
            if len(self._failing) == known:
                return fold

    def _folded(self, upto: int) -> Fold:
        """One try of `_refold`; it ends early, with one more record in `_failing`, when a record fails."""
        processor = self._processor
        snapshot = self._snapshots.load(processor.consumer, processor.stream, self._partition, processor.version)
        if snapshot is not None and snapshot.sequence > upto:
            snapshot = None
        after = snapshot.sequence if snapshot else 0
        self._snapshotted = after
        fold = processor.open(
            self._partition,
            snapshot.body if snapshot else None,
            history_of(self._history, processor.stream, self._partition),
        )
        if after == upto:
            return fold
        for record in read_range(self._history, processor.stream, self._partition, after=after, upto=upto):
            after += 1
            if record.sequence != after:
                break
            if record.sequence not in self._failing and not _fold_again(fold, record):
                self._failing.add(record.sequence)
                return fold
        if after != upto:
            raise Gap(f"{processor.stream}/{self._partition}/{after + 1} cannot be read again")
        return fold

    def _snapshot(self, sequence: int) -> Snapshot:
        processor = self._processor
        self._snapshotted = sequence
        return Snapshot(
            processor.consumer, processor.stream, self._partition, sequence, processor.version, self._fold.snapshot()
        )


def _fold_again(fold: Fold, record: Record) -> bool:
    """Folds a record for its state alone; False when it fails. One that is rejected is passed over again."""
    try:
        fold.apply(record)
    except AlmenaraError as error:
        if not isinstance(error, Rejected):
            raise
    except Exception:
        log.debug("passing over %s", record.position)
        return False
    return True


def _rejection(consumer: str, record: Record, reason: str, detail: str) -> Outputs:
    body = encode({"position": record.position, "id": record.id, "by": consumer, "reason": reason, "detail": detail})
    return Outputs([Entry(REJECTED, record.key, content_id(consumer, record.position), body)])
