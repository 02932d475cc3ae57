"""What is sound and yet looks wrong: rules that can never fire, that cost every event, that say the same, and more.

Warnings stop nothing. Pure: a compiled ruleset with its texts in, warnings with places and cures out; today's date is
given in. What is told of conditions is sure (`engine.matching.logic`); where it is not sure, nothing is told.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, get_type_hints, is_typeddict

from almenara.domain.errors import Fault
from almenara.domain.event import CHECKED, OBSERVED_TYPES
from almenara.engine.matching.condition import lists_in
from almenara.engine.matching.logic import Logic
from almenara.engine.matching.witness import witnesses
from almenara.engine.reading.documents import Path
from almenara.engine.reading.modifiers import nearest
from almenara.engine.reading.places import documents_by_rule
from almenara.engine.rule import (
    AbsenceRule,
    AnyRule,
    AtLeast,
    Correlation,
    Missing,
    OrderedRule,
    Presence,
    SingleRule,
    TemporalRule,
)
from almenara.engine.ruleset import Content, Ruleset
from almenara.ports.shapes import SHAPES
from almenara.rules.idle_items import idle_items
from almenara.rules.list_warnings import list_warnings
from almenara.rules.overlaps import overlaps, source_of
from almenara.rules.warned import Kind, Warned

_SEEN: Final = (*OBSERVED_TYPES, CHECKED)
_OURS: Final = ("", "almenara")
_ALONE: Final = "only `rules eval` over other logs can use it"


def warnings(content: Content, ruleset: Ruleset, today: date) -> list[Warned]:
    """Every warning, in order of place."""
    found = [*_Warner(content, ruleset).all(), *_filters(ruleset, today), *list_warnings(content, ruleset, today)]
    return sorted(found, key=lambda one: (one.fault.file, one.fault.line, one.fault.column, one.kind))


class _Warner:
    def __init__(self, content: Content, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._documents = documents_by_rule(content.files)
        self._dead: set[str] = set()

    def all(self) -> Iterator[Warned]:
        """Every warning about rules; members stand before the correlations over them."""
        for rule in self._ruleset.rules:
            yield from self._of_single(rule) if isinstance(rule, SingleRule) else self._of_correlation(rule)
            if rule.alerts:
                yield from self._manners(rule)
        yield from self._costs()
        yield from self._overlaps()

    def _of_single(self, rule: SingleRule) -> Iterator[Warned]:
        why = self._why_never(rule)
        if why is not None:
            path, what, cure = why
            self._dead.add(rule.name)
            yield self._warn(Kind.NEVER, rule, path, f"{rule.name} can never fire: {what}", cure)
            return
        for item, what, cure in idle_items(self._documents[rule.name], self._ruleset.lists, self._logic(rule)):
            yield self._warn(Kind.IDLE_ITEM, rule, ("detection", item), what, cure)

    def _of_correlation(self, rule: Correlation) -> Iterator[Warned]:
        dead = sorted(self._dead.intersection(rule.rules))
        path = ("correlation", "rules")
        if _is_dead(rule, self._dead):
            self._dead.add(rule.name)
            what = f"{rule.name} can never fire, because {' and '.join(dead)} cannot"
            yield self._warn(Kind.NEVER, rule, path, what, f"mend {dead[0]}")
        elif isinstance(rule, AbsenceRule) and rule.entry in self._dead:
            what = f"{rule.name} fires for every {rule.anchor}, because {rule.entry} can never come"
            yield self._warn(Kind.ALWAYS, rule, path, what, f"mend {rule.entry}")

    def _why_never(self, rule: SingleRule) -> tuple[Path, str, str] | None:
        """Where it is said that the rule can never fire, why, and what to do; None where it may."""
        if rule.product not in _OURS or rule.service:
            other = f"service {rule.service}" if rule.service else f"product {rule.product}"
            return ("logsource",), f"no event of Almenara is of {other}", f"write product: almenara; {_ALONE}"
        if rule.category and rule.category not in _SEEN:
            cure = nearest(rule.category, _SEEN, f"one of {', '.join(_SEEN)}")
            return ("logsource",), f"'{rule.category}' is no type of event that rules see", cure
        logic, source = self._logic(rule), source_of(rule)
        if not logic.never(rule.expression, source):
            return None
        if not logic.never(rule.unfiltered, source):
            names = ", ".join(held.name for held in rule.filters)
            return ("title",), f"filters hold back all that it finds ({names})", "narrow the filters"
        lists = self._ruleset.lists
        filled = {name: listed for name, listed in lists.items() if listed.entries}
        if not Logic(filled, logic.single).never(rule.unfiltered, source):
            empty = ", ".join(sorted(lists_in(rule.unfiltered) - set(filled)))
            return ("detection",), f"the watchlist {empty} has no entries", f"add entries to watchlists/{empty}.csv"
        cure = "look for a field that would need two values, or for what is asked for and excluded at once"
        return ("detection", "condition"), "its condition contradicts itself", cure

    def _logic(self, rule: SingleRule) -> Logic:
        return Logic(self._ruleset.lists, lambda path: has_one_value(rule.category, path))

    def _manners(self, rule: AnyRule) -> Iterator[Warned]:
        """What a rule that tells people should have."""
        if not rule.tests:
            cure = "add almenara: {tests: [...]} with the events that must raise it, and those that must not"
            yield self._warn(Kind.UNTESTED, rule, ("title",), f"{rule.name} has no tests", cure)
        if not rule.owner:
            cure = "add almenara: {owner: NAME}"
            yield self._warn(Kind.UNOWNED, rule, ("title",), f"nobody answers for {rule.name}", cure)
        if "level" not in self._documents[rule.name].data:
            cure = "add level: informational, low, medium, high or critical"
            what = f"{rule.name} has no level, so it counts as {rule.level}"
            yield self._warn(Kind.UNLEVELLED, rule, ("title",), what, cure)

    def _costs(self) -> Iterator[Warned]:
        singles = [rule for rule in self._ruleset.rules if isinstance(rule, SingleRule)]
        for rule, witness in zip(singles, witnesses([rule.expression for rule in singles]), strict=True):
            if not (witness or rule.category or rule.name in self._dead):
                what = f"{rule.name} requires nothing that can be looked up: it is evaluated for every event"
                cure = "name its category, or add something that must be there: a text, an id, a number"
                yield self._warn(Kind.COSTLY, rule, ("detection",), what, cure)

    def _overlaps(self) -> Iterator[Warned]:
        alive = [rule for rule in self._ruleset.rules if rule.alerts and rule.name not in self._dead]
        for inner, outer, equal in overlaps(alive, self._logic):
            other = self._documents[outer.name]
            what = f"says the same as {outer.name}" if equal else f"fires only where {outer.name} fires too"
            path = "detection" if isinstance(inner, SingleRule) else "correlation"
            cure = f"keep one of the two, or tell them apart; the other is at {other.file}:{other.line('title')}"
            yield self._warn(Kind.OVERLAP, inner, (path,), f"{inner.name} {what}", cure)

    def _warn(self, kind: Kind, rule: AnyRule | Correlation, path: Path, what: str, cure: str) -> Warned:
        return Warned(kind, self._documents[rule.name].fault(path, what, cure))


def _filters(ruleset: Ruleset, today: date) -> Iterator[Warned]:
    """Filters past their last day."""
    filters = {held.name: held for rule in ruleset.rules if isinstance(rule, SingleRule) for held in rule.filters}
    for held in filters.values():
        if held.expires and held.expires < today.isoformat():
            what = f"the filter {held.name} expired on {held.expires} and holds back nothing that happens now"
            cure = "remove it, or set almenara.expires anew, with the reason"
            yield Warned(Kind.EXPIRED, Fault(held.file, held.line, what, cure))


def _is_dead(rule: Correlation, dead: set[str]) -> bool:
    """Whether a correlation can never fire when these rules never do."""
    if isinstance(rule, AbsenceRule):
        return rule.anchor in dead
    if isinstance(rule, OrderedRule):
        return any(dead.issuperset(step) for step in rule.steps)
    if isinstance(rule, TemporalRule):
        return not _may_hold(rule.condition, dead)
    return dead.issuperset(rule.rules)


def _may_hold(condition: Presence, dead: set[str]) -> bool:
    if isinstance(condition, Missing):
        return True
    if isinstance(condition, AtLeast):
        return sum(_may_hold(part, dead) for part in condition.parts) >= condition.count
    return condition.rule not in dead


def has_one_value(category: str, path: str) -> bool:
    """Whether a field of the events of a category has at most one value, as their shape is described."""
    if path.startswith("ce."):
        return True
    kind: Any = SHAPES.get(category)
    for name in path.split("."):
        hints: Mapping[str, Any] = get_type_hints(kind) if is_typeddict(kind) else {}
        kind = hints.get(name)
    return kind in (str, int, float, bool)
