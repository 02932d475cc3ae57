"""A detection: its selections, each at its place, and the condition over their names, to one expression.

Read from the document itself, so that one fault hides no other: pySigma stops at the first of a detection. The grammar
of conditions is pySigma's.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionSelector,
    SigmaCondition,
)

from almenara.domain.errors import Fault
from almenara.engine.expression import And, Field, Listed, Node, Or
from almenara.engine.reading.documents import Document, Path
from almenara.engine.reading.expressions import joined, linked, negated, value_of
from almenara.engine.reading.modifiers import Unsupported, nearest, read_key

MAX_NESTED: Final = 50
"""How deep the brackets of a condition may be nested: what reads and evaluates it goes as deep."""

_NO_SELECTIONS: Final = frozenset(("condition", "rules"))
_STUMBLED: Final = re.compile(r"found (.+?)\s+\(at char (\d+)\)")


class DetectionReader:
    """Reads the map under one key of a document (`detection`, or `filter` of a filter) and collects its faults."""

    def __init__(self, document: Document, key: str, lists: Collection[str]) -> None:
        self._document, self._key, self._lists = document, key, lists
        self._selections: dict[str, Node | None] = {}
        self.faults: list[Fault] = []
        self.negative = False
        """Whether the condition holds where none of its selections does, such as `not selection`."""

    def read(self) -> Node | None:
        """The expression, None when there are faults."""
        raw = self._document.data.get(self._key)
        if not isinstance(raw, Mapping):
            self._fault((), f"{self._key} must be a map", "name selections and a condition over them")
            return None
        skipped = _NO_SELECTIONS if self._key == "filter" else {"condition"}
        for name, definition in raw.items():
            if name not in skipped:
                self._selections[name] = self._selection((name,), definition)
        if not self._selections:
            self._fault((), f"{self._key} has no selection", "for example selection: {field: value}")
        found = self._conditions(raw.get("condition"))
        return None if self.faults else found

    @property
    def selections(self) -> tuple[str, ...]:
        """The names of the selections, in order; empty before `read`."""
        return tuple(self._selections)

    def with_selection(self, name: str, node: Node) -> Node | None:
        """The expression as it would be, said this selection `node`. Only after a `read` without faults."""
        kept = self._selections[name]
        self._selections[name] = node
        try:
            return self._conditions(self._document.data[self._key].get("condition"))
        finally:
            self._selections[name] = kept

    def _selection(self, path: Path, definition: Any) -> Node | None:
        if path == ("timeframe",) and not isinstance(definition, Mapping | list):
            self._fault(path, "timeframe belongs to conditions with a pipe", "write a correlation with timespan:")
            return None
        if isinstance(definition, Mapping):
            items = [self._item((*path, key), key, value) for key, value in definition.items()]
            return self._all_sound(path, And, items)
        if isinstance(definition, list) and any(isinstance(inner, Mapping | list) for inner in definition):
            inner = [self._selection((*path, index), part) for index, part in enumerate(definition)]
            return self._all_sound(path, Or, inner)
        return self._item(path, "", definition)

    def _all_sound(self, path: Path, kind: type[And] | type[Or], nodes: Iterable[Node | None]) -> Node | None:
        found = list(nodes)
        if not found:
            self._fault(path, "an empty selection", "name a field and a value")
        sound = [node for node in found if node is not None]
        return joined(kind, sound) if found and len(sound) == len(found) else None

    def _item(self, path: Path, key: str, value: Any) -> Node | None:
        """One field with its values, or keywords where there is no field."""
        try:
            field, modifiers = read_key(key)
        except Unsupported as error:
            self._fault(path, error.what, error.cure)
            return None
        nodes: list[Node] = []
        values = value if isinstance(value, list) else [value]
        if not values:
            self._fault(path, "an empty list holds never", "name the values, or write null for an absent field")
        for index, one in enumerate(values):
            place = (*path, index) if isinstance(value, list) else path
            try:
                nodes.append(self._known(place, value_of(field, modifiers, one)))
            except Unsupported as error:
                self._fault(place, error.what, error.cure)
        return linked(modifiers, nodes) if values and len(nodes) == len(values) else None

    def _known(self, path: Path, node: Node) -> Node:
        if isinstance(node, Field) and isinstance(node.test, Listed) and node.test.name not in self._lists:
            name = node.test.name
            cure = nearest(name, self._lists, f"add watchlists/{name}.csv")
            self._fault(path, f"no watchlist is named '{name}'", cure)
        return node

    def _conditions(self, raw: Any) -> Node | None:
        """The condition; of several in a list any may hold."""
        if raw is None:
            self._fault((), f"{self._key} has no condition", "for example condition: selection")
            return None
        several = isinstance(raw, list) and self._key != "filter"
        found = []
        for index, text in enumerate(raw if several and raw else [raw]):
            path: Path = ("condition", index) if several and raw else ("condition",)
            if isinstance(text, str):
                found.append(self._condition(path, text))
            else:
                self._fault(path, "a condition must be one text", "for example condition: selection")
        sound = [node for node in found if node is not None]
        return joined(Or, sound) if found and len(sound) == len(found) else None

    def _condition(self, path: Path, text: str) -> Node | None:
        try:
            if _nested(text) > MAX_NESTED:
                raise RecursionError
            tree = SigmaCondition(text, None).parse(postprocess=False)  # type: ignore[arg-type]
            self.negative = _holds_of_nothing(tree)
            return self._node(path, tree)
        except RecursionError:
            self._fault(path, "the condition is nested too deep", "name parts of it as selections of their own")
        except sigma_errors.SigmaError as error:
            self._fault(path, f"the condition cannot be read: {_why(error)}", _cure_of(text))
        return None

    def _node(self, path: Path, tree: Any) -> Node | None:
        if isinstance(tree, ConditionIdentifier):
            names = [name for name in self._selections if name == tree.identifier]
            return self._named(path, tree.identifier, names, Or)
        if isinstance(tree, ConditionSelector):
            names = [name for name in self._selections if _selects(tree.pattern, name)]
            return self._named(path, tree.pattern, names, And if tree.cond_class is ConditionAND else Or)
        found = [self._node(path, arg) for arg in tree.args]
        sound = [node for node in found if node is not None]
        if len(sound) < len(found):
            return None
        if isinstance(tree, ConditionNOT):
            return negated(sound[0])
        return joined(And if isinstance(tree, ConditionAND) else Or, sound)

    def _named(self, path: Path, word: str, names: list[str], kind: type[And] | type[Or]) -> Node | None:
        if not names:
            known = ", ".join(self._selections) or "none"
            what = f"the condition names '{word}', which is no item of the {self._key}"
            self._fault(path, what, nearest(word, self._selections, f"items: {known}"))
        nodes = [self._selections[name] for name in names]
        sound = [node for node in nodes if node is not None]
        return joined(kind, sound) if names and len(sound) == len(nodes) else None

    def _fault(self, path: Path, what: str, cure: str) -> None:
        fault = self._document.fault((self._key, *path), what, cure)
        if fault not in self.faults:  # a condition may name the same twice
            self.faults.append(fault)


def _selects(pattern: str, name: str) -> bool:
    """Whether a pattern selects a selection; one that begins with _ is selected only by patterns that do."""
    if name.startswith("_") and not pattern.startswith("_"):
        return False
    return pattern == "them" or fnmatchcase(name, pattern)


def _holds_of_nothing(tree: ConditionItem | Any) -> bool:
    """Whether a condition holds where none of its selections does."""
    if isinstance(tree, ConditionIdentifier | ConditionSelector):
        return False
    parts = [_holds_of_nothing(arg) for arg in tree.args]
    if isinstance(tree, ConditionNOT):
        return not parts[0]
    return all(parts) if isinstance(tree, ConditionAND) else any(parts)


def _nested(text: str) -> int:
    """How deep the brackets of a text are nested."""
    return max(accumulate(1 if sign == "(" else -1 for sign in text if sign in "()"), default=0)


def _why(error: Exception) -> str:
    """The parser lists its whole grammar; a person needs what it stumbled over."""
    stumbled = _STUMBLED.search(str(error))
    return f"{stumbled[1]} at its character {int(stumbled[2]) + 1} is unexpected" if stumbled else str(error)


def _cure_of(text: str) -> str:
    if "|" in text:
        return "counting is a correlation of its own: type: event_count"
    words = set(text.split())
    if upper := sorted(words & {"AND", "OR", "NOT", "And", "Or", "Not", "ALL", "All", "OF", "Of"}):
        return f"write {', '.join(word.lower() for word in upper)} in small letters"
    if "of" in words and "-" in text:
        return "patterns hold letters, digits, _ and *; rename selections with a hyphen"
    return "join names with and, or, not, `1 of x*`, `all of x*`; check brackets"
