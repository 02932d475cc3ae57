"""What the rules over counted events look for: when each kind holds at an event, and what one alert of it is.

A pattern knows no clock and no order of arrival: only the entries of one key, in order of time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import product
from typing import Final, Protocol

from almenara.domain.alert import Matched
from almenara.engine.detectors.episodes import Episode, Group, alone, continued, runs
from almenara.engine.detectors.keys import MAX_KEYS
from almenara.engine.detectors.measures import distinct_of, enough, measured, number_of, values_in
from almenara.engine.detectors.moments import length
from almenara.engine.detectors.tracks import Entry, Range, Tracks, Value
from almenara.engine.rule import (
    NO_TIME,
    AggregateRule,
    AtLeast,
    Baseline,
    ChangeRule,
    Correlation,
    FirstSeenRule,
    Measure,
    Missing,
    OrderedRule,
    Presence,
    Present,
    TemporalRule,
)
from almenara.engine.view import View

Holds = Callable[[Tracks, str, int], bool]
Continued = tuple[list[tuple[Episode | None, Group]], list[tuple[Episode, bool]]]


class Pattern(Protocol):
    """One kind of rule. `span` is that of its windows, `kept` how far back it looks, both in microseconds.

    `quiet` is how long after the first signal of the rule it says nothing. An in-order event whose window holds
    fewer than `least` cannot make it hold. `explains`: its alerts say why their event met its conditions.
    """

    span: int
    kept: int
    quiet: int
    least: int
    explains: bool

    def values(self, member: str, view: View) -> tuple[Value, ...] | None:
        """What the rule remembers of an event; None for one that it does not count."""

    def holds(self, tracks: Tracks, key: str, at: int) -> bool:
        """Whether what the rule looks for holds at the entry at this place."""

    def zone(self, tracks: Tracks, key: str, entry: Entry) -> Range:
        """From when to when entries may hold, or not, because of this one."""

    def decide(self, tracks: Tracks, key: str, zone: Range, episodes: Sequence[Episode]) -> Continued:
        """The alerts that may be others now, and how those of before go on or end."""

    def spared(self, tracks: Tracks, key: str, episodes: Sequence[Episode]) -> Iterable[Range]:
        """The places of entries that are kept however old they are."""

    def told(self, tracks: Tracks, key: str, group: Group) -> tuple[Matched, ...]:
        """What an alert says of it beyond its events."""


class WindowPattern:
    """Something holds of the window of an event; windows that share events are one alert."""

    quiet = 0
    explains = False

    def __init__(self, rule: Correlation, holds: Holds, *, least: int = 0, back: timedelta = NO_TIME) -> None:
        self._rule = rule
        self.holds = holds
        self.least = least
        self.span = length(rule.timespan)
        self.kept = self.span + length(back)

    def values(self, member: str, view: View) -> tuple[Value, ...] | None:
        return ()

    def zone(self, tracks: Tracks, key: str, entry: Entry) -> Range:
        return entry.time, max(entry.end + self.kept, entry.time + 1)

    def decide(self, tracks: Tracks, key: str, zone: Range, episodes: Sequence[Episode]) -> Continued:
        start, end = zone
        touched = [e for e in episodes if e.last > start - self.span and e.first < end]
        start = min([start, *(episode.since for episode in touched)])
        end = max([end, *(episode.until + 1 for episode in touched)])
        entries = tracks.of(key)
        held = [at for at in tracks.between(key, start, end) if entries[at].held]
        return continued(touched, runs(tracks, key, held))

    def spared(self, tracks: Tracks, key: str, episodes: Sequence[Episode]) -> Iterator[Range]:
        # What stands in an alert, and around it all that its windows are judged by when one of them is withdrawn.
        for episode in episodes:
            places = tracks.between(
                key, episode.first - self.kept - tracks.longest(key), max(episode.last, episode.until) + self.kept
            )
            yield places.start, places.stop

    def told(self, tracks: Tracks, key: str, group: Group) -> tuple[Matched, ...]:
        return ()


class AggregatePattern(WindowPattern):
    """A measure over the window compares as asked, and, with a baseline, is so many times what is usual."""

    def __init__(self, rule: AggregateRule) -> None:
        self._aggregate = rule
        self._enough = enough(rule)
        self._baseline = rule.baseline
        counts = rule.measure == Measure.EVENTS and rule.op in ("gte", "gt")
        least = 0
        if counts:
            least = int(rule.bound) + 1 if rule.op == "gt" else -int(-rule.bound // 1)
        back = rule.baseline.of if rule.baseline else NO_TIME
        super().__init__(rule, self._holds, least=least, back=back)
        self.quiet = length(back)

    def values(self, member: str, view: View) -> tuple[Value, ...] | None:
        rule = self._aggregate
        if rule.measure == Measure.EVENTS:
            return ()
        fields = [[v for v in view.values(rule.field_of(path, member)) if v is not None] for path in rule.fields]
        if rule.measure == Measure.VALUES:
            found: list[Value] = [distinct_of(values) for values, _ in zip(product(*fields), range(MAX_KEYS))]  # noqa: B905
            return tuple(dict.fromkeys(found)) or None
        numbers = [number for value in fields[0] if (number := number_of(value)) is not None]
        return tuple(numbers) or None

    def told(self, tracks: Tracks, key: str, group: Group) -> tuple[Matched, ...]:
        rule = self._aggregate
        if self._baseline is None and rule.measure in (Measure.EVENTS, Measure.VALUES):
            return ()
        at = _place(tracks, key, group.latest)
        found = measured(rule, tracks.window(key, at))
        if self._baseline is not None:
            usual = float(self._usual(tracks, key, at, self._baseline))
            return (Matched(field="found", value=found), Matched(field="usual", value=round(usual, 3)))
        return (Matched(field=f"{rule.measure}({', '.join(rule.fields)})", value=found),)

    def _holds(self, tracks: Tracks, key: str, at: int) -> bool:
        window = tracks.window(key, at)
        if not self._enough(window):
            return False
        if self._baseline is None:
            return True
        least = Fraction(repr(self._baseline.at_least)) * self._usual(tracks, key, at, self._baseline)
        return measured(self._aggregate, window) >= least

    def _usual(self, tracks: Tracks, key: str, at: int, baseline: Baseline) -> Fraction:
        """What a timespan of the history before the window holds in the mean."""
        opens = tracks.of(key)[at].time - self.span
        history = [
            entry
            for entry in tracks.ending_after(key, at, opens - length(baseline.of))
            if entry.end <= opens and entry.time > opens - length(baseline.of)
        ]
        if self._aggregate.measure == Measure.EVENTS:
            total = len(history)
        else:
            slices: dict[int, list[Entry]] = {}
            for entry in history:
                slices.setdefault((opens - entry.time) // self.span, []).append(entry)
            total = sum(len(values_in(entries)) for entries in slices.values())
        return Fraction(total * self.span, length(baseline.of))


class FirstSeenPattern(WindowPattern):
    """The window holds the event alone; each event is an alert of its own."""

    explains = True

    def __init__(self, rule: FirstSeenRule) -> None:
        super().__init__(rule, lambda tracks, key, at: tracks.count(key, at) == 1)
        self.quiet = length(rule.learn)

    def decide(self, tracks: Tracks, key: str, zone: Range, episodes: Sequence[Episode]) -> Continued:
        return _one_by_one(tracks, key, zone, episodes, lambda at: [tracks.of(key)[at]])


class ChangePattern:
    """The value of an event differs from that of the one before it; each such event is an alert of its own."""

    span = kept = quiet = least = 0
    explains = True

    def __init__(self, rule: ChangeRule) -> None:
        self._field = rule.field
        self._rule = rule

    def values(self, member: str, view: View) -> tuple[Value, ...] | None:
        found = [value for value in view.values(self._rule.field_of(self._field, member)) if value is not None]
        return tuple(sorted({distinct_of([value]) for value in found})) or None

    def holds(self, tracks: Tracks, key: str, at: int) -> bool:
        entries = tracks.of(key)
        return at > 0 and entries[at].values != entries[at - 1].values

    def zone(self, tracks: Tracks, key: str, entry: Entry) -> Range:
        later = tracks.between(key, entry.time + 1, _NEVER)
        return entry.time, tracks.of(key)[later.start].time + 1 if later else entry.time + 1

    def decide(self, tracks: Tracks, key: str, zone: Range, episodes: Sequence[Episode]) -> Continued:
        return _one_by_one(tracks, key, zone, episodes, lambda at: tracks.of(key)[at - 1 : at + 1])

    def spared(self, tracks: Tracks, key: str, episodes: Sequence[Episode]) -> Iterator[Range]:
        # The latest value counts however old it is; so do the values around a change that was told.
        entries = tracks.of(key)
        expired = next((at for at, entry in enumerate(entries) if entry.end > tracks.state.horizon), len(entries))
        yield expired - 1, len(entries)
        told = {uid for episode in episodes for uid in episode.members}
        for at, entry in enumerate(entries):
            if entry.uid in told:
                yield at - 1, min(at + 2, len(entries))

    def told(self, tracks: Tracks, key: str, group: Group) -> tuple[Matched, ...]:
        before, now = (", ".join(str(value) for value in entry.values) for entry in group.members)
        return (Matched(field=self._field, value=now), Matched(field=f"{self._field} before", value=before))


_NEVER: Final = 1 << 62


def pattern_of(rule: Correlation) -> Pattern | None:
    """What a rule looks for; None for a kind that is not of this sort."""
    if isinstance(rule, AggregateRule):
        return AggregatePattern(rule)
    if isinstance(rule, TemporalRule):
        return WindowPattern(rule, _temporal(rule))
    if isinstance(rule, OrderedRule):
        return WindowPattern(rule, _ordered(rule))
    if isinstance(rule, FirstSeenRule):
        return FirstSeenPattern(rule)
    return ChangePattern(rule) if isinstance(rule, ChangeRule) else None


def present(condition: Presence, names: Sequence[str], mask: int) -> bool:
    """Whether the condition holds where just the members in `mask` (a bit for each of `names`) are there."""
    if isinstance(condition, Present):
        return bool(mask >> names.index(condition.rule) & 1)
    if isinstance(condition, Missing):
        return not present(condition.part, names, mask)
    return sum(present(part, names, mask) for part in condition.parts) >= condition.count


def all_of(names: Iterable[str]) -> Presence:
    """Every one of them."""
    parts = tuple(Present(name) for name in names)
    return AtLeast(len(parts), parts)


def _temporal(rule: TemporalRule) -> Holds:
    known: dict[int, bool] = {}

    def holds(tracks: Tracks, key: str, at: int) -> bool:
        mask = 0
        for entry in tracks.window(key, at):
            mask |= entry.members
        if mask not in known:
            known[mask] = present(rule.condition, rule.rules, mask)
        return known[mask]

    return holds


def _ordered(rule: OrderedRule) -> Holds:
    steps = [sum(1 << rule.rules.index(member) for member in step) for step in rule.steps]

    def holds(tracks: Tracks, key: str, at: int) -> bool:
        left = iter(steps)
        step = next(left, 0)
        for entry in tracks.window(key, at):
            if entry.members & step:
                step = next(left, 0)
                if not step:
                    return True
        return False

    return holds


def _one_by_one(
    tracks: Tracks,
    key: str,
    zone: Range,
    episodes: Sequence[Episode],
    members: Callable[[int], Sequence[Entry]],
) -> Continued:
    """Every entry that holds is an alert; what belongs to it is asked by its place."""
    start, end = zone
    entries = tracks.of(key)
    held = [at for at in tracks.between(key, start, end) if entries[at].held]
    now = [Group(members(at), entries[at], entries[at], [entries[at]]) for at in held]
    before = [episode for episode in episodes if start <= episode.until < end]
    going_on = alone(before, now)
    kept = [id(episode) for episode, _ in going_on if episode is not None]
    return going_on, [(episode, False) for episode in before if id(episode) not in kept]


def _place(tracks: Tracks, key: str, entry: Entry) -> int:
    entries = tracks.of(key)
    return next(at for at in reversed(range(len(entries))) if entries[at] is entry)
