"""The detector of absence: A happened, and no B with the same keys around it by the deadline.

Raised when the clock reaches max(A.end + timespan + publish_lag, A.recorded) + grace, once per A and key. An alert says
"not found" only when every source named under `coverage` was read with success, over the whole window, after it closed.

An A is remembered until A.time + timespan + publish_lag + grace + `remember`, a B as long as any such A could meet it.
What comes later than that is late: it changes nothing, and `is_late` says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Final

from almenara.domain.alert import Change, Evidence, Reason, Search
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.account import account
from almenara.engine.detectors.coverage import Readings
from almenara.engine.detectors.deadlines import Deadlines
from almenara.engine.detectors.detector import Signal
from almenara.engine.detectors.kept import AbsenceState, Kept, Status, evidence_in, pack, unpack
from almenara.engine.detectors.keys import Key, Keys, read_key
from almenara.engine.detectors.moments import EPOCH, length, micros, moment
from almenara.engine.detectors.spans import PLACE, Spans
from almenara.engine.rule import AbsenceRule, OnLate

_OPEN: Final = (Status.PENDING, Status.RAISED, Status.UNCHECKED)
_TOLD: Final = (Status.RAISED, Status.UNCHECKED)
_SETTLED: Final = (Status.MET, Status.CLOSED)
_SLOTS: Final = 128
"""Into how many slots the usual wait is divided."""
_NEAREST: Final = 3


class AbsenceDetector:
    """Watches one absence rule. `readings` are shared with the other rules of the engine."""

    def __init__(self, rule: AbsenceRule, state: AbsenceState, readings: Readings) -> None:
        self.rule = rule
        self.state = state
        self._readings = readings
        for sources in rule.coverage.values():
            readings.watch(sources, rule.memory)
        self._keys = Keys(rule)
        self._look_back, self._timespan = length(rule.look_back), length(rule.timespan)
        self._lag, self._grace = length(rule.publish_lag), length(rule.grace)
        self._memory = length(rule.memory)
        self._clock, self._now = EPOCH, 0
        self._anchors: Spans[Key, Kept] = Spans()
        self._entries: Spans[Key, Kept] = Spans()
        # What was told under `coverage`, by the source it waits for; what could be checked under "".
        self._told: Spans[str, Kept] = Spans()
        self._due: Deadlines[Kept] = Deadlines((self._timespan + self._lag + self._grace) // _SLOTS)
        # Both live only while one correction is taken: when an A first became known, and the B that are gone.
        self._known: dict[str, int] = {}
        self._lost: list[Kept] = []
        for kept in state.all():
            kept.key = intern(kept.key)
            self._index(kept)

    def on_signal(self, signal: Signal, clock: datetime) -> list[Detection]:
        """Takes the event as A or as B, under each of its keys. What is late changes nothing."""
        found: list[Detection] = []
        keys = self._keys.of(signal.member, signal.view)
        if not keys or self.is_late(signal, clock):
            return found
        event, now = signal.event, self._at(clock)
        # An event that is known already is no other one.
        as_entry = signal.member == self.rule.entry and not self.state.knows(event.id, as_entry=True)
        as_anchor = signal.member == self.rule.anchor and not self.state.knows(event.id, as_entry=False)
        if not (as_entry or as_anchor):
            return found
        evidence = pack(signal.evidence, signal.matched() if as_anchor else ())
        for nth, key in enumerate(keys):
            if as_entry:
                found += self._enter(self._entry(event, nth, key, evidence), clock)
            if as_anchor:
                found += self._wait(self._anchor(event, nth, key, evidence), now, clock)
        return found

    def is_late(self, signal: Signal, clock: datetime) -> bool:
        """Whether the event comes when what it needs may be forgotten: it is not counted."""
        event, remember = signal.event, self.rule.remember
        if event.until is None and max(clock, event.recorded) - event.time < remember:
            return False
        now = self._at(clock)
        if signal.member != self.rule.anchor:
            return _last(event) + self._memory <= now
        anchor = self._anchor(event, 0, "", b"")
        return self._forgotten(anchor) <= now or self._forgotten(anchor) < anchor.due

    def on_tick(self, clock: datetime) -> list[Detection]:
        """Raises what is due, in order of (deadline, A's time, A's id), however far the clock jumped."""
        found: list[Detection] = []
        now = self._at(clock)
        for kept in self._due.until(now):
            if kept.status is Status.GONE:
                continue
            if kept.ends:
                self._forget(kept)
                continue
            if kept.status is Status.PENDING:
                found.append(self._raise(kept, clock, Reason.DETECTED))
            kept.due, kept.ends = self._forgotten(kept), True
            self._due.add(kept)
        self._readings.forget(now)
        return found

    def on_reading(self, source: str, clock: datetime) -> list[Detection]:
        """A source was read: what waits for it may be checked now."""
        found: list[Detection] = []
        for kept in self._ordered(self._told.over(source, *self._readings.added)):
            unread = self._unread(kept)
            if unread != source:
                self._tell(kept, unread)
                if not unread:
                    found.append(self._say(Change.UPDATED, Reason.SOURCE_READ, kept, clock))
        return found

    def on_unread(self, source: str, clock: datetime) -> list[Detection]:
        """A reading of the source was taken back: what it alone had proven can no longer be said in full."""
        found: list[Detection] = []
        for kept in self._ordered(self._told.over("", *self._readings.removed)):
            unread = self._unread(kept)
            if unread:
                self._tell(kept, unread)
                found.append(self._say(Change.UPDATED, Reason.SOURCE_WITHDRAWN, kept, clock))
        return found

    def remove(self, event_id: str, clock: datetime, *, correcting: bool = False) -> list[Detection]:
        """Takes an event out again (withdrawn or corrected): an A falls; without a B its A may stand again.

        A correction brings it back, changed; whose A then stand without a B is for `settle` to say.
        """
        found: list[Detection] = []
        for kept in self.state.of(event_id):
            self._forget(kept)
            if kept.status is Status.ENTRY:
                if correcting:
                    self._lost.append(kept)
                else:
                    found += self._without(kept, clock)
            else:
                if correcting:
                    self._known[event_id] = kept.known
                if kept.status in _TOLD:
                    found.append(self._say(Change.RETRACTED, Reason.SOURCE_WITHDRAWN, kept, clock))
            kept.status, kept.evidence = Status.GONE, b""
        return found

    def settle(self, clock: datetime) -> list[Detection]:
        """The end of a correction: the A that stand without a B now that the corrected event was taken."""
        lost, self._lost, self._known = self._lost, [], {}
        return [said for entry in lost for said in self._without(entry, clock)]

    def holds(self, event_id: str) -> bool:
        """Whether the event is remembered, as A or as B."""
        return event_id in self.state.kept

    def account(self, event_id: str) -> Iterator[str]:
        """What is known of one A, for each of its keys: where it stands, what was searched, the B inside its window."""
        for kept in self.state.of(event_id):
            if kept.status is not Status.ENTRY:
                inside = [unpack(entry).event for entry in self._met_by(kept)]
                yield from account(kept.status, moment(self._deadline(kept)), inside, self._search(kept))

    def waiting(self) -> list[tuple[Event, datetime]]:
        """Every A that waits, with its deadline."""
        pending = self._ordered(kept for kept in self.state.all() if kept.status is Status.PENDING)
        return [(unpack(kept).event, moment(self._deadline(kept))) for kept in pending]

    # The fields of a Kept stand in their order here: by name they take twice as long.

    def _entry(self, event: Event, nth: int, key: Key, evidence: bytes) -> Kept:
        start = micros(event.time)
        last = micros(event.until) - 1 if event.until else start
        due = last + self._memory
        return Kept(due, True, start, event.id, nth, Status.ENTRY, last, 0, key, event.country, evidence)

    def _anchor(self, event: Event, nth: int, key: Key, evidence: bytes) -> Kept:
        time = micros(event.time)
        start = time - self._look_back
        last = (micros(event.until) if event.until else time) + self._timespan
        # A correction of an A neither shortens its wait nor starts it anew.
        known = self._known.get(event.id) or micros(event.recorded)
        due = max(last + self._lag, known) + self._grace
        return Kept(due, False, start, event.id, nth, Status.PENDING, last, known, key, event.country, evidence)

    def _deadline(self, anchor: Kept) -> int:
        return max(anchor.last + self._lag, anchor.known) + self._grace

    def _forgotten(self, kept: Kept) -> int:
        return (kept.last if kept.status is Status.ENTRY else kept.start) + self._memory

    def _wait(self, anchor: Kept, now: int, clock: datetime) -> list[Detection]:
        in_time = anchor.due > now
        if not in_time:
            anchor.due, anchor.ends = self._forgotten(anchor), True
        self.state.add(anchor)
        self._index(anchor)
        if self._met_by(anchor):
            anchor.status = Status.MET
        elif not in_time:
            return [self._raise(anchor, clock, Reason.DETECTED)]
        return []

    def _enter(self, entry: Kept, clock: datetime) -> list[Detection]:
        found: list[Detection] = []
        self.state.add(entry)
        self._index(entry)
        # Almost always one or none; B is always another record than A.
        open_ = [a for a in self._anchors.over(entry.key, entry.start, entry.last) if a.status in _OPEN]
        for anchor in self._ordered(open_) if len(open_) > 1 else open_:
            if anchor.id == entry.id:
                continue
            if anchor.status is Status.PENDING:
                anchor.status = Status.MET
            elif anchor.status is Status.UNCHECKED:
                found.append(self._close(Change.RESOLVED, Reason.FOUND_WHEN_READ, anchor, entry, clock))
            elif self.rule.on_late is OnLate.RESOLVE:
                found.append(self._close(Change.RESOLVED, Reason.REGISTERED_LATE, anchor, entry, clock))
            elif self.rule.on_late is OnLate.RETRACT:
                found.append(self._close(Change.RETRACTED, Reason.LATE_READING, anchor, entry, clock))
        return found

    def _without(self, entry: Kept, clock: datetime) -> list[Detection]:
        """The A that this B, which is gone, had met, and no other B does."""
        found: list[Detection] = []
        for anchor in self._ordered(self._anchors.over(entry.key, entry.start, entry.last)):
            if anchor.status in _SETTLED and not self._met_by(anchor):
                if self._deadline(anchor) <= self._at(clock):
                    found.append(self._raise(anchor, clock, Reason.ENTRY_WITHDRAWN))
                else:
                    anchor.status = Status.PENDING
        return found

    def _raise(self, anchor: Kept, clock: datetime, reason: Reason) -> Detection:
        self._tell(anchor, self._unread(anchor))
        return self._say(Change.RAISED, reason, anchor, clock)

    def _close(self, what: Change, reason: Reason, anchor: Kept, entry: Kept, clock: datetime) -> Detection:
        self._untell(anchor)
        anchor.status = Status.CLOSED
        return self._say(what, reason, anchor, clock, joined=unpack(entry).events)

    def _say(
        self, what: Change, reason: Reason, anchor: Kept, clock: datetime, *, joined: tuple[Event, ...] = ()
    ) -> Detection:
        shown = unpack(anchor)
        return Detection(
            what=what,
            rule=self.rule.name,
            key=read_key(anchor.key),
            slot=anchor.id,
            at=clock,
            reason=reason,
            events=shown.events,
            joined=joined,
            matched=shown.matched,
            search=self._search(anchor),
            checked=anchor.status is not Status.UNCHECKED,
        )

    def _search(self, anchor: Kept) -> Search:
        sources = self.rule.sources(anchor.country)
        readings, unread = self._readings.over(sources, anchor.start, anchor.last)
        return Search(
            start=moment(anchor.start),
            end=moment(anchor.last),
            coverage=sources,
            readings=readings,
            unread=unread,
            nearest=self._nearest(anchor),
        )

    def _unread(self, anchor: Kept) -> str:
        """The first source that lacks a reading of the whole window after it closed; empty when none does."""
        if not self.rule.coverage:
            return ""
        _, unread = self._readings.over(self.rule.sources(anchor.country), anchor.start, anchor.last)
        return unread[0] if unread else ""

    def _tell(self, anchor: Kept, unread: str) -> None:
        """Notes what an alert says of its A: that a source was not read, or that nothing was found."""
        self._untell(anchor)
        anchor.status = Status.UNCHECKED if unread else Status.RAISED
        anchor.waits_for = unread
        if self.rule.coverage:
            self._told.add(unread, anchor)

    def _untell(self, anchor: Kept) -> None:
        if self.rule.coverage and anchor.status in _TOLD:
            self._told.remove(anchor.waits_for, anchor)

    def _met_by(self, anchor: Kept) -> Sequence[Kept]:
        """The B inside A's window; an interval counts when it overlaps. B is always another record than A."""
        inside = self._entries.over(anchor.key, anchor.start, anchor.last)
        return [entry for entry in inside if entry.id != anchor.id] if inside else inside

    def _nearest(self, anchor: Kept) -> tuple[Evidence, ...]:
        """The B nearest to A outside its window, by their time: at most three, in order of time."""
        time = anchor.start + self._look_back
        near = [
            *self._first(self._entries.before(anchor.key, time), anchor),
            *self._first(self._entries.after(anchor.key, time), anchor),
        ]
        if len(near) > _NEAREST:
            near.sort(key=lambda entry: (abs(entry.start - time), entry.start, entry.id))
            del near[_NEAREST:]
        if len(near) > 1:
            near.sort(key=PLACE)
        return tuple([_shown(entry.evidence) for entry in near])

    @staticmethod
    def _first(entries: Iterable[Kept], anchor: Kept) -> list[Kept]:
        """The first few that are neither inside A's window nor A itself, and those that start with the last of them."""
        start, last, uid = anchor.start, anchor.last, anchor.id
        found: list[Kept] = []
        for entry in entries:
            if len(found) >= _NEAREST and entry.start != found[-1].start:
                break  # those with the same start stay, so that ids can decide
            if (entry.start > last or entry.last < start) and entry.id != uid:
                found.append(entry)
        return found

    def _index(self, kept: Kept) -> None:
        (self._entries if kept.status is Status.ENTRY else self._anchors).add(kept.key, kept)
        if kept.status in _TOLD and self.rule.coverage:
            self._told.add(kept.waits_for, kept)
        self._due.add(kept)

    def _forget(self, kept: Kept) -> None:
        """Takes it out of everything but the queue, which lets go of it when its time comes."""
        self.state.remove(kept)
        (self._entries if kept.status is Status.ENTRY else self._anchors).remove(kept.key, kept)
        self._untell(kept)

    def _ordered(self, anchors: Iterable[Kept]) -> list[Kept]:
        return sorted(anchors, key=lambda a: (self._deadline(a), a.start, a.id, a.nth))

    def _at(self, clock: datetime) -> int:
        if clock is not self._clock:
            self._clock, self._now = clock, micros(clock)
        return self._now


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


@lru_cache(maxsize=64)
def _shown(packed: bytes) -> Evidence:
    """What an alert shows of a B. The same few B are the nearest ones of each A in turn."""
    return evidence_in(packed)


def _last(event: Event) -> int:
    """The last moment of the event: an interval is half-open, a moment is itself."""
    return micros(event.until) - 1 if event.until else micros(event.time)
