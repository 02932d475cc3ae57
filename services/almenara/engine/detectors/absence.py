"""The detector of absence: A happened, and no B with the same keys around it by the deadline.

Raised when the clock reaches max(A.end + timespan + publish_lag, A.recorded) + grace, once per A. An alert says "not
found" only when every source named under `coverage` was read with success, over the whole window, after it closed.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from almenara.domain.alert import Change, Evidence, Matched, Reason, Search
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.coverage import Readings
from almenara.engine.detectors.detector import Signal
from almenara.engine.detectors.keys import Key, keys_of, read_key
from almenara.engine.rule import AbsenceRule, OnLate


class Status(StrEnum):
    """Where one A stands."""

    PENDING = "pending"
    RAISED = "raised"
    UNCHECKED = "unchecked"
    MET = "met"
    CLOSED = "closed"


_OPEN: Final = (Status.PENDING, Status.RAISED, Status.UNCHECKED)


@dataclass(slots=True)
class Anchor:
    """One A: its event, its deadline, and where it stands."""

    event: Event
    deadline: datetime
    status: Status = Status.PENDING
    matched: tuple[Matched, ...] = ()


@dataclass(slots=True)
class KeyState:
    """All A and all B of one key, by event id."""

    anchors: dict[str, Anchor] = field(default_factory=dict)
    entries: dict[str, Event] = field(default_factory=dict)


class AbsenceState(msgspec.Struct, tag="absence"):
    """All that the detector remembers; it is its snapshot."""

    keys: dict[Key, KeyState] = {}


class AbsenceDetector:
    """Watches one absence rule. `readings` are shared with the other rules of the engine."""

    refuses_late = False

    def __init__(self, rule: AbsenceRule, state: AbsenceState, readings: Readings) -> None:
        self.rule = rule
        self.state = state
        self._readings = readings
        self._due: list[tuple[datetime, datetime, str, Key]] = []
        # Both live only while one correction is taken: what waited since when, and the keys that lost an entry.
        self._waited: dict[str, datetime] = {}
        self._lost: list[Key] = []
        for key, held in state.keys.items():
            for anchor in held.anchors.values():
                if anchor.status == Status.PENDING:
                    self._schedule(key, anchor)

    def on_signal(self, signal: Signal, clock: datetime) -> list[Detection]:
        """Takes the event as A or as B. The correction of an A that was known before waits for no arrivals."""
        found: list[Detection] = []
        event = signal.event
        for key in keys_of(self.rule, signal.member, signal.view):
            held = self.state.keys.setdefault(key, KeyState())
            if signal.member == self.rule.entry:
                found += self._enter(key, held, event, clock)
            else:
                anchor = Anchor(event, self._deadline(event, signal.settled), matched=signal.matched())
                found += self._anchor(key, held, anchor, clock)
        return found

    def on_tick(self, clock: datetime) -> list[Detection]:
        """Raises what is due, in order of (deadline, A's time, A's id), however far the clock jumped."""
        found: list[Detection] = []
        while self._due and self._due[0][0] <= clock:
            deadline, _, event_id, key = heapq.heappop(self._due)
            anchor = self.state.keys[key].anchors.get(event_id)
            if anchor and anchor.status == Status.PENDING and anchor.deadline == deadline:
                found.append(self._raise(key, anchor, clock, Reason.DETECTED))
        return found

    def on_reading(self, source: str, clock: datetime) -> list[Detection]:
        """A source was read: what could not be checked may be checked now."""
        found: list[Detection] = []
        if not any(source in sources for sources in self.rule.coverage.values()):
            return found
        for key, held in self.state.keys.items():
            for anchor in _ordered(held.anchors.values()):
                if anchor.status == Status.UNCHECKED and not self._search(key, anchor.event).unread:
                    anchor.status = Status.RAISED
                    found.append(self._say(Change.UPDATED, Reason.SOURCE_READ, key, anchor, clock))
        return found

    def on_unread(self, source: str, clock: datetime) -> list[Detection]:
        """A reading of the source was taken back: what it alone had proven can no longer be said in full."""
        found: list[Detection] = []
        if not any(source in sources for sources in self.rule.coverage.values()):
            return found
        for key, held in self.state.keys.items():
            for anchor in _ordered(held.anchors.values()):
                if anchor.status == Status.RAISED and self._search(key, anchor.event).unread:
                    anchor.status = Status.UNCHECKED
                    found.append(self._say(Change.UPDATED, Reason.SOURCE_WITHDRAWN, key, anchor, clock))
        return found

    def remove(self, event_id: str, clock: datetime, *, correcting: bool = False) -> list[Detection]:
        """Takes an event out again (withdrawn or corrected): an A falls; without a B its A may stand again.

        A correction brings it back, changed; whose A then stand without a B is for `settle` to say.
        """
        found: list[Detection] = []
        for key, held in self.state.keys.items():
            anchor = held.anchors.pop(event_id, None)
            if anchor and anchor.status in (Status.RAISED, Status.UNCHECKED):
                found.append(self._say(Change.RETRACTED, Reason.SOURCE_WITHDRAWN, key, anchor, clock))
            if anchor and anchor.status == Status.PENDING and correcting:
                self._waited[event_id] = anchor.event.recorded
            if held.entries.pop(event_id, None) is None:
                continue
            if correcting:
                self._lost.append(key)
            else:
                found += self._without_entry(key, held, clock)
        return found

    def settle(self, clock: datetime) -> list[Detection]:
        """The end of a correction: the A that stand without a B now that the corrected event was taken."""
        lost, self._lost, self._waited = self._lost, [], {}
        return [said for key in lost for said in self._without_entry(key, self.state.keys[key], clock)]

    def holds(self, event_id: str) -> bool:
        """Whether the event is remembered, as A or as B."""
        return any(event_id in held.anchors or event_id in held.entries for held in self.state.keys.values())

    def account(self, event_id: str) -> Iterator[str]:
        """What is known of one A, for each of its keys: where it stands, what was searched, the B inside its window."""
        for key, held in self.state.keys.items():
            anchor = held.anchors.get(event_id)
            if anchor is not None:
                inside = [entry for entry in held.entries.values() if self._meets(entry, anchor.event)]
                yield _standing(anchor, inside)
                yield from _searched(anchor, self._search(key, anchor.event))

    def waiting(self) -> list[tuple[Event, datetime]]:
        """Every A that waits, with its deadline."""
        pending = (a for held in self.state.keys.values() for a in held.anchors.values() if a.status == Status.PENDING)
        return [(anchor.event, anchor.deadline) for anchor in _ordered(pending)]

    def _anchor(self, key: Key, held: KeyState, anchor: Anchor, clock: datetime) -> list[Detection]:
        if anchor.event.id in held.anchors:
            return []
        held.anchors[anchor.event.id] = anchor
        if any(self._meets(entry, anchor.event) for entry in held.entries.values()):
            anchor.status = Status.MET
            return []
        if anchor.deadline <= clock:
            return [self._raise(key, anchor, clock, Reason.DETECTED)]
        self._schedule(key, anchor)
        return []

    def _enter(self, key: Key, held: KeyState, entry: Event, clock: datetime) -> list[Detection]:
        held.entries[entry.id] = entry
        found: list[Detection] = []
        open_ = (a for a in held.anchors.values() if a.status in _OPEN and self._meets(entry, a.event))
        for anchor in _ordered(open_):
            if anchor.status == Status.PENDING:
                anchor.status = Status.MET
            elif anchor.status == Status.UNCHECKED:
                anchor.status = Status.CLOSED
                found.append(self._say(Change.RESOLVED, Reason.FOUND_WHEN_READ, key, anchor, clock, joined=(entry,)))
            elif anchor.status == Status.RAISED and self.rule.on_late != OnLate.IGNORE:
                anchor.status = Status.CLOSED
                late = self.rule.on_late == OnLate.RETRACT
                what, reason = (
                    (Change.RETRACTED, Reason.LATE_READING) if late else (Change.RESOLVED, Reason.REGISTERED_LATE)
                )
                found.append(self._say(what, reason, key, anchor, clock, joined=(entry,)))
        return found

    def _without_entry(self, key: Key, held: KeyState, clock: datetime) -> list[Detection]:
        found: list[Detection] = []
        for anchor in _ordered(held.anchors.values()):
            if anchor.status not in (Status.MET, Status.CLOSED):
                continue
            if any(self._meets(entry, anchor.event) for entry in held.entries.values()):
                continue
            if anchor.deadline <= clock:
                found.append(self._raise(key, anchor, clock, Reason.ENTRY_WITHDRAWN))
            else:
                anchor.status = Status.PENDING
                self._schedule(key, anchor)
        return found

    def _raise(self, key: Key, anchor: Anchor, clock: datetime, reason: Reason) -> Detection:
        unread = self._search(key, anchor.event).unread
        anchor.status = Status.UNCHECKED if unread else Status.RAISED
        return self._say(Change.RAISED, reason, key, anchor, clock)

    def _say(
        self,
        what: Change,
        reason: Reason,
        key: Key,
        anchor: Anchor,
        clock: datetime,
        *,
        joined: tuple[Event, ...] = (),
    ) -> Detection:
        search = self._search(key, anchor.event)
        return Detection(
            what=what,
            rule=self.rule.name,
            key=read_key(key),
            slot=anchor.event.id,
            at=clock,
            reason=reason,
            events=(anchor.event,),
            joined=joined,
            matched=anchor.matched,
            search=search,
            checked=anchor.status != Status.UNCHECKED,
        )

    def _search(self, key: Key, anchor: Event) -> Search:
        start, end = anchor.time - self.rule.look_back, anchor.end + self.rule.timespan
        sources = self.rule.sources(anchor.country)
        readings, unread = self._readings.over(sources, start, end)
        entries = self.state.keys[key].entries.values()
        return Search(
            start=start,
            end=end,
            coverage=sources,
            readings=readings,
            unread=unread,
            nearest=_nearest(anchor, [entry for entry in entries if not self._meets(entry, anchor)]),
        )

    def _meets(self, entry: Event, anchor: Event) -> bool:
        """Whether B lies in A's window; an interval counts when it overlaps. B is always another record than A."""
        start, end = anchor.time - self.rule.look_back, anchor.end + self.rule.timespan
        after_start = entry.until > start if entry.until else entry.time >= start
        return entry.id != anchor.id and entry.time <= end and after_start

    def _deadline(self, anchor: Event, settled: bool) -> datetime:
        closes = anchor.end + self.rule.timespan + self.rule.publish_lag
        waited = self._waited.get(anchor.id)
        if settled and waited is None:
            return closes
        # A correction of an A that still waits neither shortens its wait nor starts it anew.
        return max(closes, waited or anchor.recorded) + self.rule.grace

    def _schedule(self, key: Key, anchor: Anchor) -> None:
        heapq.heappush(self._due, (anchor.deadline, anchor.event.time, anchor.event.id, key))


