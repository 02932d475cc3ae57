"""An expression as one predicate over an event, and its leaves for saying why it held."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from almenara.domain.alert import Matched
from almenara.engine.expression import (
    And,
    Exists,
    Field,
    Keyword,
    Listed,
    Node,
    Not,
    Null,
    Or,
    Reference,
    Regex,
    Text,
    Until,
)
from almenara.engine.matching.match import folded, is_text, test_of, text_of
from almenara.engine.matching.texts import one_of
from almenara.engine.rule import SingleRule
from almenara.engine.view import View
from almenara.engine.watchlist import Watchlist

Predicate = Callable[[View], bool]
Lists = Mapping[str, Watchlist]

_REFERENCE: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "equals": operator.eq,
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison that is not negated: the field, the test of one value, and the list it looks into, if any.

    `text` is what a text without case is compared with, where it is such a comparison.
    """

    field: str
    test: Callable[[View, Any], bool]
    watchlist: str = ""
    text: Text | None = None


class Condition:
    """The compiled expression of a rule: `holds` for an event, and why."""

    __slots__ = ("_expression", "_leaves", "_lists", "_together", "holds")

    def __init__(self, expression: Node, lists: Lists, holds: Predicate) -> None:
        self.holds: Final = holds
        self._expression = expression
        self._lists = lists
        self._leaves: tuple[Leaf, ...] | None = None
        self._together: tuple[tuple[tuple[Leaf, ...], Callable[[str], bool] | None], ...] | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The comparisons that are not negated, in order of the rule; made when they are first asked for."""
        if self._leaves is None:
            self._leaves = tuple(_leaves(self._expression, self._lists, positive=True))
        return self._leaves

    def why(self, view: View, lists: Lists) -> tuple[Matched, ...]:
        """The fields and values that made it true, with the watchlist entries they met, in order of the rule."""
        found: list[Matched] = []
        if self._together is None:
            self._together = tuple(_together(self.leaves))
        for leaves, any_met in self._together:
            first, values = leaves[0], view.values(leaves[0].field)
            if any_met is not None and len(values) == 1:  # which of its texts one value met does not show
                if any(map(any_met, view.folded(first.field))):
                    _add(found, _matched(first, values[0], None))
                continue
            for leaf in leaves:
                for value in values:
                    if leaf.test(view, value):
                        _add(found, _matched(leaf, value, lists.get(leaf.watchlist) if leaf.watchlist else None))
        return tuple(found)


def compile_condition(expression: Node, lists: Lists) -> Condition:
    """The condition by plain closures: the oracle. Every list that it names must be there."""
    return Condition(expression, lists, predicate_of(expression, lists))


def lists_in(expression: Node) -> frozenset[str]:
    """The names of the watchlists that an expression looks into."""
    if isinstance(expression, And | Or):
        return frozenset().union(*(lists_in(part) for part in expression.parts))
    if isinstance(expression, Not):
        return lists_in(expression.part)
    named = isinstance(expression, Field) and isinstance(expression.test, Listed)
    return frozenset((expression.test.name,)) if named else frozenset()  # type: ignore[union-attr]


def held_back(rule: SingleRule, view: View, lists: Lists) -> tuple[str, ...]:
    """The names of the filters that keep the rule from holding for this event; none where it would not hold anyway."""
    if not rule.filters or not predicate_of(rule.unfiltered, lists)(view):
        return ()
    return tuple(found.name for found in rule.filters if not predicate_of(found.exclusion, lists)(view))


def predicate_of(node: Node, lists: Lists) -> Predicate:
    """The predicate of an expression, each part by itself."""
    if isinstance(node, Not):
        inner = predicate_of(node.part, lists)
        return lambda view: not inner(view)
    if isinstance(node, And):
        return all_of([predicate_of(part, lists) for part in node.parts])
    if isinstance(node, Or):
        return any_of([predicate_of(part, lists) for part in node.parts])
    return _keyword(node.test) if isinstance(node, Keyword) else _field(node, lists)


def _field(node: Field, lists: Lists) -> Predicate:
    path, test = node.path, node.test
    if isinstance(test, Exists):
        wanted = test.wanted
        return lambda view: bool(view.values(path)) is wanted
    if isinstance(test, Null):
        return lambda view: all(found is None for found in view.values(path))
    if isinstance(test, Reference):
        return _reference(path, test)
    if isinstance(test, Until):
        return lambda view: view.day() <= test.day
    if isinstance(test, Listed):
        met = _listed(lists[test.name])
        return lambda view: any(met(view, found) for found in view.values(path))
    return _any_value(path, test_of(test))


def _leaves(node: Node, lists: Lists, *, positive: bool) -> Iterator[Leaf]:
    if isinstance(node, Not):
        yield from _leaves(node.part, lists, positive=not positive)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _leaves(part, lists, positive=positive)
    elif isinstance(node, Field) and positive:
        yield from _leaf(node, lists)


def _together(leaves: Sequence[Leaf]) -> Iterator[tuple[tuple[Leaf, ...], Callable[[str], bool] | None]]:
    """The leaves in their order, those of one field that compare texts as one, with the comparison of them all."""
    for _, some in groupby(leaves, key=lambda leaf: (leaf.field, leaf.text is not None)):
        group = tuple(some)
        texts = [leaf.text for leaf in group if leaf.text is not None]
        yield group, one_of(texts) if len(texts) > 1 else None


def _leaf(node: Field, lists: Lists) -> Iterator[Leaf]:
    test = node.test
    if isinstance(test, Exists):
        if test.wanted:
            yield Leaf(node.path, lambda view, found: True)
    elif isinstance(test, Listed):
        yield Leaf(node.path, _listed(lists[test.name]), test.name)
    elif not isinstance(test, Null | Reference | Until):
        value = test_of(test)
        text = test if isinstance(test, Text) and not test.cased else None
        yield Leaf(node.path, lambda view, found: value(found), text=text)


def _listed(listed: Watchlist) -> Callable[[View, Any], bool]:
    def met(view: View, found: Any) -> bool:
        # A plain event may have no time: then no day says whether an entry is valid.
        if not is_text(found):
            return False
        text = text_of(found)
        return (listed.entry(text) if view.plain else listed.valid_entry(text, view.day())) is not None

    return met


# Loops and no generators in what runs for every rule and event: it halves the cost of an evaluation.
def all_of(parts: Sequence[Predicate]) -> Predicate:
    """All of the predicates."""
    if len(parts) == 1:
        return parts[0]

    def holds(view: View) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(view):
                return False
        return True

    return holds


def any_of(parts: Sequence[Predicate]) -> Predicate:
    """Any of the predicates."""
    if len(parts) == 1:
        return parts[0]

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


def _add(found: list[Matched], one: Matched) -> None:
    for other in found:
        # Two of different fields differ, which is seen at once; whole ones are compared by making tuples of them.
        if other.field == one.field and other == one:
            return
    found.append(one)


def _matched(leaf: Leaf, value: Any, listed: Watchlist | None) -> Matched:
    if listed is None:
        return Matched(field=leaf.field, value=value)
    entry = listed.entry(text_of(value)) or {}
    return Matched(field=leaf.field, value=value, watchlist=listed.name, version=listed.version, entry=entry)


def _reference(path: str, test: Reference) -> Predicate:
    compare, other_path, spelling = _REFERENCE[test.how], test.field, text_of if test.cased else folded

    def holds(view: View) -> bool:
        others = [spelling(other) for other in view.values(other_path) if is_text(other)]
        texts = (spelling(found) for found in view.values(path) if is_text(found))
        return any(compare(text, other) for text in texts for other in others)

    return holds


def _keyword(test: Text | Regex) -> Predicate:
    met = test_of(test)
    return lambda view: any(met(text) for text in texts_in(view.event.data))


def texts_in(value: Any) -> Iterator[Any]:
    """Every value of a JSON value that is neither an object nor a list, in order."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
    else:
        yield value
