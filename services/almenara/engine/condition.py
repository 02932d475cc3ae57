"""A Sigma detection as one predicate over an event, and its leaves for saying why it matched."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import Placeholder, SigmaExists, SigmaExpansion, SigmaFieldReference, SigmaNull, SigmaString

from almenara.domain.alert import Matched
from almenara.engine.match import Unsupported, test_of, text_of
from almenara.engine.view import View
from almenara.engine.watchlist import Watchlist

Predicate = Callable[[View], bool]
Lists = Mapping[str, Watchlist]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison that is not negated: the field, the test of one value, and the list it looks into, if any."""

    field: str
    test: Callable[[View, Any], bool]
    watchlist: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """The compiled condition of a rule; `names` are the watchlists it needs."""

    holds: Predicate
    leaves: tuple[Leaf, ...]
    names: frozenset[str]

    def why(self, view: View, lists: Lists) -> tuple[Matched, ...]:
        """The fields and values that made it true, with the watchlist entries they met, in order of the rule."""
        found: list[Matched] = []
        for leaf in self.leaves:
            for value in view.values(leaf.field):
                if leaf.test(view, value):
                    new = _matched(leaf, value, lists.get(leaf.watchlist))
                    if new not in found:
                        found.append(new)
        return tuple(found)


class ConditionCompiler:
    """Compiles parsed Sigma conditions against the watchlists of one ruleset."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._leaves: list[Leaf] = []
        self._names: set[str] = set()

    def compile(self, parsed: Any) -> Condition:
        """The condition. Raises Unsupported for what parses but has no meaning here."""
        self._leaves, self._names = [], set()
        holds = self._node(parsed, positive=True)
        return Condition(holds, tuple(self._leaves), frozenset(self._names))

    def _node(self, node: Any, *, positive: bool) -> Predicate:
        if isinstance(node, ConditionNOT):
            inner = self._node(node.args[0], positive=not positive)
            return lambda view: not inner(view)
        if isinstance(node, ConditionAND | ConditionOR):
            return self._group(node, positive=positive)
        if isinstance(node, ConditionFieldEqualsValueExpression):
            return self._field(node.field, node.value, positive=positive)
        if isinstance(node, ConditionValueExpression):
            return _keyword(node.value)
        raise Unsupported(f"{type(node).__name__} in a condition is not supported")

    def _group(self, node: ConditionItem, *, positive: bool) -> Predicate:
        parts = [self._node(arg, positive=positive) for arg in node.args]
        if isinstance(node, ConditionAND):
            return lambda view: all(part(view) for part in parts)
        return lambda view: any(part(view) for part in parts)

    def _field(self, field: str, value: Any, *, positive: bool) -> Predicate:
        if isinstance(value, SigmaExists):
            wanted = bool(value.exists)
            if positive and wanted:
                self._leaves.append(Leaf(field, lambda view, found: True))
            return lambda view: bool(view.values(field)) is wanted
        if isinstance(value, SigmaNull):
            return lambda view: all(found is None for found in view.values(field))
        if isinstance(value, SigmaFieldReference):
            return _reference(field, value)
        if isinstance(value, SigmaExpansion):
            parts = [self._field(field, part, positive=positive) for part in value.values]
            return lambda view: any(part(view) for part in parts)
        name = _placeholder(value)
        test = self._listed(name) if name else _plain(value)
        if positive:
            self._leaves.append(Leaf(field, test, name))
        return lambda view: any(test(view, found) for found in view.values(field))

    def _listed(self, name: str) -> Callable[[View, Any], bool]:
        if name not in self._lists:
            raise Unsupported(f"no watchlist is named '{name}'")
        self._names.add(name)
        listed = self._lists[name]

        def met(view: View, found: Any) -> bool:
            # A plain event may have no time: then no day says whether an entry is valid.
            if found is None:
                return False
            text = text_of(found)
            return (listed.entry(text) if view.plain else listed.valid_entry(text, view.day())) is not None

        return met


def _plain(value: Any) -> Callable[[View, Any], bool]:
    test = test_of(value)
    return lambda view, found: test(found)


def _matched(leaf: Leaf, value: Any, listed: Watchlist | None) -> Matched:
    if listed is None:
        return Matched(field=leaf.field, value=value)
    entry = listed.entry(text_of(value)) or {}
    return Matched(field=leaf.field, value=value, watchlist=listed.name, version=listed.version, entry=entry)


def _placeholder(value: Any) -> str:
    """The list's name when the value is `%name%` alone, else the empty string."""
    if isinstance(value, SigmaString) and len(value.s) == 1 and isinstance(value.s[0], Placeholder):
        return value.s[0].name
    return ""


def _reference(field: str, value: SigmaFieldReference) -> Predicate:
    compare = _comparison(value)

    def holds(view: View) -> bool:
        others = [text_of(other).casefold() for other in view.values(value.field) if other is not None]
        texts = (text_of(found).casefold() for found in view.values(field) if found is not None)
        return any(compare(text, other) for text in texts for other in others)

    return holds


def _comparison(value: SigmaFieldReference) -> Callable[[str, str], bool]:
    # pySigma keeps `contains` as both.
    if value.starts_with and value.ends_with:
        return operator.contains
    if value.starts_with:
        return str.startswith
    return str.endswith if value.ends_with else operator.eq


def _keyword(value: Any) -> Predicate:
    """A keyword is met when any text of the event's data contains it."""
    test = test_of(value)
    if isinstance(value, SigmaString):
        wild = SigmaString("*") + value + SigmaString("*")
        test = test_of(wild)
    return lambda view: any(test(text) for text in _texts(view.event.data))


def _texts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner)]
    return [value]
