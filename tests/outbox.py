"""A store in memory that can be made unreachable, for tests of the Kafka side that need no database."""

from collections.abc import Sequence

from almenara.adapters.memory import MemoryStore
from almenara.domain.errors import Unreachable
from almenara.ports.log import Appended, Entry, Record
from almenara.ports.state import Snapshot
from almenara.ports.unit import Batch, Lease


class Outbox(MemoryStore):
    """While `down` is set, what the runner and the relay call fails as an unreachable database does."""

    down = False

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        self._reached()
        return super().read(stream, partition, after, limit)

    def end(self, stream: str, partition: int) -> int:
        self._reached()
        return super().end(stream, partition)

    def append(self, entries: Sequence[Entry]) -> Appended:
        self._reached()
        return super().append(entries)

    def claim(self, consumer: str, stream: str, partition: int) -> Lease:
        self._reached()
        return super().claim(consumer, stream, partition)

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        self._reached()
        return super().commit(lease, batch)

    def positions(self) -> list[Lease]:
        self._reached()
        return super().positions()

    def load(self, consumer: str, stream: str, partition: int, version: str) -> Snapshot | None:
        self._reached()
        return super().load(consumer, stream, partition, version)

    def after(self, consumer: str) -> int:
        """The sum of a consumer's positions, reachable or not."""
        return sum(lease.after for lease in super().positions() if lease.consumer == consumer)

    def _reached(self) -> None:
        if self.down:
            raise Unreachable("the database is down")
