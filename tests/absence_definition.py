"""What an absence must say, written straight from the promise: everything that is known is looked at again each time.

No indexes and no shortcuts, so that it can be read beside docs/rules.md. Shared by the tests of the detector.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.ruleset import Content, Ruleset, build

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)

RULES = """
title: A
name: a
logsource: {{product: almenara, category: {a}}}
detection: {{any: {{'k|exists': true}}, condition: any}}
---
title: B
name: b
logsource: {{product: almenara, category: {b}}}
detection: {{any: {{'k|exists': true}}, condition: any}}
---
title: {title}
name: missing
correlation: {{type: temporal, rules: [a, b], group-by: [k], timespan: {timespan}h, condition: a and not b}}
almenara:
  absence:
    anchor: a
    look_back: {look_back}h
    publish_lag: {lag}h
    grace: {grace}h
    remember: {remember}h
    on_late: {on_late}
    coverage: {coverage}
"""


@dataclass(frozen=True)
class Terms:
    """One absence rule, in hours; `a` and `b` are the event types, `coverage` its sources."""

    look_back: int = 6
    timespan: int = 12
    lag: int = 8
    grace: int = 3
    remember: int = 400 * 24
    on_late: str = "resolve"
    coverage: tuple[str, ...] = ()
    a: str = "meeting.held"
    b: str = "meeting.registered"

    def text(self, title: str = "A without B") -> str:
        """The rule as people write it."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return RULES.format(**{**values, "coverage": list(self.coverage)}, title=title)

    @functools.cache  # noqa: B019 - they are few, and live as long as the tests
    def ruleset(self, title: str = "A without B") -> Ruleset:
        """The rule as the engine reads it. Another title is another ruleset with the same detection."""
        return build(Content({"rules/r.yml": self.text(title)}))


class Said(NamedTuple):
    """One statement about one A under one key; `nearest` are the ids of the B that are shown as near."""

    what: str
    reason: str
    a: str
    key: Any
    at: datetime
    checked: bool
    joined: tuple[str, ...]
    nearest: tuple[str, ...]


def said(detections: Iterable[Detection]) -> list[Said]:
    """What the engine said."""
    return [
        Said(
            str(d.what),
            str(d.reason),
            d.slot,
            d.key["k"],
            d.at,
            d.checked,
            tuple(event.id for event in d.joined),
            tuple(near.id for near in d.search.nearest) if d.search else (),
        )
        for d in detections
    ]


@dataclass
class A:
    """One A under one key: when it first became known, and what was told of it."""

    event: Event
    key: Any
    nth: int
    known: datetime
    told: str = ""


@dataclass
class B:
    """One B under one key."""

    event: Event
    key: Any

    @property
    def last(self) -> datetime:
        """Its last moment; an interval is half-open."""
        return self.event.until - INSTANT if self.event.until else self.event.time


@dataclass
class Read:
    """A reading that went well."""

    id: str
    source: str
    start: datetime
    until: datetime
    recorded: datetime


