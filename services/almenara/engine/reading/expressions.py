"""The values of one field, with its modifiers, to our own expression.

pySigma reads texts (wildcards, escapes, encodings, dashes); what else a modifier says is read here.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import Any, Final

import re2
import sigma.exceptions as sigma_errors
from sigma.rule import SigmaDetectionItem
from sigma.types import SigmaExpansion, SigmaString, SpecialChars

from almenara.engine.expression import (
    MANY,
    ONE,
    And,
    Bool,
    Cidr,
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
    Reference,
    Regex,
    Test,
    Text,
    TimePart,
)
from almenara.engine.matching.match import compile_regex
from almenara.engine.reading.modifiers import (
    COMPARISONS,
    ENCODINGS,
    NUMERIC,
    PLACES,
    REGEX_FLAGS,
    TEXTUAL,
    TIME_PARTS,
    Modifiers,
    Unsupported,
)

_WILDCARDS: Final = {SpecialChars.WILDCARD_MULTI: MANY, SpecialChars.WILDCARD_SINGLE: ONE}
_ENDS: Final = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "week": (1, 53),
    "month": (1, 12),
    "year": (1, 9999),
}
_NO_LOOKAROUND: Final = "RE2 has no look-around and no back-references; say it with two items and `not`"


def value_of(field: str, modifiers: Modifiers, value: Any) -> Node:
    """What one value of a field says; without a field it is a keyword. Raises Unsupported."""
    _check_type(modifiers, value)
    tests = _tests(modifiers, value)
    return joined(Or, [Field(field, test) if field else _keyword(modifiers, test, value) for test in tests])


def linked(modifiers: Modifiers, nodes: Sequence[Node]) -> Node:
    """The values of one field together: any of them, all with |all, none with |neq."""
    node = joined(And if "all" in modifiers else Or, nodes)
    return negated(node) if "neq" in modifiers else node


def joined(kind: type[And] | type[Or], parts: Iterable[Node]) -> Node:
    """One node over the parts, those of the same kind taken in; a single part stands for itself."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negated(node: Node) -> Node:
    """The opposite."""
    return node.part if isinstance(node, Not) else Not(node)


def _check_type(modifiers: Modifiers, value: Any) -> None:
    if isinstance(value, dict | list):
        raise Unsupported("a map or a list is no value", "name nested fields with dots: field.inner")
    textual, numeric = modifiers.one_of(TEXTUAL), modifiers.one_of(NUMERIC)
    if textual and not isinstance(value, str):
        cure = "write null without modifiers" if value is None else f"quote it: '{_spelling(value)}'"
        raise Unsupported(f"|{textual} needs a text, not {_spelling(value)}", cure)
    if numeric and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Unsupported(f"|{numeric} needs a number, not '{_spelling(value)}'", "write a number, without quotes")
    if "exists" in modifiers and not isinstance(value, bool):
        raise Unsupported(f"|exists needs true or false, not '{_spelling(value)}'", "write it without quotes")


def _tests(modifiers: Modifiers, value: Any) -> list[Test]:
    """The tests of which any may be met."""
    if "exists" in modifiers:
        return [Exists(value)]
    if isinstance(value, str):
        return _of_text(modifiers, value)
    if part := modifiers.one_of(TIME_PARTS):
        return [_time_part(part, modifiers.one_of(COMPARISONS) or "eq", value)]
    if op := modifiers.one_of(COMPARISONS):
        return [Compare(op, value)]
    if value is None:
        return [Null()]
    return [Bool(value) if isinstance(value, bool) else Number(value)]


def _of_text(modifiers: Modifiers, value: str) -> list[Test]:
    place, cased = modifiers.one_of(PLACES), "cased" in modifiers
    if "re" in modifiers:
        return [_regex(value, place, "".join(sorted(flag for flag in REGEX_FLAGS if flag in modifiers)))]
    if "cidr" in modifiers:
        return [_network(value)]
    if "fieldref" in modifiers:
        if not value or "*" in value or "?" in value:
            raise Unsupported(
                f"|fieldref needs the name of a field, not '{value}'", "write the name, without wildcards"
            )
        return [Reference(value, place or "equals", cased)]
    if "expand" in modifiers and value.count("%") > 1:
        name = value[1:-1]
        if not (value.startswith("%") and value.endswith("%") and name and "%" not in name):
            cure = "write '%name%' alone: a list is compared as a whole; for a plain % leave |expand away"
            raise Unsupported(f"'{value}' is not a list of that name alone", cure)
        return [Listed(name)]
    return list(_texts(modifiers, value, cased=cased))


