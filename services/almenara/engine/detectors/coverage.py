"""Readings of sources: which were read, over which days, when, and whether it went well.

No accusation without proof of looking: an absence asks here whether its whole window was read after it closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from almenara.domain.alert import Reading
from almenara.domain.event import Event

SUCCESS: Final = ("new", "unchanged")


@dataclass(slots=True)
class ReadingsState:
    """Successful readings by source and event id, oldest first; those that a later one covers whole are dropped."""

    by_source: dict[str, dict[str, Reading]] = field(default_factory=dict)


class Readings:
    """What the engine knows of its sources. Only readings that went well count; a shrunk one does not."""

    def __init__(self, state: ReadingsState) -> None:
        self.state = state

    def add(self, event: Event) -> str | None:
        """Takes a `source.checked` event. Returns the source's id when the reading went well, else None."""
        reading = read(event)
        if reading is None or reading.outcome not in SUCCESS:
            return None
        known = self.state.by_source.get(reading.source, {})
        kept = {uid: earlier for uid, earlier in known.items() if not _covers(reading, earlier)}
        self.state.by_source[reading.source] = {**kept, event.id: reading}
        return reading.source

    def remove(self, event_id: str) -> str | None:
        """Takes a reading back (withdrawn or corrected). Returns its source's id, or None when it proved nothing.

        What it covered whole is not brought back: until the next reading the source counts as not read.
        """
        for source, held in self.state.by_source.items():
            if held.pop(event_id, None) is not None:
                return source
        return None

    def over(
        self, sources: Sequence[str], start: datetime, end: datetime
    ) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
        """The readings that prove the window [start, end] was looked at after it closed, and the sources without."""
        found: list[Reading] = []
        unread: list[str] = []
        for source in sources:
            fit = [r for r in self.state.by_source.get(source, {}).values() if r.recorded >= end]
            used = _cover(fit, start, end)
            found += used
            if not used:
                unread.append(source)
        return tuple(found), tuple(unread)


def read(event: Event) -> Reading | None:
    """The reading that a `source.checked` event tells of; None when it lacks its source or its days."""
    source, covers = _get(event.data, "source", "id"), event.data.get("covers")
    if not isinstance(source, str) or not isinstance(covers, Mapping):
        return None
    try:
        start, end = (datetime.fromisoformat(str(covers[edge])) for edge in ("from", "until"))
        if start.tzinfo is None or end.tzinfo is None:
            return None
        # One spelling of a moment: a snapshot gives times back in UTC, and the bytes of an alert must not depend on it.
        start, end = start.astimezone(UTC), end.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None
    rows, name = event.data.get("rows"), _get(event.data, "source", "name")
    return Reading(
        source=source,
        outcome=str(event.data.get("outcome", "")),
        covers_from=start,
        covers_until=end,
        recorded=event.recorded,
        rows=rows if isinstance(rows, int) else -1,
        position=event.position,
        name={str(k): str(v) for k, v in name.items()} if isinstance(name, Mapping) else {},
        by=str(event.data.get("by", "")),
    )


def _cover(readings: Sequence[Reading], start: datetime, end: datetime) -> list[Reading]:
    """Readings that together cover [start, end] without a hole, or none."""
    used: list[Reading] = []
    reached = start
    for reading in sorted(readings, key=lambda r: (r.covers_from, -r.covers_until.timestamp(), r.position)):
        if reading.covers_from <= reached and (reading.covers_until > reached or not used):
            used.append(reading)
            reached = max(reached, reading.covers_until)
            if reached >= end:
                return used
    return []


def _covers(later: Reading, earlier: Reading) -> bool:
    return (
        later.recorded >= earlier.recorded
        and later.covers_from <= earlier.covers_from
        and later.covers_until >= earlier.covers_until
    )


def _get(data: Mapping[str, Any], *path: str) -> Any:
    found: Any = data
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
