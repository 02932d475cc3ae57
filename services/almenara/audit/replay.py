"""Replay: the alerts of a partition folded again from `events`, compared byte for byte with what was recorded.

Also `notices` from `alerts`. The fold is the very processor that ran; it is given a log to read and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from almenara.domain.errors import Rejected
from almenara.ports.log import Entry, LogReader, Record
from almenara.ports.processor import Processor

_READ: Final = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where record and replay part: which record, what is recorded, what folding gives."""

    position: str
    recorded: str
    folded: str

    def __str__(self) -> str:
        return f"{self.position}: recorded {self.recorded}, folded again {self.folded}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay compared. `difference` is None when record and replay are identical."""

    taken: int
    compared: int
    difference: Difference | None = None


def replay(log: LogReader, processor: Processor, output: str, *, partition: int, upto: int = 0) -> Replayed:
    """Folds one partition (up to the sequence `upto`, 0 = all) and compares with its output stream.

    Only for outputs that stay in the partition (alerts of events). The record may be shorter than the fold where the
    service has not caught up; that is no difference, records that folding does not give are.
    """
    fold = processor.open(partition, None, lambda after, last: _between(log, processor.stream, partition, after, last))
    recorded = _all(log, output, partition)
    taken = compared = 0
    for record in _all(log, processor.stream, partition):
        if upto and record.sequence > upto:
            break
        taken += 1
        for entry in _outputs(fold, record, output):
            found = next(recorded, None)
            if found is None:
                return Replayed(taken, compared)
            if (found.id, found.body) != (entry.id, entry.body):
                return Replayed(taken, compared, Difference(found.position, _name(found), _name(entry)))
            compared += 1
    extra = None if upto else next(recorded, None)
    if extra is not None:
        return Replayed(taken, compared, Difference(extra.position, _name(extra), "nothing"))
    return Replayed(taken, compared)


def _outputs(fold: object, record: Record, output: str) -> Iterator[Entry]:
    try:
        entries = fold.apply(record).entries  # type: ignore[attr-defined]
    except Rejected:
        return
    yield from (entry for entry in entries if entry.stream == output)


def _all(log: LogReader, stream: str, partition: int) -> Iterator[Record]:
    after = 0
    while records := log.read(stream, partition, after, _READ):
        yield from records
        after = records[-1].sequence


def _between(log: LogReader, stream: str, partition: int, after: int, upto: int) -> list[Record]:
    found: list[Record] = []
    while after < upto and (records := log.read(stream, partition, after, min(_READ, upto - after))):
        found += records
        after = records[-1].sequence
    return found


def _name(item: Record | Entry) -> str:
    body = item.body[:80].decode("utf-8", "replace")
    return f"id {item.id} ({body}…)"
