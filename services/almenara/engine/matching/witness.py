"""Which rules can hold at all for an event: each rule's required values, looked up instead of tried one after another.

A witness is a set of (field, values) of which at least one must be met for the rule to hold. It is only a sieve: what
passes is evaluated in full, so a witness may be too wide but never too narrow. Rules without one are always evaluated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from almenara.engine.expression import And, Field, Listed, Node, Or, Text
from almenara.engine.matching.match import folded, text_of
from almenara.engine.view import View
from almenara.engine.watchlist import Watchlist


@dataclass(frozen=True, slots=True)
class Wanted:
    """One way to hold: the field has one of these texts (without case), or stands on this watchlist."""

    field: str
    texts: frozenset[str] = frozenset()
    listed: Watchlist | None = None


Witness = tuple[Wanted, ...]
"""Any one of these must be met; empty: nothing is known, the rule is always evaluated."""


def witness_of(node: Node, lists: Mapping[str, Watchlist]) -> Witness:
    """The narrowest witness of an expression. Negations and patterns have none."""
    if isinstance(node, And):
        found = [witness for part in node.parts if (witness := witness_of(part, lists))]
        return min(found, key=_width, default=())
    if isinstance(node, Or):
        return _any_of([witness_of(part, lists) for part in node.parts])
    if not isinstance(node, Field):
        return ()
    if isinstance(node.test, Listed):
        return (Wanted(node.path, listed=lists[node.test.name]),)
    if isinstance(node.test, Text) and all(isinstance(part, str) for part in node.test.parts):
        return (Wanted(node.path, texts=frozenset(("".join(map(str, node.test.parts)).casefold(),))),)
    return ()


def _any_of(parts: Sequence[Witness]) -> Witness:
    return tuple(wanted for part in parts for wanted in part) if all(parts) else ()


def _width(witness: Witness) -> int:
    return sum(len(wanted.texts) + (len(wanted.listed.by_name) if wanted.listed else 0) for wanted in witness)


class Sieve:
    """The rules of one event type, by their witnesses."""

    def __init__(self, expressions: Iterable[Node], lists: Mapping[str, Watchlist]) -> None:
        self._always: list[int] = []
        self._texts: dict[str, dict[str, list[int]]] = {}
        self._lists: dict[tuple[str, str], tuple[Watchlist, list[int]]] = {}
        for number, expression in enumerate(expressions):
            witness = witness_of(expression, lists)
            if not witness:
                self._always.append(number)
            for wanted in witness:
                self._enter(wanted, number)

    def passing(self, view: View) -> list[int]:
        """The numbers of the rules that may hold, in order."""
        found = set(self._always)
        for field, texts in self._texts.items():
            for value in view.values(field):
                found.update(texts.get(folded(value), ()))
        for (field, _), (listed, numbers) in self._lists.items():
            if any(listed.entry(text_of(value)) is not None for value in view.values(field)):
                found.update(numbers)
        return sorted(found)

    def _enter(self, wanted: Wanted, number: int) -> None:
        for text in wanted.texts:
            self._texts.setdefault(wanted.field, {}).setdefault(text, []).append(number)
        if wanted.listed is not None:
            key = wanted.field, wanted.listed.name
            self._lists.setdefault(key, (wanted.listed, []))[1].append(number)