def evidence(event: Event) -> Evidence:
    """The event as an alert carries it."""
    return Evidence(
        id=event.id,
        position=event.position,
        type=event.type,
        source=event.source,
        time=event.time,
        recorded=event.recorded,
        until=event.until,
        data=event.data,
    )


def _nearest(anchor: Event, entries: Sequence[Event]) -> tuple[Evidence, ...]:
    near = sorted(entries, key=lambda e: (abs(e.time - anchor.time), e.time, e.id))[:3]
    return tuple(evidence(entry) for entry in sorted(near, key=lambda e: (e.time, e.id)))


def _ordered(anchors: Iterable[Anchor]) -> list[Anchor]:
    return sorted(anchors, key=lambda a: (a.deadline, a.event.time, a.event.id))


def _standing(anchor: Anchor, inside: Sequence[Event]) -> str:
    entries = ", ".join(f"entry {entry.position}" for entry in inside)
    said = {
        Status.PENDING: f"not raised yet: waits until {_iso(anchor.deadline)}",
        Status.MET: f"not raised: {entries}, inside the window",
        Status.CLOSED: f"raised, then closed: {entries}",
        Status.RAISED: "raised",
        Status.UNCHECKED: "raised as: could not be checked",
    }
    return said[anchor.status]


def _searched(anchor: Anchor, search: Search) -> Iterator[str]:
    yield f"  window {_iso(search.start)} .. {_iso(search.end)}, deadline {_iso(anchor.deadline)}"
    for reading in search.readings:
        covers = f"{_iso(reading.covers_from)} .. {_iso(reading.covers_until)}"
        yield f"  read: {reading.source} at {_iso(reading.recorded)}, covers {covers} ({reading.position})"
    for source in search.unread:
        yield f"  not read over the whole window after it closed: {source}"
    for entry in search.nearest:
        yield f"  nearest entry outside the window: {_iso(entry.time)} ({entry.position})"


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