def _texts(modifiers: Modifiers, value: str, *, cased: bool) -> Iterator[Text]:
    chain = [name for name in modifiers.names if name in PLACES or name in ENCODINGS]
    encoded = next((name for name in chain if name.startswith("base64")), "")
    if encoded and not value:
        raise Unsupported(f"|{encoded} of an empty text stands in every text", "write the text")
    wide = next((name for name in chain if name in ("wide", "utf16", "utf16be")), "")
    if wide and (not encoded or chain.index(wide) > chain.index(encoded)):
        raise Unsupported(f"|{wide} makes bytes, and no text is like them", "put |base64offset|contains behind it")
    if wide and not value.isascii():
        raise Unsupported(f"|{wide} takes ASCII letters alone, not '{value}'", "look for the part that is ASCII")
    if encoded == "base64offset" and not modifiers.one_of(PLACES):
        chain.append("contains")  # what it makes are pieces, which stand somewhere inside
    try:
        read = SigmaDetectionItem.from_mapping("|".join(("", *chain)), value).value
    except sigma_errors.SigmaError as error:
        cure = "put |contains, |startswith or |endswith behind it; write no wildcards" if encoded else ""
        raise Unsupported(str(error).rstrip("."), cure or "split the text into several") from error
    for text in _flat(read):
        parts = (_WILDCARDS[part] if isinstance(part, SpecialChars) else str(part) for part in text.s)
        yield Text(_open(tuple(parts)), cased)


def _flat(values: Iterable[Any]) -> Iterator[SigmaString]:
    """The texts that a value expands to."""
    for value in values:
        if isinstance(value, SigmaExpansion):
            yield from _flat(value.values)
        else:
            yield value


def _open(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The same pattern with one MANY where several stand side by side."""
    return tuple(part for place, part in enumerate(parts) if part != MANY or place == 0 or parts[place - 1] != MANY)


def _keyword(modifiers: Modifiers, test: Test, value: Any) -> Node:
    if isinstance(test, Regex):
        return Keyword(test)
    if isinstance(test, Number):
        test = Text((str(value),))
    if not isinstance(test, Text):
        what = (
            f"a keyword cannot be {_spelling(value)}" if not modifiers.names else f"|{modifiers.names[0]} has no field"
        )
        raise Unsupported(what, "quote it, or name a field" if isinstance(value, bool) else "name a field")
    if not any(test.parts):
        raise Unsupported("an empty keyword stands in every event", "write a word, or name a field")
    if modifiers.one_of(PLACES):
        return Keyword(test)
    return Keyword(Text(_open((MANY, *test.parts, MANY)), test.cased))


def _regex(pattern: str, place: str, flags: str) -> Regex:
    around = {"startswith": (r"\A(?:", ")"), "endswith": ("(?:", r")\z")}.get(place, ("", ""))
    test = Regex(around[0] + pattern + around[1], flags)
    try:
        compile_regex(test)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        cure = _NO_LOOKAROUND if "perl operator" in said else "check its brackets and escapes (RE2 syntax)"
        raise Unsupported(f"Regular expression '{pattern}' is invalid: {said}", cure) from error
    return test


def _network(value: str) -> Cidr:
    try:
        return Cidr(str(ip_network(value)))
    except ValueError as error:
        try:
            cure = f"write {ip_network(value, strict=False)}"
        except ValueError:
            cure = "for example 10.0.0.0/8 or 2001:db8::/32"
        raise Unsupported(f"'{value}' is no network in CIDR notation: {error}", cure) from error


def _time_part(part: str, op: str, value: int | float) -> TimePart:
    low, high = _ENDS[part]
    if value != int(value) or (op == "eq" and not low <= value <= high):
        raise Unsupported(f"|{part} is never {value}", f"a whole number from {low} to {high}")
    return TimePart(part, int(value), op)


def _spelling(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
