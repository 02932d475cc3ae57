"""Pairs of rules that fire for the same: conditions that are equal, or of which one lies within the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from almenara.engine.expression import And, Field, Node, Not, Or, Text
from almenara.engine.matching.logic import Logic
from almenara.engine.rule import AnyRule, SingleRule

Overlap = tuple[AnyRule, AnyRule, bool]
"""The rule that fires only where the second does, the second, and whether they fire for the same."""

_WORDS: Final = frozenset(
    {"name", "title", "level", "version", "shadow", "alerts", "tags", "owner", "say", "say_unchecked", "tests",
     "detection_hash", "file", "line"}
)  # fmt: skip


def overlaps(rules: Sequence[AnyRule], logic_of: Callable[[SingleRule], Logic]) -> Iterator[Overlap]:
    """Every overlapping pair, each once. Correlations are only compared word for word."""
    singles = [rule for rule in rules if isinstance(rule, SingleRule)]
    yield from _of_singles(singles, logic_of)
    seen: dict[bytes, AnyRule] = {}
    for rule in rules:
        if not isinstance(rule, SingleRule):
            first = seen.setdefault(_meaning(rule), rule)
            if first is not rule:
                yield rule, first, True


def _meaning(rule: AnyRule) -> bytes:
    """All that decides when a correlation fires."""
    whole: dict[str, object] = msgspec.to_builtins(rule)
    return msgspec.json.encode({key: value for key, value in whole.items() if key not in _WORDS}, order="deterministic")


def _of_singles(rules: Sequence[SingleRule], logic_of: Callable[[SingleRule], Logic]) -> Iterator[Overlap]:
    spoken = [_paths(rule.expression) | {"ce.type"} for rule in rules]  # the log source speaks of the type
    asked = [_parts(rule.expression) for rule in rules]
    found: set[tuple[int, int]] = set()
    for i, inner in enumerate(rules):
        logic, source = logic_of(inner), source_of(inner)
        example = logic.example(inner.expression, source)
        for j, outer in enumerate(rules):
            if i == j or outer.category not in ("", inner.category):
                continue
            # What the inner one does not speak of cannot follow from it: it spares nearly all comparisons.
            if any(spoken[i].isdisjoint(part) for part in asked[j]):
                continue
            if example is None or not example.tells(outer.expression):
                continue
            if logic.implies(And((inner.expression, source)), outer.expression):
                found.add((i, j))
    for i, j in sorted(found):
        equal = (j, i) in found
        if not equal or i > j:
            yield rules[i], rules[j], equal


def source_of(rule: SingleRule) -> Node:
    """What the log source of a rule asks for, as an expression."""
    return Field("ce.type", Text((rule.category,))) if rule.category else And(())


def _parts(node: Node) -> list[frozenset[str]]:
    """The fields that each part of a condition speaks of, of those parts that must all hold."""
    return [_paths(part) for part in node.parts] if isinstance(node, And) else [_paths(node)]


def _paths(node: Node) -> frozenset[str]:
    if isinstance(node, And | Or):
        return frozenset().union(*(_paths(part) for part in node.parts))
    if isinstance(node, Not):
        return _paths(node.part)
    return frozenset((node.path if isinstance(node, Field) else "",))
