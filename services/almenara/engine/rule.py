"""Compiled rules: what the engine runs. Made by `engine.ruleset`, which also finds the faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from almenara.engine.matching.condition import Condition

NO_TIME: Final = timedelta(0)
ANY_COUNTRY: Final = "*"


class OnLate(StrEnum):
    """What an entry does that arrives after the alert."""

    RESOLVE = "resolve"
    RETRACT = "retract"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePer:
    """A further event with the same values of `keys` inside `within` joins the open alert as another source."""

    keys: tuple[str, ...]
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has. `detection_hash` covers the name and what affects detection, not the words or the level.

    `alerts` is False for a rule that only feeds correlations. `shadow` rules are recorded and tell nobody.
    """

    name: str
    title: str
    level: str = "medium"
    version: int = 1
    shadow: bool = False
    alerts: bool = True
    tags: tuple[str, ...] = ()
    owner: str = ""
    say: Mapping[str, str] = field(default_factory=dict)
    say_unchecked: Mapping[str, str] = field(default_factory=dict)
    tests: Sequence[Mapping[str, Any]] = ()
    one_per: OnePer | None = None
    detection_hash: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleRule(Rule):
    """A rule over one event; `category` is the event type it looks at, empty for all."""

    condition: Condition
    category: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Rule):
    """A rule over several events, keyed by `group_by`; `aliases` name the field of each referenced rule."""

    rules: tuple[str, ...]
    timespan: timedelta
    group_by: tuple[str, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def field_of(self, group: str, rule: str) -> str:
        """The field that `group` means in events of `rule`."""
        return self.aliases.get(group, {}).get(rule, group)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRule(Correlation):
    """At least `count` events, or different values of `distinct`, inside a window of `timespan`."""

    count: int
    distinct: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRule(Correlation):
    """`anchor`, and no `entry` with the same keys around it: the rule that notices what did not happen.

    `coverage` maps a country (or `*`) to the sources that must have been read before "not found" may be said.
    """

    anchor: str
    entry: str
    look_back: timedelta = NO_TIME
    publish_lag: timedelta = NO_TIME
    grace: timedelta = NO_TIME
    on_late: OnLate = OnLate.RESOLVE
    coverage: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sources(self, country: str) -> tuple[str, ...]:
        """The sources that cover a country. Where others are named and this one is not, one that nobody can read."""
        if not self.coverage:
            return ()
        return self.coverage.get(country) or self.coverage.get(ANY_COUNTRY) or (f"no source named for {country}",)
