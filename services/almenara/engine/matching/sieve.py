"""The sieve: all witnesses of many rules looked up at once in one event, as a set of rule numbers (bits of an integer).

For each field one small index: texts and numbers by hash, parts of texts by one automaton over folded bytes. The code
that walks an event's fields is generated, because a call per field would cost more than the look-ups themselves.
"""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import daachorse

from almenara.engine.expression import Node
from almenara.engine.matching.condition import texts_in
from almenara.engine.matching.match import number_of, text_of
from almenara.engine.matching.witness import MOST, Kind, Probe, witnesses
from almenara.engine.view import lookup
from almenara.engine.watchlist import Watchlist

Bits = int
Data = Mapping[str, Any]


def _table() -> bytes:
    """Latin-1 to latin-1 without case; what folds to something outside becomes the `?` that encoding makes of it."""
    return bytes(
        bytes(range(256)).decode("latin-1")[code].casefold().encode("latin-1", "replace")[0] for code in range(256)
    )


_TABLE: Final = _table()
_SHARP_S: Final = "\xdf"  # the only letter of latin-1 that folds to two


def fold_bytes(text: str) -> bytes:
    """The text without case as latin-1, `?` for everything outside: equal texts stay equal, and parts stay parts.

    Several times faster than folding Unicode, which only texts with letters outside latin-1 need.
    """
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        return text.casefold().encode("latin-1", "replace").translate(_TABLE)
    if _SHARP_S in text:
        raw = text.replace(_SHARP_S, "ss").encode("latin-1")
    return raw.translate(_TABLE)


@dataclass(slots=True)
class _Index:
    """What is looked for in one field, each with the bits of the rules that look for it."""

    equals: dict[str, Bits] = field(default_factory=dict)
    numbers: dict[float, Bits] = field(default_factory=dict)
    parts: dict[bytes, Bits] = field(default_factory=dict)
    lists: list[tuple[Watchlist, Bits]] = field(default_factory=list)
    at_least: dict[float, Bits] = field(default_factory=dict)
    at_most: dict[float, Bits] = field(default_factory=dict)
    present: Bits = 0

    def enter(self, probe: Probe, bits: Bits, lists: Mapping[str, Watchlist]) -> None:
        wanted: Any = probe.wanted
        if probe.kind == Kind.EQUAL:
            self.equals[wanted] = self.equals.get(wanted, 0) | bits
        elif probe.kind == Kind.NUMBER:
            self.numbers[wanted] = self.numbers.get(wanted, 0) | bits
        elif probe.kind == Kind.PART:
            part = fold_bytes(wanted)
            self.parts[part] = self.parts.get(part, 0) | bits
        elif probe.kind == Kind.LISTED:
            self.lists.append((lists[wanted], bits))
        elif probe.kind == Kind.AT_LEAST:
            self.at_least[wanted] = self.at_least.get(wanted, 0) | bits
        elif probe.kind == Kind.AT_MOST:
            self.at_most[wanted] = self.at_most.get(wanted, 0) | bits
        else:
            self.present |= bits


class _Field:
    """One index, ready to be asked."""

    def __init__(self, index: _Index) -> None:
        self.equals = index.equals
        self.numbers = index.numbers
        self.present = index.present
        self.lists = index.lists
        self.find = daachorse.DoubleArrayAhoCorasick(list(index.parts)).find_overlapping if index.parts else None
        self.part_bits = list(index.parts.values())
        self.compares = bool(index.at_least or index.at_most)
        self.at_least = _Steps(index.at_least)
        self.at_most = _Steps({-bound: bits for bound, bits in index.at_most.items()})

    def any_of(self, values: Iterable[Any]) -> Bits:
        """The bits for all values at the path."""
        found = 0
        for value in values:
            found |= self.one(value)
        return found

    def other(self, value: Any) -> Bits:
        """The bits for a value that is no text."""
        return self.any_of(lookup({"": value}, "")) if isinstance(value, list | tuple) else self.one(value)

    def one(self, value: Any) -> Bits:
        """The bits for one value."""
        if value is None:
            return self.present
        text = text_of(value)
        found = self.present | self.equals.get(text.casefold(), 0) | self.number(value) | self.listed(text)
        return found | self.parts(text) if self.find else found

    def parts(self, text: str) -> Bits:
        """The bits for the parts that stand in a text."""
        found = 0
        for _, _, number in self.find(fold_bytes(text)) if self.find else ():
            found |= self.part_bits[number]
        return found

    def number(self, value: Any) -> Bits:
        """The bits for a number, or a text that may spell one."""
        if not self.numbers and not self.compares:
            return 0
        number = number_of(value)
        if number is None:
            return 0
        return self.numbers.get(number, 0) | self.at_least.upto(number) | self.at_most.upto(-number)

    def listed(self, text: str) -> Bits:
        """The bits for a text that stands on a list."""
        found = 0
        for listed, bits in self.lists:
            if listed.entry(text) is not None:
                found |= bits
        return found


