"""Replay: the alerts of a partition folded again from `events`, compared byte for byte with what was recorded.

Also `notices` from `alerts`. The fold is the very processor that ran; it is given a log to read and nothing else.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from almenara.domain.errors import Rejected
from almenara.ports.log import REJECTED, Entry, LogReader, Record, read_range
from almenara.ports.processor import Fold, Processor, history_of
from almenara.ports.wire import is_event

FAILED: Final = "failed"
"""The runner's reason for a record on which the fold failed."""

_TELL_EVERY: Final = 1_000


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
    """What a replay compared. `difference` is None when record and replay are identical.

    `compared` counts all records; `passed_on` those among them that are no change of an alert (ticks, activations).
    `older` names what another release decided and has to replay; empty where there is no such part.
    """

    taken: int
    compared: int
    difference: Difference | None = None
    passed_on: int = 0
    older: str = ""

    @property
    def changes(self) -> int:
        """How many changes of alerts were compared."""
        return self.compared - self.passed_on


def replay(
    log: LogReader,
    processor: Processor,
    output: str,
    *,
    partition: int,
    after: int = 0,
    upto: int = 0,
    committed: int = 0,
    failed: frozenset[str] = frozenset(),
    facts: tuple[int, int] = (0, 0),
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Folds one partition and compares what the records with a sequence in (after, upto] led to (upto 0 = to the end).

    The fold always starts at the partition's first record: what lies before the range is folded, not compared.

    Only for outputs that stay in the partition (alerts of events). `committed` is how far the service itself has come:
    what it led to up to there must be recorded; beyond, the record may still be shorter than the fold. `failed` are the
    positions that the runner passed over (`failed_records`). `facts` are the last sequences of input and output that
    older semantics decided: those outputs are not compared. `progress` is told how many further records were folded.
    """
    fold = processor.open(partition, None, history_of(log, processor.stream, partition))
    recorded = read_range(log, output, partition, after=facts[1])
    taken = compared = passed_on = 0
    for record in read_range(log, processor.stream, partition, upto=upto):
        taken += 1
        if taken % _TELL_EVERY == 0:
            progress(_TELL_EVERY)
        if failed and record.position in failed:
            continue
        outputs = _outputs(fold, record, output)
        for entry in outputs if record.sequence > facts[0] else ():
            found = next(recorded, None)
            if found is None:
                missing = f"{output}/{partition}, after its end"
                lost = Difference(missing, "nothing", _name(entry)) if record.sequence <= committed else None
                return Replayed(taken, compared, lost, passed_on)
            if record.sequence <= after:
                continue
            if (found.id, found.body) != (entry.id, entry.body):
                return Replayed(taken, compared, _difference(found, entry), passed_on)
            compared += 1
            passed_on += is_event(entry.body)
    progress(taken % _TELL_EVERY)
    extra = None if upto else next(recorded, None)
    if extra is not None:
        return Replayed(taken, compared, Difference(extra.position, _name(extra), "nothing"), passed_on)
    return Replayed(taken, compared, passed_on=passed_on)


def failed_records(log: LogReader, consumer: str) -> frozenset[str]:
    """The positions of the records on which the runner says that the fold failed: it passed over them without a trace.

    That is a fact of the record, as what was made of the others is; a fold that fails elsewhere is not passed over.
    """
    found = set()
    for partition in range(log.partitions):
        for record in read_range(log, REJECTED, partition):
            refusal = json.loads(record.body)
            if refusal.get("by") == consumer and refusal.get("reason") == FAILED:
                found.add(str(refusal.get("position")))
    return frozenset(found)


def _outputs(fold: Fold, record: Record, output: str) -> list[Entry]:
    try:
        entries = fold.apply(record).entries
    except Rejected:
        return []
    return [entry for entry in entries if entry.stream == output] if entries else entries


def _difference(found: Record, entry: Entry) -> Difference:
    if found.id != entry.id:
        return Difference(found.position, _name(found), _name(entry))
    pairs = enumerate(zip(found.body, entry.body, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), min(len(found.body), len(entry.body)))
    around = slice(max(0, first - 40), first + 40)
    recorded, folded = (body[around].decode("utf-8", "replace") for body in (found.body, entry.body))
    return Difference(f"{found.position}, byte {first}", f"…{recorded}…", f"…{folded}…")


def _name(item: Record | Entry) -> str:
    body = item.body[:80].decode("utf-8", "replace")
    return f"id {item.id} ({body}…)"
