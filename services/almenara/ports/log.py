"""The log: streams of records, kept for ever, in order per partition.

Says nothing of how it is stored. A position is (stream, partition, sequence) and is the same in every adapter.
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from almenara.domain.errors import Rejected

EVENTS: Final = "events"
ALERTS: Final = "alerts"
NOTICES: Final = "notices"
DELIVERIES: Final = "deliveries"
REJECTED: Final = "rejected"
BLOBS: Final = "blobs"
STREAMS: Final = (EVENTS, ALERTS, NOTICES, DELIVERIES, REJECTED, BLOBS)

GENESIS: Final = b"\0" * 32
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to append. `id` is unique in its stream for ever: a repeat is dropped.

    `partition` is given only for records that go to a named partition (ticks, activations); else the key decides.
    """

    stream: str
    key: str
    id: str
    body: bytes
    partition: int | None = None


class Record(NamedTuple):
    """An entry that has its place in the log. `sequence` counts from 1 per partition, without gaps.

    `chain` (32 bytes) is the SHA-256 over the record and the chain of the one before it. A tuple, because logs are read
    by the thousand: a frozen dataclass takes three times as long to make.
    """

    stream: str
    partition: int
    sequence: int
    key: str
    id: str
    body: bytes
    chain: bytes

    @property
    def position(self) -> str:
        """The place as people read it: `events/3/17`."""
        return f"{self.stream}/{self.partition}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: how many were new, and the ids that were there already."""

    new: int
    repeated: tuple[str, ...] = ()


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key; the same in every mode and for ever (CRC-32 of the UTF-8 key)."""
    return zlib.crc32(key.encode()) % partitions


def place(entry: Entry, partitions: int) -> int:
    """The partition where an entry goes. Raises Rejected (`unstorable`) for one that not every adapter could keep."""
    for text in (entry.stream, entry.key, entry.id):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Rejected("unstorable", f"{text!r} is not valid Unicode") from error
        if "\0" in text:
            raise Rejected("unstorable", f"{text!r} holds a NUL character")
    if entry.partition is None:
        return partition_of(entry.key, partitions)
    if not 0 <= entry.partition < partitions:
        raise Rejected("unstorable", f"partition {entry.partition} of {partitions} (0 to {partitions - 1})")
    return entry.partition


def chain_of(previous: bytes, entry: Entry, partition: int, sequence: int) -> bytes:
    """The chain value of a record: SHA-256 over the previous one and every field, each with its length."""
    digest = hashlib.sha256(previous)
    head = f"{entry.stream}/{partition}/{sequence}".encode()
    for part in (head, entry.key.encode(), entry.id.encode(), entry.body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class LogReader(Protocol):
    """Reads records in order of sequence."""

    @property
    def partitions(self) -> int:
        """How many partitions every stream has; fixed when the log is created."""

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        """At most `limit` records with a sequence greater than `after`, in order; empty at the end."""

    def end(self, stream: str, partition: int) -> int:
        """The last sequence there is; 0 for an empty partition."""


class Outbox(LogReader, Protocol):
    """A log out of which a relay publishes."""

    def ends(self, stream: str) -> Mapping[int, int]:
        """The last sequence of each partition; one that is empty may be missing."""


class LogWriter(Protocol):
    """Appends in one transaction: all or nothing, repeats dropped."""

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Appends in the order given; an id that its stream already has is dropped and named in the answer."""


def read_range(log: LogReader, stream: str, partition: int, *, after: int = 0, upto: int = 0) -> Iterator[Record]:
    """The records of a partition with a sequence in (after, upto], page by page; upto 0 = to the end."""
    while not upto or after < upto:
        records = log.read(stream, partition, after, min(_PAGE, upto - after) if upto else _PAGE)
        if not records:
            return
        yield from records
        after = records[-1].sequence