class _Steps:
    """Bounds in order: the bits of all that a number reaches."""

    def __init__(self, bounds: Mapping[float, Bits]) -> None:
        self.bounds = sorted(bounds)
        self.reached = [0]
        for bound in self.bounds:
            self.reached.append(self.reached[-1] | bounds[bound])

    def upto(self, number: float) -> Bits:
        return self.reached[bisect.bisect_right(self.bounds, number)]


class Sieve:
    """The rules of one event type, by their witnesses."""

    def __init__(self, expressions: Sequence[Node], lists: Mapping[str, Watchlist]) -> None:
        # Bit n of the lower half: the first witness of rule n was found, or it has none; upper half: the second.
        count, found_already = len(expressions), 0
        anywhere = _Index()
        fields: dict[str, _Index] = {}
        for number, known in enumerate(witnesses(expressions)):
            for half in range(MOST):
                bit = 1 << (number + half * count)
                if half >= len(known):
                    found_already |= bit
                for probe in known[half] if half < len(known) else ():
                    index = anywhere if probe.path is None else fields.setdefault(probe.path, _Index())
                    index.enter(probe, bit, lists)
        keywords = _Field(anywhere) if anywhere.parts else None
        ready = {path: _Field(fields[path]) for path in sorted(fields)}
        self.paths: Final = tuple(ready)
        self.looks_anywhere: Final = keywords is not None
        self.passing: Final = _generated(count, found_already, ready, keywords)
        """From an event's data to the bits of the rules that may hold."""


def numbers_in(bits: Bits) -> list[int]:
    """The numbers of the bits that are set, in order."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def _generated(
    count: int, found_already: Bits, fields: Mapping[str, _Field], keywords: _Field | None
) -> Callable[[Data], Bits]:
    names: dict[str, Any] = {"ABSENT": object(), "KNOWN": found_already, "fold": fold_bytes, "lookup": lookup}
    names["bisect"] = bisect.bisect_right
    lines = ["def passing(data):", "    get = data.get", "    found = KNOWN"]
    for number, (path, index) in enumerate(fields.items()):
        names |= {
            f"P{number}": path,
            f"F{number}": index,
            f"equal{number}": index.equals.get,
            f"find{number}": index.find,
            f"bits{number}": index.part_bits,
            f"present{number}": index.present,
            f"number{number}": index.numbers.get,
            f"least{number}": index.at_least,
            f"most{number}": index.at_most,
        }
        lines += _reading(number, path, names)
        lines += ["    if value.__class__ is str:", *_looking(number, index)]
        if not (index.equals or index.find or index.lists):
            lines += ["    elif value.__class__ is float or value.__class__ is int:", *_comparing(number, index)]
        lines += ["    elif value is not ABSENT:", f"        found |= F{number}.other(value)"]
    if keywords is not None:
        names |= {"KEYWORDS": keywords, "texts_in": texts_in}
        lines.append("    found |= KEYWORDS.any_of(texts_in(data))")
    lines.append(f"    return found & (found >> {count})")
    exec("\n".join(lines), names)  # noqa: S102 - our own lines; paths are passed as values, never as code
    passing: Callable[[Data], Bits] = names["passing"]
    return passing


def _reading(number: int, path: str, names: dict[str, Any]) -> list[str]:
    """Lines that set `value` to what stands at the path: a value, a list, or ABSENT."""
    head, dot, rest = path.partition(".")
    if not dot:
        return [f"    value = get(P{number}, ABSENT)"]
    if "." in rest:
        return [f"    value = lookup(data, P{number}) or ABSENT"]
    names |= {f"H{number}": head, f"R{number}": rest}
    return [
        f"    value = get(P{number}, ABSENT)",
        "    if value is ABSENT:",
        f"        head = get(H{number}, ABSENT)",
        "        if head.__class__ is dict:",
        f"            value = head.get(R{number}, ABSENT)",
        "        elif head is not ABSENT:",
        f"            value = lookup(data, P{number}) or ABSENT",
    ]


def _comparing(number: int, index: _Field) -> list[str]:
    """Lines that look a number up where nothing is asked of its spelling."""
    lines = [f"        found |= present{number}"]
    if index.numbers:
        lines.append(f"        found |= number{number}(value, 0)")
    if index.at_least.bounds:
        lines.append(f"        found |= least{number}.reached[bisect(least{number}.bounds, value)]")
    if index.at_most.bounds:
        lines.append(f"        found |= most{number}.reached[bisect(most{number}.bounds, -value)]")
    return lines


def _looking(number: int, index: _Field) -> list[str]:
    """Lines that look a text up."""
    lines = []
    if index.present:
        lines.append(f"        found |= present{number}")
    if index.equals:
        lines.append(f"        found |= equal{number}(value.casefold(), 0)")
    if index.find:
        lines.append(f"        for _, _, part in find{number}(fold(value)):")
        lines.append(f"            found |= bits{number}[part]")
    if index.numbers or index.compares:
        lines.append(f"        found |= F{number}.number(value)")
    if index.lists:
        lines.append(f"        found |= F{number}.listed(value)")
    return lines
