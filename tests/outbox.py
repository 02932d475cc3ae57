"""An outbox, positions and snapshots in memory, for tests of the Kafka side that need no database.

Bears use by several threads. `down` makes every call fail as an unreachable database does.
"""

import threading
from collections.abc import Sequence

from almenara.domain.errors import Fenced, Unreachable
from almenara.ports.log import GENESIS, Appended, Entry, Record, chain_of, partition_of
from almenara.ports.state import Snapshot
from almenara.ports.unit import Batch, Lease


class Outbox:
    """LogReader, LogWriter, UnitOfWork and SnapshotStore."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.down = False
        self._lock = threading.RLock()
        self._log: dict[tuple[str, int], list[Record]] = {}
        self._ids: set[tuple[str, str]] = set()
        self._leases: dict[tuple[str, str, int], Lease] = {}
        self._snapshots: dict[tuple[str, str, int, str], Snapshot] = {}

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        self._reached()
        return self._log.get((stream, partition), [])[after : after + limit]

    def end(self, stream: str, partition: int) -> int:
        self._reached()
        return len(self._log.get((stream, partition), []))

    def append(self, entries: Sequence[Entry]) -> Appended:
        self._reached()
        repeated = []
        with self._lock:
            for entry in entries:
                if (entry.stream, entry.id) in self._ids:
                    repeated.append(entry.id)
                    continue
                self._ids.add((entry.stream, entry.id))
                self._append(entry)
        return Appended(len(entries) - len(repeated), tuple(repeated))

    def claim(self, consumer: str, stream: str, partition: int) -> Lease:
        self._reached()
        with self._lock:
            place = (consumer, stream, partition)
            old = self._leases.get(place, Lease(*place, 0, 0))
            self._leases[place] = Lease(*place, old.after, old.epoch + 1)
            return self._leases[place]

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        self._reached()
        with self._lock:
            place = (lease.consumer, lease.stream, lease.partition)
            if self._leases[place].epoch != lease.epoch:
                raise Fenced(f"{place} was claimed again")
            self.append(batch.outputs)
            if batch.snapshot is not None:
                self._snapshots[(*place, batch.snapshot.version)] = batch.snapshot
            self._leases[place] = Lease(*place, batch.after, lease.epoch)
            return self._leases[place]

    def positions(self) -> list[Lease]:
        self._reached()
        with self._lock:
            return list(self._leases.values())

    def load(self, consumer: str, stream: str, partition: int, version: str) -> Snapshot | None:
        self._reached()
        return self._snapshots.get((consumer, stream, partition, version))

    def after(self, consumer: str) -> int:
        """The sum of a consumer's positions."""
        with self._lock:
            return sum(lease.after for lease in self._leases.values() if lease.consumer == consumer)

    def _append(self, entry: Entry) -> None:
        partition = entry.partition if entry.partition is not None else partition_of(entry.key, self.partitions)
        records = self._log.setdefault((entry.stream, partition), [])
        sequence = len(records) + 1
        chain = chain_of(records[-1].chain if records else GENESIS, entry, partition, sequence)
        records.append(Record(entry.stream, partition, sequence, entry.key, entry.id, entry.body, chain))

    def _reached(self) -> None:
        if self.down:
            raise Unreachable("the database is down")
