"""A service as a processor: records in, outputs out, no commit. The runner commits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from almenara.ports.log import Entry, LogReader, Record, read_range
from almenara.ports.queue import Send

History = Callable[[int, int], Sequence[Record]]
"""The records of the fold's own partition with a sequence in (after, upto], for a rule that starts with a look back."""


@dataclass(slots=True)
class Outputs:
    """What one record led to."""

    entries: list[Entry] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)


class Fold(Protocol):
    """The state of one partition. Deterministic: the same records give the same outputs, however they are batched."""

    def apply(self, record: Record) -> Outputs:
        """Takes one record. Raises Rejected for a record that can never be taken."""

    def snapshot(self) -> bytes:
        """The whole state, so that `Processor.open` can go on from here."""


class Processor(Protocol):
    """A named consumer of one stream."""

    @property
    def consumer(self) -> str:
        """The consumer's stable name (`rules`, `notifier`): positions and snapshots are kept under it."""

    @property
    def stream(self) -> str:
        """The stream it reads."""

    @property
    def version(self) -> str:
        """The version of its state; it changes when old snapshots cannot be read."""

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """A fold at the start of the partition (state None) or at a snapshot."""


def history_of(log: LogReader, stream: str, partition: int) -> History:
    """The look back over one partition of a log. Before its first record there is none (an upto of 0)."""
    return lambda after, upto: list(read_range(log, stream, partition, after=after, upto=upto)) if upto else []
