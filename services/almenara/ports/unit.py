"""The unit of work: outputs and the new position of a partition commit together, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from almenara.ports.log import Entry
from almenara.ports.queue import Send
from almenara.ports.state import Snapshot


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's claim on one partition of a stream for one consumer.

    `after` is the last sequence that was taken; `epoch` rises by one with every claim and fences older holders off.
    """

    consumer: str
    stream: str
    partition: int
    after: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch of records led to."""

    after: int
    outputs: Sequence[Entry] = ()
    sends: Sequence[Send] = ()
    snapshot: Snapshot | None = None


class UnitOfWork(Protocol):
    """Positions with an epoch, and the commit that checks it."""

    def claim(self, consumer: str, stream: str, partition: int) -> Lease:
        """Takes the partition (epoch + 1) and says where to go on from."""

    def commit(self, lease: Lease, batch: Batch) -> Lease:
        """Writes outputs, sends, snapshot and position in one transaction. Raises Fenced when the epoch moved on."""

    def positions(self) -> list[Lease]:
        """Every position there is, for displays and lag."""
