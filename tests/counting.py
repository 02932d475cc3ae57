"""A processor for tests whose every output depends on every record before it: loss, repetition and reordering all show.

Its ids are never the same twice, against the rule for real processors: so that a batch that is written twice shows
too, instead of being dropped as a repeat.
"""

import hashlib
import time
import uuid
from collections.abc import Iterable

from almenara.ports.log import ALERTS, EVENTS, Entry, Record
from almenara.ports.processor import Fold, History, Outputs


class Counting:
    """Reads `events`, writes one record into the same partition of `alerts` for each."""

    consumer = "counting"
    stream = EVENTS
    version = "1"

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        return _Chain(partition, state or b"")


class Slow(Counting):
    """The same with 2 ms for each record, so that whoever stops it stops it in the middle of a batch."""

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        return _SlowChain(partition, state or b"")


class _Chain:
    def __init__(self, partition: int, state: bytes) -> None:
        self._partition = partition
        self._state = state

    def apply(self, record: Record) -> Outputs:
        self._state = hashlib.sha256(self._state + record.position.encode() + record.body).digest()
        return Outputs([Entry(ALERTS, record.key, uuid.uuid4().hex, self._state.hex().encode(), self._partition)])

    def snapshot(self) -> bytes:
        return self._state


class _SlowChain(_Chain):
    def apply(self, record: Record) -> Outputs:
        time.sleep(0.002)
        return super().apply(record)


def bodies(records: Iterable[Record]) -> list[bytes]:
    """The bodies that one undisturbed fold of these records writes."""
    fold = _Chain(0, b"")
    return [entry.body for record in records for entry in fold.apply(record).entries]
