"""Two folds of one record side by side: alerts gained, lost and changed, and messages more, less and moved. Pure.

Knows nothing of how either was folded; the *before* is what is active, the *after* what might become so.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from almenara.domain.alert import Alert, AlertChanged, Change


class Found(StrEnum):
    """How an alert differs."""

    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"


class Moved(StrEnum):
    """How a message differs: it comes in addition, no longer, or at another time."""

    MORE = "more"
    LESS = "less"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to, not including, `end`; None = without a bound. UTC."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in it."""
        return (self.start is None or at >= self.start) and self.before_end(at)

    def before_end(self, at: datetime) -> bool:
        """Whether the moment lies before its end."""
        return self.end is None or at < self.end

    def meets(self, other: "Range") -> bool:
        """Whether a moment of the other may lie in it; the end of the other counts as part of it."""
        begins = self.start is None or other.end is None or self.start <= other.end
        return begins and (other.start is None or self.before_end(other.start))


@dataclass(frozen=True, slots=True)
class Differing:
    """One thing that an alert says otherwise."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AlertDifference:
    """One alert that differs, as it stands at the end of the range; `differing` only where it changed."""

    found: Found
    alert: Alert
    differing: tuple[Differing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message as it was planned: to whom, by which channel, when (`at`), and of which change of which alert.

    `decided` is when the change happened, `headline` what its first line says.
    """

    subscriber: str
    channel: str
    via: str
    at: datetime
    decided: datetime
    alert: str
    cite: str
    change: Change
    headline: str = ""


@dataclass(frozen=True, slots=True)
class MessageDifference:
    """One message that differs. `before` is when the active set sends it, where only the time differs."""

    moved: Moved
    told: Told
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that differs, in order of time; and how many alerts and messages lie in the range on either side."""

    alerts: tuple[AlertDifference, ...]
    messages: tuple[MessageDifference, ...]
    alerts_seen: tuple[int, int] = (0, 0)
    messages_seen: tuple[int, int] = (0, 0)

    def count(self, found: Found) -> int:
        """How many alerts differ in this way."""
        return sum(one.found == found for one in self.alerts)

    def messages_by_channel(self) -> dict[Moved, dict[str, int]]:
        """How many messages differ, by way and channel; channels in order of name."""
        counted = Counter((one.moved, one.told.channel) for one in self.messages)
        return {moved: {c: n for (m, c), n in sorted(counted.items()) if m == moved} for moved in Moved}


@dataclass(frozen=True, slots=True)
class Side:
    """What one set of rules led to: every change of its alerts, each alert's in order, and every message."""

    changes: Sequence[AlertChanged] = ()
    told: Sequence[Told] = ()


_FACTS: Final = (
    "level", "title", "state", "raised_at", "checked", "shadow", "backfill", "key", "fields", "countries", "entities",
    "tags", "event_count",
)  # fmt: skip


def compare(before: Side, after: Side, within: Range) -> Compared:
    """What differs of the alerts that changed, and of the messages whose change happened, inside the range.

    An alert is one and the same by its uid (rule, country, key and slot). It is looked at as it stands at the end of
    the range: hash of the ruleset and version of the rule are not compared.
    """
    lives = _lives(before.changes, within), _lives(after.changes, within)
    seen = {uid for side in lives for uid, life in side.items() if any(within.holds(one.at) for one in life)}
    alerts = [one for uid in seen if (one := _alert(lives[0].get(uid, ()), lives[1].get(uid, ()))) is not None]
    told = [[one for one in side.told if within.holds(one.decided)] for side in (before, after)]
    messages = list(_messages(told[0], told[1]))
    return Compared(
        tuple(sorted(alerts, key=lambda one: (one.alert.raised_at, one.alert.uid))),
        tuple(sorted(messages, key=lambda one: (one.told.at, _about(one.told), one.moved))),
        (len(seen & lives[0].keys()), len(seen & lives[1].keys())),
        (len(told[0]), len(told[1])),
    )


def _lives(changes: Iterable[AlertChanged], within: Range) -> dict[str, list[AlertChanged]]:
    """By alert, what happened to it before the end of the range."""
    found: dict[str, list[AlertChanged]] = {}
    for changed in changes:
        if within.before_end(changed.at):
            found.setdefault(changed.alert.uid, []).append(changed)
    return found


def _alert(before: Sequence[AlertChanged], after: Sequence[AlertChanged]) -> AlertDifference | None:
    if not before:
        return AlertDifference(Found.GAINED, after[-1].alert)
    if not after:
        return AlertDifference(Found.LOST, before[-1].alert)
    old, new = before[-1].alert, after[-1].alert
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in _FACTS]
    pairs.append(("events", _ids(old), _ids(new)))
    pairs.append(("life", _life(before), _life(after)))
    differing = tuple(Differing(name, was, now) for name, was, now in pairs if was != now)
    return AlertDifference(Found.CHANGED, new, differing) if differing else None


def _ids(alert: Alert) -> tuple[str, ...]:
    return tuple(event.id for event in alert.events)


def _life(changes: Sequence[AlertChanged]) -> tuple[tuple[str, str, datetime], ...]:
    """What happened to the alert: change, reason and time of each step."""
    return tuple((str(one.change), str(one.reason), one.at) for one in changes)


def _messages(before: Iterable[Told], after: Iterable[Told]) -> Iterator[MessageDifference]:
    """Messages of the same to the same person by the same way are one: at the same time if there is one, else moved."""
    old, new = _by_place(before), _by_place(after)
    for place in old.keys() | new.keys():
        olds, news = _unpaired(old.get(place, []), new.get(place, []))
        both = min(len(olds), len(news))
        for was, now in zip(olds[:both], news[:both], strict=True):
            yield MessageDifference(Moved.MOVED, now, was.at)
        yield from (MessageDifference(Moved.LESS, one) for one in olds[both:])
        yield from (MessageDifference(Moved.MORE, one) for one in news[both:])


def _by_place(told: Iterable[Told]) -> dict[Hashable, list[Told]]:
    found: dict[Hashable, list[Told]] = defaultdict(list)
    for one in sorted(told, key=lambda one: one.at):
        found[_about(one)].append(one)
    return found


def _about(told: Told) -> tuple[str, str, str, str]:
    return told.subscriber, told.via, told.alert, str(told.change)


def _unpaired(old: list[Told], new: list[Told]) -> tuple[list[Told], list[Told]]:
    """Those of either side that have no twin at the same moment."""
    common = Counter(one.at for one in old) & Counter(one.at for one in new)
    return _without(old, common), _without(new, common)


def _without(told: list[Told], common: Counter[datetime]) -> list[Told]:
    left = Counter(common)
    kept = []
    for one in told:
        if left[one.at]:
            left[one.at] -= 1
        else:
            kept.append(one)
    return kept
