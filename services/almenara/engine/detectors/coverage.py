"""Readings of sources: which were read, over which days, when, and whether it went well.

No accusation without proof of looking: an absence asks here whether its whole window was read after it closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from almenara.domain.alert import Reading
from almenara.domain.event import Event
from almenara.engine.detectors.moments import length, micros
from almenara.engine.detectors.spans import Spans

SUCCESS: Final = ("new", "unchanged")
_BETWEEN_SWEEPS: Final = length(timedelta(days=1))


@dataclass(slots=True)
class ReadingsState:
    """Successful readings by source and event id, without those that a later one covers whole.

    `keep` names the sources that some absence asks for, and for how long after its days (microseconds) a reading
    may still be asked for.
    """

    by_source: dict[str, dict[str, Reading]] = field(default_factory=dict)
    keep: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Held:
    """One reading on the line of time: what it covers and when it was made, in microseconds."""

    start: int
    last: int
    id: str
    recorded: int
    reading: Reading


class Readings:
    """What the engine knows of its sources. Only readings that went well count; a shrunk one does not.

    `added` and `removed` are the days (microseconds, both included) of the reading that was last taken, or taken back.
    """

    def __init__(self, state: ReadingsState) -> None:
        self.state = state
        self.added = self.removed = (0, 0)
        self._spans: Spans[str, _Held] = Spans()
        self._source_of: dict[str, str] = {}
        self._sweep_at = 0
        for source, readings in state.by_source.items():
            for uid, reading in readings.items():
                self._source_of[uid] = source
                self._spans.add(source, _held(uid, reading))

    def watch(self, sources: Iterable[str], horizon: timedelta) -> None:
        """From now on readings of these sources are kept, so long after the days that they cover."""
        for source in sources:
            self.state.keep[source] = max(length(horizon), self.state.keep.get(source, 0))

    def add(self, event: Event) -> str | None:
        """Takes a `source.checked` event. Returns the source's id when the reading went well, else None."""
        reading = read(event)
        if reading is None or reading.outcome not in SUCCESS or reading.source not in self.state.keep:
            return None
        if reading.covers_from > reading.covers_until:
            return None
        held, source = _held(event.id, reading), reading.source
        near = self._spans.over(source, held.start, held.last)
        if event.id in self._source_of or any(_covers(other, held) for other in near):
            return None
        for other in near:
            if _covers(held, other):
                self._drop(source, other)
        self._spans.add(source, held)
        self._source_of[event.id] = source
        self.state.by_source.setdefault(source, {})[event.id] = reading
        self.added = (held.start, held.last)
        return source

    def remove(self, event_id: str) -> str | None:
        """Takes a reading back (withdrawn or corrected). Returns its source's id, or None when it proved nothing.

        What it covered whole is not brought back: until the next reading the source counts as not read.
        """
        source = self._source_of.get(event_id)
        if source is None:
            return None
        held = _held(event_id, self.state.by_source[source][event_id])
        self.removed = (held.start, held.last)
        self._drop(source, next(one for one in self._spans.over(source, held.start, held.last) if one.id == event_id))
        return source

    def over(self, sources: Sequence[str], start: int, end: int) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
        """The readings that prove the window [start, end] was looked at after it closed, and the sources without."""
        found: list[Reading] = []
        unread: list[str] = []
        for source in sources:
            used = _cover([one for one in self._spans.over(source, start, end) if one.recorded >= end], start, end)
            found += [one.reading for one in used]
            if not used:
                unread.append(source)
        return tuple(found), tuple(unread)

    def forget(self, clock: int) -> None:
        """Lets go, about once a day by the stream's clock, of readings over days that nobody can ask for any more."""
        if clock < self._sweep_at:
            return
        self._sweep_at = clock + _BETWEEN_SWEEPS
        for source, keep in self.state.keep.items():
            for held in [one for one in self._spans.of(source) if one.last + keep <= clock]:
                self._drop(source, held)

    def _drop(self, source: str, held: _Held) -> None:
        self._spans.remove(source, held)
        del self._source_of[held.id]
        readings = self.state.by_source[source]
        del readings[held.id]
        if not readings:
            del self.state.by_source[source]


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


def _held(uid: str, reading: Reading) -> _Held:
    start, last = micros(reading.covers_from), micros(reading.covers_until)
    return _Held(start, last, uid, micros(reading.recorded), reading)


def _cover(readings: Sequence[_Held], start: int, end: int) -> list[_Held]:
    """Readings that together cover [start, end] without a hole, or none."""
    used: list[_Held] = []
    reached = start
    for one in sorted(readings, key=lambda held: (held.start, -held.last, held.id)):
        if one.start <= reached and (one.last > reached or not used):
            used.append(one)
            reached = max(reached, one.last)
            if reached >= end:
                return used
    return []


def _covers(later: _Held, earlier: _Held) -> bool:
    """Whether everything that the earlier reading proves, the later one proves as well; of two equals one does."""
    newer = (later.recorded, later.id) >= (earlier.recorded, earlier.id)
    return newer and later.start <= earlier.start and later.last >= earlier.last


def _get(data: Mapping[str, Any], *path: str) -> Any:
    found: Any = data
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
