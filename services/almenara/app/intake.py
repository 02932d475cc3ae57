"""Our own intake: drafts of polled sources, imported files and people are stamped and appended to `events`.

What is refused goes to `rejected` with its reason. Knows nothing of where drafts come from.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from almenara.domain.errors import Rejected
from almenara.domain.event import CHECKED
from almenara.domain.ids import content_id
from almenara.ingest.draft import Draft, stamp
from almenara.ingest.intake import event_entry
from almenara.ports.clock import Clock
from almenara.ports.log import REJECTED, Appended, Entry, LogWriter
from almenara.ports.wire import encode

BACKFILL: Final = "backfill"
BACKFILL_AGE: Final = timedelta(days=1)
_BATCH: Final = 500

Item = Draft | Rejected


@dataclass(slots=True)
class Report:
    """What became of drafts: ids of new events, ids that were there already, and (which one, why) of the refused."""

    accepted: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    rejected: list[tuple[str, Rejected]] = field(default_factory=list)


class DraftIntake:
    """Appends drafts. The same draft again is harmless: its id is dropped as a repeat."""

    def __init__(self, writer: LogWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    def take(self, items: Iterable[Item], *, source: str = "", first_reading: bool = False) -> Report:
        """Stamps and appends, the sound ones and the refusals.

        `source` names the place for items that are refused before they are drafts. With `first_reading` items older
        than a day are flagged as backfill: they are recorded and notify nobody. Raises Unreachable.
        """
        return self.take_numbered(enumerate(items, start=1), source=source, first_reading=first_reading)

    def take_numbered(
        self, items: Iterable[tuple[int, Item]], *, source: str = "", first_reading: bool = False
    ) -> Report:
        """As `take`, for items that know their number (the line of a file)."""
        now = self._clock.now()
        report = Report()
        entries: list[Entry] = []
        for number, item in items:
            made = _entries(item, now, first_reading)
            if isinstance(made, Rejected):
                name = _name(item, source, number)
                report.rejected.append((name, made))
                entries.append(_refusal(source or _source(item), name, made))
            else:
                entries += made
            if len(entries) >= _BATCH:
                self._append(entries, report)
        self._append(entries, report)
        return report

    def _append(self, entries: list[Entry], report: Report) -> None:
        count(self._writer.append(entries), entries, report)
        entries.clear()


def count(appended: Appended, entries: Sequence[Entry], report: Report) -> None:
    """Adds events to the report. Of an id that stands twice among the entries the later one is the repeat."""
    repeated = Counter(appended.repeated)
    new: list[str] = []
    old: list[str] = []
    for entry in reversed(entries):
        if entry.stream == REJECTED or entry.partition is not None:
            continue
        again = repeated[entry.id] > 0
        repeated[entry.id] -= again
        (old if again else new).append(entry.id)
    report.accepted += reversed(new)
    report.repeated += reversed(old)


def for_countries(draft: Draft, countries: Sequence[str]) -> Draft:
    """A reading of a source, published for the watched countries as well: a rule there may name it as coverage."""
    return replace(draft, countries_key=tuple(dict.fromkeys((*draft.countries_key, *countries))))


def _entries(item: Item, now: datetime, first_reading: bool) -> list[Entry] | Rejected:
    if isinstance(item, Rejected):
        return item
    try:
        draft = _flagged(item, now) if first_reading else item
        return [event_entry(event) for event in stamp(draft, now)]
    except Rejected as error:
        return error


def _flagged(draft: Draft, now: datetime) -> Draft:
    if draft.type == CHECKED or draft.time.utcoffset() is None or draft.time > now - BACKFILL_AGE:
        return draft
    held: Any = draft.data.get("flags")
    flags = [flag for flag in held if isinstance(flag, str)] if isinstance(held, list) else []
    return replace(draft, data={**draft.data, "flags": sorted({*flags, BACKFILL})})


def _name(item: Item, source: str, number: int) -> str:
    named = item.id if isinstance(item, Draft) else ""
    place = f"{source}:{number}" if source else f"item {number}"
    return f"{place} ({named[:80]})" if named else place


def _source(item: Item) -> str:
    return item.source[:200] if isinstance(item, Draft) else ""


def _refusal(source: str, name: str, error: Rejected) -> Entry:
    """Whose, which and why; never the refused content."""
    body = {"by": "intake", "source": source, "id": name, "reason": error.reason, "detail": error.detail[:500]}
    return Entry(REJECTED, source, content_id("intake", source, name, error.reason, error.detail), encode(body))
