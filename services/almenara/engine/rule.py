"""Compiled rules, as plain data: made by `engine.ruleset`, which also finds the faults; run by `engine.engine`.

They are `msgspec` structs, so that a compiled ruleset can be stored and read back without Sigma's parser.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from almenara.engine.expression import And, Field, Node, Not, Until

NO_TIME: Final = timedelta(0)
_DAY: Final = timedelta(days=1)
ANY_COUNTRY: Final = "*"
MATCH: Final = ":match"
"""Ends the name of the hidden rule over one event that feeds a rule which looks at the events before it as well."""
REMEMBER: Final = timedelta(days=400)
"""How long an absence is remembered after its deadline where the rule says nothing."""


class OnLate(StrEnum):
    """What an entry does that arrives after the alert."""

    RESOLVE = "resolve"
    RETRACT = "retract"
    IGNORE = "ignore"


class Measure(StrEnum):
    """What an aggregate measures over its window."""

    EVENTS = "events"
    VALUES = "values"
    SUM = "sum"
    AVERAGE = "average"
    PERCENTILE = "percentile"
    MEDIAN = "median"


class OnePer(msgspec.Struct, frozen=True, kw_only=True):
    """A further event with the same values of `keys` inside `within` joins the open alert as another source."""

    keys: tuple[str, ...]
    within: timedelta


class Rule(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
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
    say: Mapping[str, str] = {}
    say_unchecked: Mapping[str, str] = {}
    tests: Sequence[Mapping[str, Any]] = ()
    one_per: OnePer | None = None
    detection_hash: str = ""
    file: str = ""
    line: int = 0


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """An exception to rules over one event, a document of its own: events that meet `expression` are held back.

    `expires` (ISO) is the last day, of the event and in its country's zone, on which they are; empty: no end.
    """

    name: str
    expression: Node
    owner: str = ""
    reason: str = ""
    expires: str = ""
    file: str = ""
    line: int = 0

    @property
    def exclusion(self) -> Node:
        """What must hold for a rule to say something in spite of this filter."""
        if not self.expires:
            return Not(self.expression)
        return Not(And((self.expression, Field("ce.day", Until(self.expires)))))


class SingleRule(Rule, frozen=True, kw_only=True, tag="single"):
    """A rule over one event; `category` is the event type it looks at, empty for all.

    `unfiltered` is what the rule's own document says, `filters` are the exceptions to it.
    """

    unfiltered: Node
    filters: tuple[Filter, ...] = ()
    category: str = ""
    product: str = ""
    service: str = ""

    @property
    def expression(self) -> Node:
        """What an event must meet: the rule's own words and none of its filters."""
        if not self.filters:
            return self.unfiltered
        return And((self.unfiltered, *(found.exclusion for found in self.filters)))

    def looks_at(self, type_: str) -> bool:
        """Whether the rule's log source is that of an event of Almenara of this type; no event has a service."""
        return self.category in ("", type_) and self.product in ("", "almenara") and not self.service