@dataclass
class Definition:
    """Takes the records of a stream in order and says what must be said."""

    terms: Terms
    clock: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    late: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        t = self.terms
        self.look_back, self.timespan = t.look_back * H, t.timespan * H
        self.lag, self.grace = t.lag * H, t.grace * H
        self.memory = (t.look_back + t.timespan + t.lag + t.grace + t.remember) * H
        self.all_a: list[A] = []
        self.all_b: list[B] = []
        self.read: list[Read] = []

    def take(self, event: Event) -> list[Said]:
        """One record."""
        if event.type == "tick":
            return list(self._tick(event.time))
        of = str(event.data.get("of", ""))
        if event.type == "event.withdrawn":
            fallen, alone = self._out(of)
            self.read = [r for r in self.read if r.id != of]
            return [*fallen, *self._stand(alone, "entry_withdrawn"), *self._unread("source_withdrawn")]
        if event.type == "event.corrected":
            return self._correct(event, of)
        return list(self._observe(event, event.recorded))

    def window(self, a: A) -> tuple[datetime, datetime]:
        """Where the time of B may lie."""
        return a.event.time - self.look_back, a.event.end + self.timespan

    def deadline(self, a: A) -> datetime:
        """When the clock must be reached."""
        return max(a.event.end + self.timespan + self.lag, a.known) + self.grace

    def meets(self, b: B, a: A) -> bool:
        """Whether this B is one for this A."""
        start, end = self.window(a)
        return b.key == a.key and b.event.id != a.event.id and b.event.time <= end and b.last >= start

    def forgotten(self, thing: A | B) -> datetime:
        """From when on it is not remembered."""
        return (self.window(thing)[0] if isinstance(thing, A) else thing.last) + self.memory

    def in_order(self, found: Iterable[A]) -> list[A]:
        """As they are told."""
        return sorted(found, key=lambda a: (self.deadline(a), a.event.time, a.event.id, a.nth))

    def _met(self, a: A) -> bool:
        return any(self.meets(b, a) for b in self.all_b)

    def _tick(self, to: datetime) -> Iterator[Said]:
        if to <= self.clock:
            return
        self.clock = to
        pending = [a for a in self.all_a if not a.told and not self._met(a)]
        for moment in sorted({self.deadline(a) for a in pending} | {self.forgotten(t) for t in self._things()}):
            if moment <= to:
                for a in self.in_order(a for a in pending if self.deadline(a) == moment):
                    yield self._raise(a, "detected")
                self.all_a = [a for a in self.all_a if self.forgotten(a) > moment]
                self.all_b = [b for b in self.all_b if self.forgotten(b) > moment]

    def _things(self) -> list[A | B]:
        return [*self.all_a, *self.all_b]

    def _observe(self, event: Event, known: datetime) -> Iterator[Said]:
        held = event.data.get("k")
        keys = [k for k in dict.fromkeys(held if isinstance(held, list) else [held]) if k is not None]
        # An event that is known already is no other one.
        known_a = any(one.event.id == event.id for one in self.all_a)
        known_b = any(one.event.id == event.id for one in self.all_b)
        if event.type == self.terms.a and not known_a:
            for nth, key in enumerate(keys):
                a = A(event, key, nth, known)
                if self.forgotten(a) <= self.clock or self.forgotten(a) < self.deadline(a):
                    self.late.append(event.id)
                else:
                    self.all_a.append(a)
                    if self.deadline(a) <= self.clock and not self._met(a):
                        yield self._raise(a, "detected")
        if event.type == self.terms.b and not known_b:
            for key in keys:
                b = B(event, key)
                if self.forgotten(b) <= self.clock:
                    self.late.append(event.id)
                else:
                    self.all_b.append(b)
                    yield from self._late_b(b)
        if event.type == "source.checked":
            yield from self._reading(event)

    def _late_b(self, b: B) -> Iterator[Said]:
        ends = {
            "resolve": ("resolved", "registered_late"),
            "retract": ("retracted", "late_reading"),
        }
        for a in self.in_order(a for a in self.all_a if self.meets(b, a)):
            if a.told == "unchecked":
                a.told = "closed"
                yield self._say("resolved", "found_when_read", a, (b.event.id,))
            elif a.told == "raised" and self.terms.on_late in ends:
                a.told = "closed"
                yield self._say(*ends[self.terms.on_late], a, (b.event.id,))

    def _reading(self, event: Event) -> Iterator[Said]:
        covers, source = event.data["covers"], event.data["source"]["id"]
        if event.data["outcome"] not in ("new", "unchanged") or source not in self.terms.coverage:
            return
        start, until = (datetime.fromisoformat(covers[edge]) for edge in ("from", "until"))
        new = Read(event.id, source, start, until, event.recorded)
        if any(self._outdoes(old, new) for old in self.read):
            return
        self.read = [*(old for old in self.read if not self._outdoes(new, old)), new]
        for a in self.in_order(a for a in self.all_a if a.told == "unchecked" and self._looked(a)):
            a.told = "raised"
            yield self._say("updated", "source_read", a)

    def _outdoes(self, new: Read, old: Read) -> bool:
        wider = new.source == old.source and new.start <= old.start and new.until >= old.until
        return wider and (new.recorded, new.id) >= (old.recorded, old.id)

    def _looked(self, a: A) -> bool:
        """Whether every source was read over the whole window after it closed."""
        start, end = self.window(a)
        for source in self.terms.coverage:
            reached: datetime | None = None
            fit = [r for r in self.read if r.source == source and r.recorded >= end and r.until >= start]
            for reading in sorted(fit, key=lambda r: r.start):
                if reading.start <= (reached or start):
                    reached = max(reached or start, reading.until)
            if reached is None or reached < end:
                return False
        return True

    def _out(self, of: str) -> tuple[list[Said], list[A]]:
        """Takes an event out: what falls with it, and the A that it had met."""
        fallen = [a for a in self.all_a if a.event.id == of]
        gone = [b for b in self.all_b if b.event.id == of]
        self.all_a = [a for a in self.all_a if a not in fallen]
        self.all_b = [b for b in self.all_b if b not in gone]
        alone = [a for b in gone for a in self.in_order(a for a in self.all_a if self.meets(b, a))]
        told = [a for a in fallen if a.told in ("raised", "unchecked")]
        return [self._say("retracted", "source_withdrawn", a) for a in told], alone

    def _stand(self, alone: Iterable[A], reason: str) -> Iterator[Said]:
        """Of those that had a B, the ones that have none now."""
        for a in alone:
            if a.told in ("", "closed") and not self._met(a) and self.deadline(a) <= self.clock:
                yield self._raise(a, reason)

    def _unread(self, reason: str) -> Iterator[Said]:
        for a in self.in_order(a for a in self.all_a if a.told == "raised" and not self._looked(a)):
            a.told = "unchecked"
            yield self._say("updated", reason, a)

    def _correct(self, event: Event, of: str) -> list[Said]:
        known = min((a.known for a in self.all_a if a.event.id == of), default=event.recorded)
        fallen, alone = self._out(of)
        self.read = [r for r in self.read if r.id != of]
        content = event.data["event"]
        until = content.get("until")
        now = replace(
            event,
            id=of,
            type=content["type"],
            time=datetime.fromisoformat(content["time"]),
            until=datetime.fromisoformat(until) if until else None,
            data=content["data"],
        )
        after = list(self._observe(now, known))
        after += [*self._stand(alone, "source_corrected"), *self._unread("source_corrected")]
        return _merged(fallen, after)

    def _raise(self, a: A, reason: str) -> Said:
        a.told = "raised" if self._looked(a) else "unchecked"
        return self._say("raised", reason, a)

    def _say(self, what: str, reason: str, a: A, joined: tuple[str, ...] = ()) -> Said:
        outside = [b for b in self.all_b if b.key == a.key and b.event.id != a.event.id and not self.meets(b, a)]
        near = sorted(outside, key=lambda b: (abs(b.event.time - a.event.time), b.event.time, b.event.id))[:3]
        ids = tuple(b.event.id for b in sorted(near, key=lambda b: (b.event.time, b.event.id)))
        return Said(what, reason, a.event.id, a.key, self.clock, a.told != "unchecked", joined, ids)


def _merged(fallen: Sequence[Said], after: Sequence[Said]) -> list[Said]:
    """What fell by a correction and stands again at once is an update."""
    found, rest = [], list(after)
    for one in fallen:
        again = next((s for s in rest if (s.a, s.key) == (one.a, one.key) and s.what in ("raised", "updated")), None)
        if again is None:
            found.append(one._replace(reason="source_corrected"))
        else:
            rest.remove(again)
            found.append(again._replace(what="updated", reason="source_corrected", joined=(again.a,)))
    return [*found, *rest]
