"""Witnesses: for each rule the few things of which at least one must be in an event for the rule to hold.

A witness may be too wide, never too narrow: what has one is evaluated in full, what has none cannot hold. Of the parts
that must all hold the rarest is taken; how rare is estimated from the rules alone, so that compiling stays pure.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from almenara.engine.expression import (
    And,
    Bool,
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
    Regex,
    Text,
)


class Kind(IntEnum):
    """What is looked for in a field."""

    EQUAL = 0
    PART = 1
    NUMBER = 2
    LISTED = 3
    AT_LEAST = 4
    AT_MOST = 5
    PRESENT = 6


class Probe(NamedTuple):
    """One thing to look for: a text without case, a number, the name of a watchlist; nothing for PRESENT.

    The path is None where any text of the event counts (keywords). A tuple, because large rulesets have them by the
    hundred thousand, and each is made, hashed and compared.
    """

    kind: Kind
    path: str | None
    wanted: str | float = ""


Witness = tuple[Probe, ...]
"""Any one of these must be met."""

MOST: Final = 2
FEW: Final = 0.2
"""Where one witness each lets fewer rules of all pass for an event, as guessed, no second ones are looked for."""

_OPERATORS: Final = {"gt": Kind.AT_LEAST, "gte": Kind.AT_LEAST, "lt": Kind.AT_MOST, "lte": Kind.AT_MOST}
# How often an event is guessed to have it. Only their order matters, and only between parts of one rule.
_LIKELY: Final[Mapping[Kind, float]] = {
    Kind.EQUAL: 0.02,
    Kind.NUMBER: 0.02,
    Kind.LISTED: 0.05,
    Kind.AT_LEAST: 0.3,
    Kind.AT_MOST: 0.3,
    Kind.PRESENT: 0.6,
}


Witnesses = tuple[Witness, ...]
"""All of these must be met; empty: nothing is known, and the rule is always evaluated."""


def witnesses(expressions: Sequence[Node]) -> list[Witnesses]:
    """The rarest witness of each rule, and a second one where the first is not rare among so many rules.

    What many of these rules ask for is taken to be common in events too.
    """
    asked = Counter(probe for expression in expressions for probe in set(_probes(expression)))
    rare = FEW / max(1, len(expressions))
    return [_rarest(expression, asked, rare) for expression in expressions]


def _rarest(node: Node, asked: Mapping[Probe, int], rare: float) -> Witnesses:
    parts = node.parts if isinstance(node, And) else (node,)
    found = [witness for part in parts if (witness := _witness(part, asked)) is not None]
    found.sort(key=lambda witness: likelihood(witness, asked))
    return tuple(found[: 1 if found and likelihood(found[0], asked) <= rare else MOST])


def likelihood(witness: Witness, asked: Mapping[Probe, int]) -> float:
    """A guess at the share of events that meet the witness."""
    return sum(_likely(probe) * (1 + math.log2(max(1, asked.get(probe, 1)))) for probe in witness)


def _likely(probe: Probe) -> float:
    if probe.kind == Kind.PART:
        # A part of three letters stands in many texts, one of eight in few.
        return max(1e-6, 0.5 * 2.0 ** -len(str(probe.wanted)))
    return _LIKELY[probe.kind]


def _witness(node: Node, asked: Mapping[Probe, int]) -> Witness | None:
    if isinstance(node, And):
        found = [witness for part in node.parts if (witness := _witness(part, asked)) is not None]
        return min(found, key=lambda witness: likelihood(witness, asked), default=None)
    if isinstance(node, Or):
        parts = [_witness(part, asked) for part in node.parts]
        known = [part for part in parts if part is not None]
        return tuple(dict.fromkeys(probe for part in known for probe in part)) if len(known) == len(parts) else None
    probe = None if isinstance(node, Not) else _probe(node)
    return None if probe is None else (probe,)


def _probes(node: Node) -> Iterator[Probe]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _probes(part)
    elif not isinstance(node, Not) and (probe := _probe(node)) is not None:
        yield probe


def _probe(node: Field | Keyword) -> Probe | None:
    if isinstance(node, Keyword):
        literal = _literal(node.test)
        return Probe(Kind.PART, None, literal) if literal else None
    test, path = node.test, node.path
    # The envelope is not part of the data that is looked into.
    if path.startswith("ce.") or isinstance(test, Null) or (isinstance(test, Exists) and not test.wanted):
        return None
    if isinstance(test, Text) and all(isinstance(part, str) for part in test.parts):
        return Probe(Kind.EQUAL, path, "".join(map(str, test.parts)).casefold())
    if isinstance(test, Text | Regex) and (literal := _literal(test)):
        return Probe(Kind.PART, path, literal)
    if isinstance(test, Number):
        return Probe(Kind.NUMBER, path, test.value)
    if isinstance(test, Bool):
        return Probe(Kind.EQUAL, path, str(test.value).casefold())
    if isinstance(test, Listed):
        return Probe(Kind.LISTED, path, test.name)
    if isinstance(test, Compare) and test.op in _OPERATORS:
        return Probe(_OPERATORS[test.op], path, test.bound)
    return Probe(Kind.PRESENT, path)


def _literal(test: Text | Regex) -> str:
    """The longest text that must stand in what the test meets, without case; empty when there is none."""
    parts = (part for part in test.parts if isinstance(part, str)) if isinstance(test, Text) else _runs(test.pattern)
    return max((part.casefold() for part in parts), key=len, default="")


# Escapes that take arguments, and quoted text.
_INVOLVED: Final = re.compile(r"\\[xpPQ0-9]")
_TOKEN: Final = re.compile(
    r"""\\. | \[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\] | \{\d+,?\d*\} | .""", re.DOTALL | re.VERBOSE
)


def _runs(pattern: str) -> list[str]:
    """Texts that every match of a regular expression holds: runs of plain characters outside of groups and classes.

    None where it has alternatives, quoted text or characters by number, which are not looked into.
    """
    if _INVOLVED.search(pattern):
        return []
    runs, run, depth = [], "", 0
    for piece in _TOKEN.findall(pattern):
        if piece == "|" and depth == 0:
            return []
        depth += (piece == "(") - (piece == ")")
        plain = piece[-1] if len(piece) == 2 and not piece[1].isalnum() else piece
        if depth == 0 and len(plain) == 1 and (plain.isalnum() or len(piece) == 2 or plain in " _-/:;,<>=!@#%&'\"~`"):
            run += plain
            continue
        # What may be repeated no times at all is not required.
        runs.append(run[:-1] if piece in ("?", "*") or piece[0] == "{" else run)
        run = ""
    return [*runs, run]
