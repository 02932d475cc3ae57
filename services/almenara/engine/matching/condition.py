"""A Sigma detection as one predicate over an event, and its leaves for saying why it matched."""

import operator
from collections.abc import Callable, Mapping, Sequence
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
from almenara.engine.matching.match import Unsupported, test_of, text_of
from almenara.engine.matching.witness import Witness, witness_of
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
    """The compiled condition of a rule; `names` are its watchlists, `witness` what must be met for it to hold."""

    holds: Predicate
    leaves: tuple[Leaf, ...]
    names: frozenset[str]
    witness: Witness = ()

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
        witness = witness_of(parsed, self._lists)
        return Condition(holds, tuple(self._leaves), frozenset(self._names), witness)

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
        return _all_of(parts) if isinstance(node, ConditionAND) else _any_of(parts)

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
            return _any_of(parts)
        name = _placeholder(value)
        if name:
            return self._leaf(Leaf(field, self._listed(name), name), positive=positive)
        test = test_of(value)
        self._leaf(Leaf(field, lambda view, found: test(found)), positive=positive)
        return _any_value(field, test)

    def _leaf(self, leaf: Leaf, *, positive: bool) -> Predicate:
        if positive:
            self._leaves.append(leaf)
        field, test = leaf.field, leaf.test
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


# Loops and no generators in what runs for every rule and event: it halves the cost of an evaluation.
def _all_of(parts: Sequence[Predicate]) -> Predicate:
    def holds(view: View) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(view):
                return False
        return True

    return holds


def _any_of(parts: Sequence[Predicate]) -> Predicate:
    def holds(view: View) -> bool:
        for part in parts:  # noqa: SIM110
            if part(view):
                return True
        return False

    return holds


def _any_value(field: str, test: Callable[[Any], bool]) -> Predicate:
    def holds(view: View) -> bool:
        for found in view.values(field):  # noqa: SIM110
            if test(found):
                return True
        return False

    return holds


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