class Correlation(Rule, frozen=True, kw_only=True):
    """A rule over what other rules said, keyed by `group_by`; `aliases` name the field of each referenced rule.

    `rules` are the members: rules over one event, or correlations (chaining). `grace` is how long a signal waits, by
    the stream's clock, so that those of one grace are taken in the order of their own time.
    """

    rules: tuple[str, ...]
    timespan: timedelta = NO_TIME
    group_by: tuple[str, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = {}
    grace: timedelta = NO_TIME

    def field_of(self, group: str, rule: str) -> str:
        """The field that `group` means in events of `rule`."""
        return self.aliases.get(group, {}).get(rule, group)

    @property
    def horizon(self) -> timedelta | None:
        """How far back, by the stream's clock, records can still matter to the rule; None: as far as the log goes."""
        return None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The measure must be `at_least` times the usual one of its key: that of the time `of` before, per timespan."""

    of: timedelta
    at_least: float


def is_hidden(rule: Rule) -> bool:
    """Whether the rule is no document of its own: it feeds a rule that looks at the events before it as well."""
    return rule.name.endswith(MATCH)


class WindowRule(Correlation, frozen=True, kw_only=True):
    """A rule over sliding windows of `timespan`. `fed_from` is how far back its members look (None: the whole log)."""

    fed_from: timedelta | None = NO_TIME

    @property
    def horizon(self) -> timedelta | None:
        """The timespan, the grace and what the members need, and the day of what is known only to the day.

        The ruleset's lateness comes on top.
        """
        return None if self.fed_from is None else self.timespan + self.grace + self.fed_from + _DAY


class AggregateRule(WindowRule, frozen=True, kw_only=True, tag="aggregate"):
    """A measure over the events inside a window of `timespan`, compared with `bound` as `op` (gte, gt, ...) says.

    `fields` are those whose values are counted, summed or averaged; `percentile` is from 1 to 99.
    """

    measure: Measure = Measure.EVENTS
    op: str = "gte"
    bound: int | float = 1
    fields: tuple[str, ...] = ()
    percentile: int = 50
    baseline: Baseline | None = None

    @property
    def horizon(self) -> timedelta | None:
        """As of every window; with a baseline the whole log, because its first signal says how long history is."""
        return None if self.baseline else super().horizon


class Present(msgspec.Struct, frozen=True, tag="present"):
    """The window holds something of this member."""

    rule: str


class AtLeast(msgspec.Struct, frozen=True, tag="at_least"):
    """So many of the parts hold: all of them is `and`, one is `or`."""

    count: int
    parts: tuple["Presence", ...]


class Missing(msgspec.Struct, frozen=True, tag="missing"):
    """The part does not hold."""

    part: "Presence"


Presence = Present | AtLeast | Missing
"""A condition over what a window holds."""


class TemporalRule(WindowRule, frozen=True, kw_only=True, tag="temporal"):
    """In one window of `timespan`, in any order, what `condition` asks for."""

    condition: Presence


class OrderedRule(WindowRule, frozen=True, kw_only=True, tag="ordered"):
    """In one window of `timespan`, one event after the other: for each step any of its members."""

    steps: tuple[tuple[str, ...], ...]


class FirstSeenRule(WindowRule, frozen=True, kw_only=True, tag="first_seen"):
    """No event with the same key in the `timespan` before; quiet for `learn` after the first signal of the rule."""

    learn: timedelta = NO_TIME

    @property
    def horizon(self) -> timedelta | None:
        """As of every window; where it learns the whole log, because the first signal says since when."""
        return None if self.learn else super().horizon


class ChangeRule(Correlation, frozen=True, kw_only=True, tag="change"):
    """The value of `field` differs from the one before with the same key, by the time of the events."""

    field: str


class AbsenceRule(Correlation, frozen=True, kw_only=True, tag="absence"):
    """`anchor`, and no `entry` with the same keys around it: the rule that notices what did not happen.

    `coverage` maps a country (or `*`) to the sources that must have been read before "not found" may be said. An A is
    forgotten `remember` after its deadline. `fed_from` is how far back its members look (None: the whole log).
    """

    anchor: str
    entry: str
    look_back: timedelta = NO_TIME
    publish_lag: timedelta = NO_TIME
    remember: timedelta = REMEMBER
    on_late: OnLate = OnLate.RESOLVE
    coverage: Mapping[str, tuple[str, ...]] = {}
    fed_from: timedelta | None = NO_TIME

    @property
    def memory(self) -> timedelta:
        """How long after the end of a B an A that it meets may still be remembered, or come."""
        return self.look_back + self.timespan + self.publish_lag + self.grace + self.remember

    @property
    def horizon(self) -> timedelta | None:
        """The memory, and what the members need; what is dated ahead of its record comes on top."""
        return None if self.fed_from is None else self.memory + self.fed_from

    def sources(self, country: str) -> tuple[str, ...]:
        """The sources that cover a country. Where others are named and this one is not, one that nobody can read."""
        if not self.coverage:
            return ()
        return self.coverage.get(country) or self.coverage.get(ANY_COUNTRY) or (f"no source named for {country}",)


AnyRule = SingleRule | AggregateRule | TemporalRule | OrderedRule | FirstSeenRule | ChangeRule | AbsenceRule


def goes_on(before: Rule, after: Rule) -> bool:
    """Whether the rule as it is goes on with the alerts of the rule as it was: it alerts, and names them the same way.

    An alert is named after the rule, its key, and an event that the kind of rule chooses; an absence chooses its A.
    """
    return after.alerts and _names(before) == _names(after)


def _names(rule: Rule) -> tuple[type[Rule], list[str], str]:
    keys = sorted(set(rule.group_by)) if isinstance(rule, Correlation) else []
    return type(rule), keys, rule.anchor if isinstance(rule, AbsenceRule) else ""
