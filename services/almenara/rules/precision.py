"""How often what rules said was true, by the judgements of people: per rule, per watchlist entry, per alias. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from almenara.domain.alert import Alert, Matched
from almenara.engine.folding import fold
from almenara.engine.view import lookup
from almenara.engine.watchlist import names_of

TRUE: Final = "true"
FALSE: Final = "false"
UNCLEAR: Final = "unclear"
_Z: Final = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: a two-sided interval of 95 %."""


def wilson(true: int, decided: int) -> tuple[float, float]:
    """The Wilson score interval (95 %) of a share: honest for few judgements, and inside 0 to 1. (0, 1) for none."""
    if not decided:
        return 0.0, 1.0
    share, spread = true / decided, _Z * _Z / decided
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / decided + spread / (4 * decided)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(slots=True)
class Tally:
    """How alerts were judged; `judged` are all that somebody looked at, `decided` those judged true or false."""

    true: int = 0
    false: int = 0
    unclear: int = 0
    unjudged: int = 0

    def add(self, judgement: str) -> None:
        """Counts one alert."""
        name = judgement if judgement in (TRUE, FALSE, UNCLEAR) else "unjudged"
        setattr(self, name, getattr(self, name) + 1)

    @property
    def decided(self) -> int:
        """How many the precision is of."""
        return self.true + self.false

    @property
    def judged(self) -> int:
        """How many somebody looked at."""
        return self.decided + self.unclear

    @property
    def precision(self) -> float | None:
        """The share of the decided ones that were true; None while none is decided."""
        return self.true / self.decided if self.decided else None

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval of the precision."""
        return wilson(self.true, self.decided)


@dataclass(slots=True)
class RuleRecord:
    """A rule's alerts, and how they were judged. Those of other versions of the rule are counted and not judged."""

    rule: str
    tally: Tally = field(default_factory=Tally)
    alerts: list[Alert] = field(default_factory=list)
    other_versions: int = 0


@dataclass(slots=True)
class EntryRecord:
    """A watchlist entry that alerts matched; `aliases` are the names by which it was met, each with its own tally."""

    watchlist: str
    id: str
    name: str
    tally: Tally = field(default_factory=Tally)
    aliases: dict[str, Tally] = field(default_factory=dict)


def by_rule(alerts: Iterable[Alert], versions: Mapping[str, int]) -> list[RuleRecord]:
    """The record of every rule, in order of name; of a rule in `versions` only alerts of that version are judged."""
    found: dict[str, RuleRecord] = {}
    for alert in alerts:
        record = found.setdefault(alert.rule, RuleRecord(alert.rule))
        if versions.get(alert.rule, alert.rule_version) != alert.rule_version:
            record.other_versions += 1
            continue
        record.tally.add(alert.judgement)
        record.alerts.append(alert)
    return [found[name] for name in sorted(found)]


def by_entry(alerts: Iterable[Alert]) -> list[EntryRecord]:
    """The record of every watchlist entry that an alert matched, in order of list and id."""
    found: dict[tuple[str, str], EntryRecord] = {}
    for alert in alerts:
        met: dict[tuple[str, str], set[str]] = {}
        for matched in alert.matched:
            if matched.entry:
                key = matched.watchlist, matched.entry["id"]
                found.setdefault(key, EntryRecord(*key, matched.entry.get("name", "")))
                met.setdefault(key, set()).update(_names(matched, alert))
        for key, names in met.items():
            found[key].tally.add(alert.judgement)
            for name in sorted(names):
                found[key].aliases.setdefault(name, Tally()).add(alert.judgement)
    return [found[key] for key in sorted(found)]


def _names(matched: Matched, alert: Alert) -> Iterator[str]:
    """The spellings of the entry that stood in the events: rules compare ids, people write names beside them."""
    spellings = {fold(name): name for name in names_of(matched.entry)}
    paths = [matched.field]
    if matched.field.endswith(".id"):
        paths.append(f"{matched.field.removesuffix('.id')}.name")
    for event in alert.events:
        for text in _texts(event.data, paths):
            if fold(text) in spellings:
                yield spellings[fold(text)]


def _texts(data: Mapping[str, object], paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        yield from (value for value in lookup(data, path) if isinstance(value, str))
