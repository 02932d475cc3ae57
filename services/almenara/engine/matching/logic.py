"""What can be told of conditions without an event: that one can never hold, or that it holds only where another does.

Sound, not complete: "never" and "implies" are said only when they are sure; what is too involved counts as possible. A
field may have many values, of which any one may meet a test, so two tests of one field contradict each other only
where the field is known to have a single value.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from almenara.engine.expression import (
    MANY,
    And,
    Compare,
    Exists,
    Field,
    Keyword,
    Listed,
    Node,
    Not,
    Null,
    Number,
    Or,
    Test,
    Text,
)
from almenara.engine.watchlist import Watchlist

_STEPS: Final = 2_000
"""How many branches are followed before a question counts as too involved."""
_FALSE: Final = "\0false"
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}

NEVER: Final[Node] = Field(_FALSE, Null())
"""An expression that never holds; `Not(NEVER)` always does."""

Leaf = Field | Keyword
Literal = tuple[Node, bool]
"""A node, and whether it must hold or must not."""


@dataclass(frozen=True, slots=True)
class Logic:
    """What is known of fields and lists. `single` says which fields have at most one value."""

    lists: Mapping[str, Watchlist] = field(default_factory=dict)
    single: Callable[[str], bool] = lambda path: path.startswith("ce.")

    def never(self, *nodes: Node) -> bool:
        """Whether the nodes can surely never hold together."""
        return self.example(*nodes) is None

    def implies(self, one: Node, other: Node) -> bool:
        """Whether the second surely holds wherever the first does."""
        return self.never(one, Not(other))

    def same(self, one: Node, other: Node) -> bool:
        """Whether both surely hold for the same events."""
        return one == other or (self.implies(one, other) and self.implies(other, one))

    def example(self, *nodes: Node) -> "Example | None":
        """One way in which the nodes may hold together; None where there is surely none."""
        example = Example(self)
        return example if example.possible([(node, True) for node in nodes], []) else None

    def alone_never(self, leaf: Leaf, holds: bool) -> bool:
        """Whether a single leaf can never be so, whatever else is."""
        if not isinstance(leaf, Field) or not holds:
            return False
        return leaf.path == _FALSE or (isinstance(leaf.test, Listed) and self._empty(leaf.test.name))

    def conflict(self, one: tuple[Leaf, bool], other: tuple[Leaf, bool]) -> bool:
        """Whether two leaves of one field can surely not both be so."""
        (leaf, holds), (fact, held) = one, other
        if holds and held:
            return self._exclude(leaf, fact)
        if holds != held:
            return _leaf_implies(leaf, fact) if holds else _leaf_implies(fact, leaf)
        # Neither there nor null: what is absent counts as null.
        pair = _tests_of_one_field(leaf, fact)
        return pair is not None and {type(test) for test in pair} == {Exists, Null}

    def _exclude(self, one: Leaf, other: Leaf) -> bool:
        pair = _tests_of_one_field(one, other)
        if pair is None or not isinstance(one, Field):
            return False
        for first, second in (pair, pair[::-1]):
            if isinstance(first, Null) and not isinstance(second, Null | Exists):
                return True
            if self.single(one.path) and self._apart(first, second):
                return True
        return False

    def _apart(self, one: Test, other: Test) -> bool:
        """Whether no single value meets both."""
        if isinstance(one, Text) and isinstance(other, Text):
            return _texts_apart(one, other)
        if isinstance(one, Number):
            return (isinstance(other, Number) and one.value != other.value) or (
                isinstance(other, Compare) and not _compares(one.value, other)
            )
        if isinstance(one, Compare) and isinstance(other, Compare):
            return _bounds_apart(one, other)
        if isinstance(one, Listed) and isinstance(other, Text):
            exact = _exact(other)
            return exact is not None and self.lists[one.name].entry(exact) is None
        return False

    def _empty(self, name: str) -> bool:
        return name in self.lists and not self.lists[name].entries


class Example:
    """The search for facts about single fields that make nodes hold together; when it found some, they stay.

    What must be so comes first, then the choices that it leaves open, one by one.
    """

    def __init__(self, logic: Logic) -> None:
        self._logic = logic
        self._left = _STEPS
        self._facts: dict[str, list[tuple[Leaf, bool]]] = {}
        self._wholes: dict[Node, bool] = {}
        self._trail: list[str | Node] = []

    def tells(self, node: Node, *, holds: bool = True) -> bool:
        """Whether the node surely holds (or does not) wherever the facts that were found hold."""
        found, holds = _unwrapped(node, holds)
        if not isinstance(found, And | Or):
            return self._follows(found, holds)
        every = isinstance(found, And) is holds
        parts = (self.tells(part, holds=holds) for part in found.parts)
        return all(parts) if every else any(parts)

    def possible(self, units: list[Literal], choices: list[list[Literal]]) -> bool:
        """Whether the facts so far, all units and one of each choice may be so together."""
        self._left -= 1
        if self._left < 0:
            return True
        mark = len(self._trail)
        if self._branch(units, choices):
            return True
        while len(self._trail) > mark:
            undone = self._trail.pop()
            if isinstance(undone, str):
                self._facts[undone].pop()
            else:
                del self._wholes[undone]
        return False

    def _branch(self, units: list[Literal], choices: list[list[Literal]]) -> bool:
        while units:
            if not self._take(units, choices):
                return False
            units, choices = [], [open_ for choice in choices if (open_ := self._open(choice)) is not None]
            for choice in choices:
                if len(choice) < 2:
                    units += choice or [(NEVER, True)]
            choices = [choice for choice in choices if len(choice) > 1]
        if not choices:
            return True
        first = min(choices, key=len)
        rest = [choice for choice in choices if choice is not first]
        return any(self.possible([part], list(rest)) for part in first)

    def _take(self, units: Sequence[Literal], choices: list[list[Literal]]) -> bool:
        """Adds what must be so to the facts, and alternatives to the choices. False where facts contradict."""
        todo = list(units)
        while todo:
            node, holds = _unwrapped(*todo.pop())
            if isinstance(node, And | Or):
                # Whole parts that stand in both conditions need not be taken apart to be compared.
                known = self._wholes.get(node)
                if known is not None:
                    if known is not holds:
                        return False
                    continue
                self._wholes[node] = holds
                self._trail.append(node)
                parts: list[Literal] = [(part, holds) for part in node.parts]
                if isinstance(node, And) is holds:
                    todo += parts
                else:
                    choices.append(parts)
            elif self._contradicts(node, holds):
                return False
            elif not self._follows(node, holds):
                self._facts.setdefault(_place(node), []).append((node, holds))
                self._trail.append(_place(node))
        return True

    def _open(self, choice: Sequence[Literal]) -> list[Literal] | None:
        """What is left of a choice under the facts; None where it is made already."""
        left: list[Literal] = []
        for part in choice:
            node, holds = _unwrapped(*part)
            if isinstance(node, And | Or):
                known = self._wholes.get(node)
                if known is holds:
                    return None
                if known is not None:
                    continue
            elif self._follows(node, holds):
                return None
            elif self._contradicts(node, holds):
                continue
            left.append((node, holds))
        return left

    def _contradicts(self, leaf: Leaf, holds: bool) -> bool:
        if self._logic.alone_never(leaf, holds):
            return True
        one = leaf, holds
        return any(self._logic.conflict(one, fact) for fact in self._facts.get(_place(leaf), ()))

    def _follows(self, leaf: Leaf, holds: bool) -> bool:
        if self._logic.alone_never(leaf, not holds):
            return True
        for fact, held in self._facts.get(_place(leaf), ()):
            if held is holds and (_leaf_implies(fact, leaf) if holds else _leaf_implies(leaf, fact)):
                return True
        return False


def _place(leaf: Leaf) -> str:
    """Where facts that have to do with a leaf are kept: those of one field, those of keywords."""
    return leaf.path if isinstance(leaf, Field) else ""


def _unwrapped(node: Node, holds: bool) -> tuple[And | Or | Leaf, bool]:
    """The node without its negations, and whether it must hold; "does not exist" becomes "not: exists"."""
    while True:
        if isinstance(node, Not):
            node, holds = node.part, not holds
        elif isinstance(node, Field) and node.test == Exists(False):
            node, holds = Field(node.path, Exists(True)), not holds
        else:
            return node, holds


def _tests_of_one_field(one: Leaf, other: Leaf) -> tuple[Test, Test] | None:
    if isinstance(one, Field) and isinstance(other, Field) and one.path == other.path:
        return one.test, other.test
    return None


def _leaf_implies(one: Leaf, other: Leaf) -> bool:
    if one == other:
        return True
    if isinstance(one, Keyword) and isinstance(other, Keyword):
        return isinstance(one.test, Text) and isinstance(other.test, Text) and _text_implies(one.test, other.test)
    pair = _tests_of_one_field(one, other)
    return pair is not None and _implies(*pair)


def _implies(one: Test, other: Test) -> bool:
    """Whether every value that meets the first meets the second."""
    if isinstance(other, Exists):
        return other.wanted and not isinstance(one, Null | Exists)
    if isinstance(one, Text) and isinstance(other, Text):
        return _text_implies(one, other)
    if isinstance(other, Compare):
        return (isinstance(one, Number) and _compares(one.value, other)) or (
            isinstance(one, Compare) and _bound_implies(one, other)
        )
    return False


def _exact(test: Text) -> str | None:
    """The text that the value must be; None for a pattern."""
    return None if any(isinstance(part, int) for part in test.parts) else "".join(map(str, test.parts))


def _text_implies(one: Text, other: Text) -> bool:
    if other.cased and not one.cased:
        return False
    texts = [part if other.cased or isinstance(part, int) else part.casefold() for part in one.parts]
    wanted = [part if other.cased or isinstance(part, int) else part.casefold() for part in other.parts]
    if texts == wanted or wanted == [MANY]:
        return True
    if _exact(one) is not None:
        return _matches("".join(map(str, texts)), wanted)
    return _pattern_implies(texts, wanted)


def _pattern_implies(parts: Sequence[str | int], wanted: Sequence[str | int]) -> bool:
    """For the common forms: contains, begins with, ends with."""
    literals = [part for part in wanted if isinstance(part, str)]
    if len(literals) != 1 or any(part not in (MANY, literals[0]) for part in wanted):
        return False
    literal, opens, closes = literals[0], wanted[0] == MANY, wanted[-1] == MANY
    if opens and closes:
        return any(isinstance(part, str) and literal in part for part in parts)
    if closes:
        return isinstance(parts[0], str) and parts[0].startswith(literal)
    return opens and isinstance(parts[-1], str) and parts[-1].endswith(literal)


def _matches(text: str, wanted: Sequence[str | int]) -> bool:
    """Whether a text matches literal parts and wildcards."""
    ends = {0}
    for part in wanted:
        if isinstance(part, str):
            ends = {end + len(part) for end in ends if text.startswith(part, end)}
        elif part == MANY:
            ends = set(range(min(ends), len(text) + 1)) if ends else set()
        else:
            ends = {end + 1 for end in ends if end < len(text)}
    return len(text) in ends


def _texts_apart(one: Text, other: Text) -> bool:
    first, second = ([p if isinstance(p, int) else p.casefold() for p in test.parts] for test in (one, other))
    for test, parts, wanted in ((one, first, second), (other, second, first)):
        if _exact(test) is not None:
            return not _matches("".join(map(str, parts)), wanted)
    return _heads_apart(first, second, str.startswith) or _heads_apart(first[::-1], second[::-1], str.endswith)


def _heads_apart(one: Sequence[str | int], other: Sequence[str | int], begins: Callable[[str, str], bool]) -> bool:
    head, head_of_other = one[0], other[0]
    if not isinstance(head, str) or not isinstance(head_of_other, str):
        return False
    return not begins(head, head_of_other) and not begins(head_of_other, head)


def _compares(value: float, test: Compare) -> bool:
    return _COMPARE[test.op](value, test.bound)


def _bound_implies(one: Compare, other: Compare) -> bool:
    if one.op[:2] != other.op[:2]:
        return False
    if one.bound == other.bound:
        return one.op == other.op or other.op.endswith("e")
    return one.bound > other.bound if one.op.startswith("g") else one.bound < other.bound


def _bounds_apart(one: Compare, other: Compare) -> bool:
    if one.op[:1] == other.op[:1]:
        return False
    low, high = (one, other) if one.op.startswith("g") else (other, one)
    return low.bound > high.bound or (low.bound == high.bound and (low.op == "gt" or high.op == "lt"))
