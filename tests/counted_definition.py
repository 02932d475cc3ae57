"""The definitions of docs/detectors.md, written out: slow, without state, over everything that is known in the end.

Shared by the tests of the detectors that look at counted events. Nothing of the engine is used but its events.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from almenara.domain.event import Event

Order = tuple[Any, str]


@dataclass(frozen=True)
class Counted:
    """One event under one key: what it is a member as, its values, and the events that an alert shows for it."""

    event: Event
    members: frozenset[str] = frozenset()
    values: tuple[Any, ...] = ()
    evidence: frozenset[str] = frozenset()

    @property
    def order(self) -> Order:
        return self.event.time, self.event.id

    @property
    def shown(self) -> frozenset[str]:
        return self.evidence or frozenset({self.event.id})


@dataclass(frozen=True)
class Alert:
    """The events of one alert, and the one at which it became true."""

    events: tuple[Counted, ...]
    moment: Counted

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(sorted({uid for counted in self.events for uid in counted.shown}))


Test = Callable[[Sequence[Counted]], bool]


def window(counted: Sequence[Counted], at: Counted, timespan: timedelta) -> list[Counted]:
    """What is not later than the event and ends less than the timespan before it."""
    return [x for x in counted if x.order <= at.order and x.event.end > at.event.time - timespan]


def episodes(counted: Iterable[Counted], timespan: timedelta, test: Callable[[Counted], bool]) -> list[Alert]:
    """Windows that hold and share events are one alert."""
    known = sorted(counted, key=lambda c: c.order)
    groups: list[tuple[Counted, list[Counted]]] = []
    for at in known:
        if not test(at):
            continue
        held = window(known, at, timespan)
        sharing = [group for group in groups if any(one in group[1] for one in held)]
        for group in sharing:
            groups.remove(group)
            held = [*held, *group[1]]
        moment = min([at, *(group[0] for group in sharing)], key=lambda c: c.order)
        groups.append((moment, held))
    return [Alert(tuple({one.order: one for one in held}.values()), moment) for moment, held in groups]


def of_windows(counted: Iterable[Counted], timespan: timedelta, test: Test) -> list[Alert]:
    """The alerts of a rule that asks something of a window."""
    known = list(counted)
    return episodes(known, timespan, lambda at: test(window(known, at, timespan)))


def with_baseline(
    counted: Iterable[Counted], timespan: timedelta, least: int, of: timedelta, times: str, *, loud_from: Any
) -> list[Alert]:
    """A count of at least `least`, and `times` the usual one of the time `of` before; nothing before `loud_from`."""
    known = list(counted)

    def test(at: Counted) -> bool:
        held = window(known, at, timespan)
        opens = at.event.time - timespan
        history = [x for x in known if x.order <= at.order and x.event.end <= opens and x.event.time > opens - of]
        usual = Fraction(len(history)) * Fraction(timespan // timedelta(seconds=1), of // timedelta(seconds=1))
        return at.event.time >= loud_from and len(held) >= least and len(held) >= Fraction(times) * usual

    return episodes(known, timespan, test)


def one_by_one(counted: Iterable[Counted], test: Callable[[Counted, Sequence[Counted]], bool]) -> list[Alert]:
    """Every event of which the test holds, given those before it, is an alert."""
    known = sorted(counted, key=lambda c: c.order)
    return [Alert((at,), at) for nth, at in enumerate(known) if test(at, known[:nth])]


def changes(counted: Iterable[Counted]) -> list[Alert]:
    """Every event whose value is not that of the one before, with that one."""
    known = sorted(counted, key=lambda c: c.order)
    return [Alert((before, now), now) for before, now in pairwise(known) if before.values != now.values]


def in_order(held: Sequence[Counted], steps: Sequence[str]) -> bool:
    """Whether different events meet the steps one after the other: every choice is tried."""
    ordered = sorted(held, key=lambda c: c.order)
    return any(
        all(a.order < b.order for a, b in pairwise(chosen))
        and all(step in one.members for step, one in zip(steps, chosen, strict=True))
        for chosen in product(ordered, repeat=len(steps))
    )


def values_of(held: Sequence[Counted]) -> list[Any]:
    """All values of a window."""
    return [value for counted in held for value in counted.values]
