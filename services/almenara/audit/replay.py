"""Replay: the alerts of a partition folded again from `events`, compared byte for byte with what was recorded.

Also `notices` from `alerts`. The fold is the very processor that ran; it is given a log to read and nothing else.
"""

from contextlib import suppress
from dataclasses import dataclass

from almenara.domain.errors import AlmenaraError, Rejected
from almenara.ports.log import Entry, LogReader, Record, read_range
from almenara.ports.processor import Fold, History, Processor


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


def replay(
    log: LogReader, processor: Processor, output: str, *, partition: int, after: int = 0, upto: int = 0
) -> Replayed:
    """Folds one partition and compares what the records with a sequence in (after, upto] led to (upto 0 = to the end).

    The fold always starts at the partition's first record: what lies before the range is folded, not compared.

    Only for outputs that stay in the partition (alerts of events). The record may be shorter than the fold where the
    service has not caught up; that is no difference, records that folding does not give are.
    """
    fold = _Fold(log, processor, partition)
    recorded = read_range(log, output, partition)
    taken = compared = 0
    for record in read_range(log, processor.stream, partition, upto=upto):
        taken += 1
        for entry in (entry for entry in fold.apply(record) if entry.stream == output):
            found = next(recorded, None)
            if found is None:
                return Replayed(taken, compared)
            if record.sequence <= after:
                continue
            if (found.id, found.body) != (entry.id, entry.body):
                return Replayed(taken, compared, Difference(found.position, _name(found), _name(entry)))
            compared += 1
    extra = None if upto else next(recorded, None)
    if extra is not None:
        return Replayed(taken, compared, Difference(extra.position, _name(extra), "nothing"))
    return Replayed(taken, compared)


def earlier(log: LogReader, stream: str, partition: int) -> History:
    """The look back that a fold is given: the records of its own partition."""
    return lambda after, upto: list(read_range(log, stream, partition, after=after, upto=upto)) if upto else []


class _Fold:
    """The fold as the runner drives it: what is rejected is passed over, and what fails leaves no trace."""

    def __init__(self, log: LogReader, processor: Processor, partition: int) -> None:
        self._log, self._processor, self._partition = log, processor, partition
        self._failing: set[int] = set()
        self._fold = self._opened()

    def apply(self, record: Record) -> list[Entry]:
        """What the record leads to; nothing when it cannot be taken."""
        try:
            return self._fold.apply(record).entries
        except Rejected:
            return []
        except AlmenaraError:
            raise
        except Exception:  # as in the runner: the fold may be half changed, so it is made anew without this record
            self._failing.add(record.sequence)
            self._fold = self._opened()
            for past in read_range(self._log, record.stream, record.partition, upto=record.sequence):
                if past.sequence not in self._failing:
                    with suppress(Rejected):
                        self._fold.apply(past)
            return []

    def _opened(self) -> Fold:
        history = earlier(self._log, self._processor.stream, self._partition)
        return self._processor.open(self._partition, None, history)


def _name(item: Record | Entry) -> str:
    body = item.body[:80].decode("utf-8", "replace")
    return f"id {item.id} ({body}…)"
